// SPDX-License-Identifier: MIT
// Recomputation beside communication. In a network that is spread over devices the backward pass waits: for the gradient
// that the next devices send, and in every layer whose F exchanges tokens. On a stream of its own the library rebuilds
// meanwhile what the next layers need. Here copies between the device and the host stand for the communication.
//   overlap [tokens] [channels] [layers]

#include "support/device.cuh"
#include "support/tanh_layer.cuh"
#include "support/timeline.cuh"

#include <mhc/cuda.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace example {

/// What the work is called from here on.
struct work_names {
  std::string rebuilding, backward;
};

/// mhc::cuda::policy that notes on a timeline, where there is one, when its work ran: a policy of one's own is a type in a
/// namespace with an overload per operation.
struct noted_policy {
  using execution_policy_tag = void;

  mhc::cuda::policy on;
  timeline* notes;
  char const* lane;
  work_names const* names;

  template <class Work>
  void run(std::string const& name, Work const& work) const {
    notes == nullptr ? work() : notes->note(on.stream, lane, name, work);
  }
};

template <class Kind, class T, int N>
void gates_vjp_impl(noted_policy const& p, Kind const& kind, mhc::parameters_of<Kind, T const> const& parameters,
                    mhc::stream_view<T const, N> x, mhc::detail::gate_output_gradients<T, N> const& in,
                    mhc::stream_view<T, N> x_gradient, mhc::parameters_of<Kind, T> const& parameters_gradient,
                    mhc::update mode) {
  p.run(p.names->backward,
        [&] { mhc::cuda::gates_vjp_impl(p.on, kind, parameters, x, in, x_gradient, parameters_gradient, mode); });
}
template <class T, int N>
void mix_impl(noted_policy const& p, mhc::batch_view<T const, N> h_res, mhc::vector_view<T const, N> h_post,
              mhc::stream_view<T const, N> x, mhc::token_view<T const> y, mhc::stream_view<T, N> x_next) {
  p.run(p.names->rebuilding, [&] { mhc::cuda::mix_impl(p.on, h_res, h_post, x, y, x_next); });
}
template <class T, int N>
void mix_vjp_impl(noted_policy const& p, mhc::mix_vjp_arguments<T, N> const& arguments) {
  p.run(p.names->backward, [&] { mhc::cuda::mix_vjp_impl(p.on, arguments); });
}
template <class T, int N>
void aggregate_impl(noted_policy const& p, mhc::vector_view<T const, N> h_pre, mhc::stream_view<T const, N> x,
                    mhc::token_view<T> u) {
  p.run(p.names->rebuilding, [&] { mhc::cuda::aggregate_impl(p.on, h_pre, x, u); });
}
inline void wait_impl(noted_policy const& later, noted_policy const& earlier) {
  mhc::cuda::wait_impl(later.on, earlier.on);
}

}  // namespace example

namespace {

constexpr int N = 4;
using connection = mhc::connection<float, N, mhc::sinkhorn<>>;

/// Memory of the host that a copy can use while the host does something else.
class pinned_array {
 public:
  explicit pinned_array(std::ptrdiff_t count) {
    example::require(cudaMallocHost(&data_, static_cast<std::size_t>(count) * sizeof(float)),
                     "allocating pinned memory");
  }
  pinned_array(pinned_array const&) = delete;
  pinned_array& operator=(pinned_array const&) = delete;
  ~pinned_array() { cudaFreeHost(data_); }
  float* data() const { return data_; }

 private:
  float* data_ = nullptr;
};

std::vector<float> wave(std::ptrdiff_t count, double scale) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t k = 0; k < values.size(); ++k)
    values[k] = static_cast<float>(scale * std::sin(1.7 * static_cast<double>(k) + .3));
  return values;
}

/// Layers that start near the identity, with a φ that is not zero.
std::vector<float> start(mhc::stack<connection> const& network) {
  auto const each = static_cast<std::size_t>(mhc::parameter_count(network.connection));
  std::vector<float> all(each * static_cast<std::size_t>(network.layers));
  for (std::ptrdiff_t l = 0; l < network.layers; ++l) {
    std::span<float> const layer(all.data() + each * static_cast<std::size_t>(l), each);
    mhc::initialise(network.connection, l, layer, 2.f);
    auto const phi = wave(mhc::phi_size(network.connection), .02);
    std::copy(phi.begin(), phi.end(), layer.begin());
  }
  return all;
}

struct gradients {
  std::vector<float> x, parameters;

  bool same_bits(gradients const& other) const {
    return std::memcmp(x.data(), other.x.data(), x.size() * sizeof(float)) == 0 &&
           std::memcmp(parameters.data(), other.parameters.data(), parameters.size() * sizeof(float)) == 0;
  }
};

class experiment {
 public:
  experiment(std::ptrdiff_t tokens, mhc::stack<connection> const& network)
      : network_(network),
        tokens_(tokens),
        channels_(network.connection.channels),
        parameters_(start(network)),
        x_(wave(tokens * N * channels_, 1.4)),
        x_out_(x_.size()),
        x_out_gradient_(x_.size()),
        x_gradient_(x_.size()),
        parameters_gradient_(parameters_.size()),
        memory_(mhc::workspace_size(network, tokens)),
        scratch_(scratch_bytes()),
        arriving_(x_.size()),
        sent_(tokens * channels_) {
    auto const gradient = wave(x_.size(), 1);
    std::copy(gradient.begin(), gradient.end(), arriving_.data());
  }

