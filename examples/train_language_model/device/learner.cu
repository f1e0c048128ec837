// SPDX-License-Identifier: MIT
#include "head.cuh"
#include "learner.hpp"
#include "sublayers.cuh"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace demo {
namespace on_device {
namespace {

void copy_to(std::span<float> to, device_array<float> const& from) {
  example::require(cudaMemcpy(to.data(), from.data(), from.bytes(), cudaMemcpyDeviceToHost), "copying from the device");
}

class learner final : public device_learner<float> {
 public:
  explicit learner(device_model model)
      : shape_{model.shape},
        layout_{std::move(model.layout)},
        connections_{std::move(model.connections)},
        sublayers_(maths_, shape_, model.recompute, layout_.sublayers),
        head_{maths_, shape_.channels, shape_.vocabulary},
        decay_(std::vector<float>(model.decay.begin(), model.decay.end())),
        parameters_(layout_.end),
        gradient_(layout_.end),
        first_(layout_.end),
        second_(layout_.end) {}

  void put(training_state<float const> const& state) override {
    auto const array = [](std::span<float const> from) {
      return device_array<float>(std::vector<float>(from.begin(), from.end()));
    };
    parameters_ = array(state.parameters);
    first_ = array(state.first);
    second_ = array(state.second);
  }

  void get(training_state<float> const& state) const override {
    copy_to(state.parameters, parameters_);
    copy_to(state.first, first_);
    copy_to(state.second, second_);
  }

  double loss(windows const& batch) override {
    forward(batch);
    auto const tokens = batch.tokens();
    maths_.cross_entropy(head_.logits(at(layout_.head), tokens, out_(0), scratch_), targets_.data(), losses_(tokens));
    return maths_.sum(losses_(tokens), tokens) / static_cast<double>(tokens);
  }

  loss_and_norm loss_and_gradient(windows const& batch) override {
    forward(batch);
    auto const tokens = batch.tokens();
    example::require(cudaMemsetAsync(gradient_.data(), 0, gradient_.bytes()), "clearing the gradient");
    head_.loss_and_gradient(at(layout_.head), tokens, out_(0), targets_.data(), 1 / static_cast<float>(tokens),
                            losses_(tokens), out_gradient_(tokens * shape_.channels), gradient_at(layout_.head),
                            scratch_);
    backward(batch);
    return {maths_.sum(losses_(tokens), tokens) / static_cast<double>(tokens),
            std::sqrt(maths_.sum_of_squares(gradient_.data(), gradient_.size()))};
  }

  void update(adamw_step<float> const& step) override {
    maths_.adamw(step, gradient_, decay_, first_, second_, parameters_);
    example::require(cudaDeviceSynchronize(), "waiting for the device");  // the step's time is its own
  }

  std::vector<float> next_logits(std::span<std::uint8_t const> bytes) override {
    windows const one{1, static_cast<std::ptrdiff_t>(bytes.size()), {bytes.begin(), bytes.end()}, {}};
    forward(one);
    auto const logits = head_.logits(at(layout_.head), one.length, out_(0), scratch_);
    std::vector<float> last(static_cast<std::size_t>(shape_.vocabulary));
    example::require(cudaMemcpy(last.data(), logits.data + (one.length - 1) * shape_.vocabulary,
                                last.size() * sizeof(float), cudaMemcpyDeviceToHost),
                     "copying from the device");
    return last;
  }

  mixing measure_mixing(windows const& batch) override {
    embed(batch);
    return connections_->measure(at(layout_.connections), tokens(x_, batch), forward_of_layer());
  }

 private:
  float const* at(std::ptrdiff_t offset) const { return parameters_.data() + offset; }
  float* gradient_at(std::ptrdiff_t offset) const { return gradient_.data() + offset; }
  mhc::token_view<float> tokens(scratch& x, windows const& batch) const {
    return {x(batch.tokens() * shape_.channels), batch.tokens(), shape_.channels};
  }

  sublayer<float> forward_of_layer() {
    return [this](std::ptrdiff_t layer, mhc::token_view<float const> u, mhc::token_view<float> y) {
      sublayers_.forward(parameters_.data(), layer, u, y, scratch_);
    };
  }

  void embed(windows const& batch) {
    sublayers_.reserve({batch.count, batch.length});
    bytes_ = device_array<std::uint8_t>(batch.bytes);
    targets_ = device_array<std::uint8_t>(batch.targets);
    maths_.embed(at(0), at(layout_.positions), bytes_.data(), batch.length,
                 {tokens(x_, batch).data, batch.tokens(), shape_.channels});
  }

  void forward(windows const& batch) {
    embed(batch);
    connections_->forward(at(layout_.connections), tokens(x_, batch), tokens(out_, batch), forward_of_layer());
  }

  /// From the gradient in out_gradient_; that of the embedding's output replaces it in x_.
  void backward(windows const& batch) {
    connections_->backward(
        at(layout_.connections), tokens(out_gradient_, batch), tokens(x_, batch), gradient_at(layout_.connections),
        [this](std::ptrdiff_t layer, mhc::token_view<float const> u, mhc::token_view<float const>,
               mhc::token_view<float const> y_gradient, mhc::token_view<float> u_gradient) {
          sublayers_.backward(parameters_.data(), layer, u, y_gradient, u_gradient, gradient_.data(), scratch_);
        });
    maths_.embed_vjp({tokens(x_, batch).data, batch.tokens(), shape_.channels}, bytes_.data(), batch.length,
                     shape_.vocabulary, gradient_at(0), gradient_at(layout_.positions));
  }

  maths maths_;
  transformer_shape shape_;
  parameter_layout layout_;
  std::unique_ptr<connected_stack<float>> connections_;
  sublayers sublayers_;
  prediction_head head_;
  device_array<float> decay_, parameters_, gradient_, first_, second_;
  device_array<std::uint8_t> bytes_, targets_;
  scratch x_, out_, out_gradient_, losses_;
  scratch_arrays scratch_;
};

}  // namespace
}  // namespace on_device

std::unique_ptr<device_learner<float>> make_device_learner(device_model model) {
  return std::make_unique<on_device::learner>(std::move(model));
}

std::string device_name() {
  int count = 0;
  auto const status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || count == 0)
    throw std::runtime_error(std::string("--device cuda: there is no CUDA device: ") +
                             (status == cudaSuccess ? "none is visible" : cudaGetErrorString(status)));
  cudaDeviceProp properties{};
  example::require(cudaGetDeviceProperties(&properties, 0), "asking for the device's name");
  return properties.name;
}

}  // namespace demo