  /// Forward, then backward with the recomputation on its own stream or on that of the rest. Returns the microseconds
  /// that the latter took.
  double run(bool aside, bool noted) {
    forward();
    example::device_event begin, end;
    begin.record(stream_);
    example::follow(communication_, stream_);
    example::follow(aside_, stream_);
    example::timeline notes(stream_);
    backward(aside, noted ? &notes : nullptr);
    end.record(stream_);
    double const time = end.microseconds_since(begin);
    if (noted) notes.print();
    return time;
  }

  gradients result() const { return {x_gradient_.values(), parameters_gradient_.values()}; }

 private:
  std::ptrdiff_t scratch_bytes() const {
    return static_cast<std::ptrdiff_t>(mhc::cuda::workspace_bytes(network_.connection, tokens_));
  }
  mhc::stream_view<float, N> streams(example::device_array<float> const& x) const {
    return {x.data(), tokens_, channels_};
  }
  std::span<float> memory() const { return {memory_.data(), static_cast<std::size_t>(memory_.size())}; }
  mhc::cuda::policy policy() const { return {stream_, scratch_.data(), scratch_.bytes()}; }

  void forward() {
    mhc::propagate(policy(), network_, parameters_.data(), streams(x_), streams(x_out_), memory(),
                   [&](std::ptrdiff_t, auto u, auto y) { example::tanh_layer{stream_}.forward(u, y); });
    example::require(cudaMemsetAsync(parameters_gradient_.data(), 0, parameters_gradient_.bytes(), stream_),
                     "clearing a gradient");
  }

  void backward(bool aside, example::timeline* notes) {
    communicate(notes, "x_out_gradient arrives", x_out_gradient_.data(), arriving_.data(), x_out_gradient_.bytes());
    example::work_names names{"rebuilds the last", "begins"};
    example::noted_policy const rest{policy(), notes, "backward", &names};
    example::noted_policy const recomputation{{aside_}, notes, "recomputation", &names};
    auto const f_vjp = [&](std::ptrdiff_t layer, auto, auto y, auto y_gradient, auto u_gradient) {
      auto const number = std::to_string(layer);
      example::follow(communication_, stream_);
      communicate(notes, "exchange of layer " + number, sent_.data(), y_gradient.data,
                  sizeof(float) * static_cast<std::size_t>(tokens_ * channels_));
      names = {"rebuilds below " + number, "from F of layer " + number};
      rest.run(names.backward, [&] { example::tanh_layer{stream_}.vjp(y, y_gradient, u_gradient); });
    };
    auto const propagate_vjp = [&](auto const&... policies) {
      mhc::propagate_vjp(policies..., network_, parameters_.data(), streams(x_), memory(), streams(x_out_gradient_),
                         streams(x_gradient_), parameters_gradient_.data(), f_vjp);
    };
    aside ? propagate_vjp(rest, recomputation) : propagate_vjp(rest);
  }

  /// A copy on the stream of communication; the stream of the backward pass waits for it.
  void communicate(example::timeline* notes, std::string const& what, float* to, float const* from, std::size_t bytes) {
    auto const copy = [&] {
      example::require(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, communication_), "copying");
    };
    notes == nullptr ? copy() : notes->note(communication_, "communication", what, copy);
    example::follow(stream_, communication_);
  }

  mhc::stack<connection> network_;
  std::ptrdiff_t tokens_, channels_;
  example::device_array<float> parameters_, x_, x_out_, x_out_gradient_, x_gradient_, parameters_gradient_, memory_;
  example::device_array<char> scratch_;
  pinned_array arriving_, sent_;
  example::device_stream stream_, aside_, communication_{example::device_stream::priority::greatest};
};

/// Median of 9 runs, after one that loads the kernels.
double median_time(experiment& e, bool aside) {
  std::vector<double> times;
  e.run(aside, false);
  for (int k = 0; k < 9; ++k) times.push_back(e.run(aside, false));
  std::nth_element(times.begin(), times.begin() + 4, times.end());
  return times[4];
}

int run(std::ptrdiff_t tokens, std::ptrdiff_t channels, std::ptrdiff_t layers) {
  experiment e(tokens, {.connection = {.channels = channels}, .layers = layers, .ahead = true});
  double const serial = median_time(e, false);
  auto const expected = e.result();
  double const overlapped = median_time(e, true);
  std::printf("%td tokens of %d streams of %td channels, %td layers; backward:\n", tokens, N, channels, layers);
  std::puts("recomputation in the order of all else");
  e.run(false, true);
  std::puts("recomputation on a stream of its own");
  e.run(true, true);
  bool const same = e.result().same_bits(expected);
  std::printf("%.0f us in order, %.0f us side by side: %.0f us saved, %.1f %%; the gradients have %s bits\n", serial,
              overlapped, serial - overlapped, 100 * (serial - overlapped) / serial, same ? "the same" : "OTHER");
  return same ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  auto const argument = [&](int k, int otherwise) { return argc > k ? std::atoi(argv[k]) : otherwise; };
  std::ptrdiff_t const tokens = argument(1, 4096), channels = argument(2, 1280), layers = argument(3, 8);
  if (tokens < 1 || channels < 1 || layers < 1) {
    std::fputs("overlap [tokens] [channels] [layers]: all are positive numbers\n", stderr);
    return 2;
  }
  return example::run_on_device("overlap", [&] { return run(tokens, channels, layers); });
}
