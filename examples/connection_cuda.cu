// SPDX-License-Identifier: MIT
// One layer F in a manifold-constrained hyper-connection on the GPU, forward and backward, and the same on the CPU: the
// calls are the same, only the policy differs.
//   connection_cuda [tokens] [channels]

#include "support/device.cuh"
#include "support/tanh_layer.cuh"

#include <mhc/cuda.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr int N = 4;  // residual streams
using connection = mhc::connection<float, N, mhc::sinkhorn<>>;

/// The layer of support/tanh_layer.cuh on the CPU.
struct tanh_on_host {
  void forward(mhc::token_view<float const> u, mhc::token_view<float> y) const {
    for (std::ptrdiff_t k = 0; k < u.size * u.channels; ++k) y.data[k] = std::tanh(u.data[k]);
  }
  void vjp(mhc::token_view<float const> y, mhc::token_view<float const> y_gradient,
           mhc::token_view<float> u_gradient) const {
    for (std::ptrdiff_t k = 0; k < y.size * y.channels; ++k)
      u_gradient.data[k] = (1 - y.data[k] * y.data[k]) * y_gradient.data[k];
  }
};

/// All that the layer reads and writes, cut from one block of memory: the host's or the device's, so that one copy moves
/// all of it. Without memory it only counts.
class arrays {
 public:
  arrays(connection const& kind, std::ptrdiff_t tokens, float* memory) : memory_(memory) {
    std::ptrdiff_t const C = kind.channels, T = tokens;
    x = {take(T * N * C), T, C}, x_next_gradient = {take(T * N * C), T, C};
    parameters = take(mhc::parameter_count(kind)), parameters_gradient = take(mhc::parameter_count(kind));
    h_pre = {take(T * N), T}, h_post = {take(T * N), T}, h_res = {take(T * N * N), T};
    u = {take(T * C), T, C}, y = {take(T * C), T, C}, x_next = {take(T * N * C), T, C};
    h_post_gradient = {take(T * N), T}, h_res_gradient = {take(T * N * N), T};
    u_gradient = {take(T * C), T, C}, y_gradient = {take(T * C), T, C}, x_gradient = {take(T * N * C), T, C};
  }

  std::ptrdiff_t size() const { return taken_; }

  mhc::stream_view<float, N> x, x_next, x_gradient, x_next_gradient;
  mhc::token_view<float> u, y, u_gradient, y_gradient;
  mhc::vector_view<float, N> h_pre, h_post, h_post_gradient;
  mhc::batch_view<float, N> h_res, h_res_gradient;
  float *parameters, *parameters_gradient;

 private:
  float* take(std::ptrdiff_t count) {
    float* const at = memory_ == nullptr ? nullptr : memory_ + taken_;
    taken_ += (count + 63) / 64 * 64;  // every array begins at a multiple of 256 bytes
    return at;
  }

  float* memory_;
  std::ptrdiff_t taken_ = 0;
};

template <class Policy, class Layer>
void forward(Policy const& policy, connection const& kind, arrays const& a, Layer const& f) {
  mhc::pre(policy, kind, mhc::parameters_at(kind, a.parameters), a.x, a.h_pre, a.h_post, a.h_res, a.u);
  f.forward(a.u, a.y);
  mhc::mix(policy, a.h_res, a.h_post, a.x, a.y, a.x_next);
}

template <class Policy, class Layer>
void backward(Policy const& policy, connection const& kind, arrays const& a, Layer const& f) {
  mhc::mix_vjp(policy, a.h_res, a.h_post, a.x, a.y, a.x_next_gradient, a.h_res_gradient, a.h_post_gradient,
               a.x_gradient, a.y_gradient);
  f.vjp(a.y, a.y_gradient, a.u_gradient);
  mhc::pre_vjp(policy, kind, mhc::parameters_at(kind, a.parameters), a.x, a.u_gradient, a.h_post_gradient,
               a.h_res_gradient, a.x_gradient, mhc::parameters_at(kind, a.parameters_gradient),
               mhc::update::accumulate);
}

/// x, the gradient of x_next and parameters that make every coefficient count; the gradients of parameters start at 0.
void set_inputs(connection const& kind, arrays const& a) {
  auto const wave = [](float* to, std::ptrdiff_t count, double scale, double shift) {
    for (std::ptrdiff_t k = 0; k < count; ++k)
      to[k] = static_cast<float>(scale * std::sin(1.7 * static_cast<double>(k) + shift));
  };
  std::ptrdiff_t const count = a.x.size * N * kind.channels;
  wave(a.x.data, count, 1.4, .3);
  wave(a.x_next_gradient.data, count, 1.4, .5);
  auto const p = mhc::parameters_at(kind, a.parameters);
  wave(p.phi, mhc::phi_size(kind), .05, .7);
  wave(p.bias, mhc::bias_size(kind), 1, .9);
  std::fill_n(p.alpha, mhc::alpha_size(kind), .5f);
  std::fill_n(a.parameters_gradient, mhc::parameter_count(kind), 0.f);
}

/// Prints the largest difference relative to the largest element, and returns it.
double compare(char const* name, float const* on_device, float const* on_host, std::ptrdiff_t count) {
  double difference = 0, largest = 0;
  for (std::ptrdiff_t k = 0; k < count; ++k) {
    double const d = std::abs(static_cast<double>(on_device[k]) - static_cast<double>(on_host[k]));
    if (!(d <= difference)) difference = d;  // a NaN stays
    largest = std::max(largest, std::abs(static_cast<double>(on_host[k])));
  }
  std::printf("  %-24s%.1e\n", name, difference / largest);
  return difference / largest;
}

/// Nanoseconds per token, mean of 20 rounds.
template <class Round>
double time_per_token(cudaStream_t stream, std::ptrdiff_t tokens, Round const& round) {
  constexpr int rounds = 20;
  round();  // loads the kernels
  example::device_event start, end;
  start.record(stream);
  for (int k = 0; k < rounds; ++k) round();
  end.record(stream);
  return 1e3 * end.microseconds_since(start) / rounds / static_cast<double>(tokens);
}

int run(std::ptrdiff_t tokens, std::ptrdiff_t channels) {
  connection const kind{.channels = channels};
  std::vector<float> host(static_cast<std::size_t>(arrays(kind, tokens, nullptr).size()));
  arrays const on_host(kind, tokens, host.data());
  set_inputs(kind, on_host);

  example::device_array<float> const memory(host);
  arrays const on_device(kind, tokens, memory.data());
  std::size_t const bytes = mhc::cuda::workspace_bytes(kind, tokens);
  example::device_array<char> const workspace(static_cast<std::ptrdiff_t>(bytes));
  example::device_stream const stream;
  mhc::cuda::policy const policy{stream, workspace.data(), bytes};
  example::tanh_layer const f{stream};
  forward(policy, kind, on_device, f);
  backward(policy, kind, on_device, f);
  auto const result = memory.values();

  forward(mhc::seq, kind, on_host, tanh_on_host{});
  backward(mhc::seq, kind, on_host, tanh_on_host{});

  std::printf("%td tokens of %d streams of %td channels; largest difference from the CPU, relative:\n", tokens, N,
              channels);
  double worst = 0;
  auto const add = [&](char const* name, float const* at, std::ptrdiff_t count) {
    double const d = compare(name, result.data() + (at - host.data()), at, count);
    if (!(d <= worst)) worst = d;
  };
  std::ptrdiff_t const all = tokens * N * channels;
  add("H_res", on_host.h_res.data, tokens * N * N);
  add("u", on_host.u.data, tokens * channels);
  add("x of the next layer", on_host.x_next.data, all);
  add("gradient of x", on_host.x_gradient.data, all);
  auto const gradients = mhc::parameters_at(kind, on_host.parameters_gradient);
  add("gradient of phi", gradients.phi, mhc::phi_size(kind));
  add("gradients of alpha", gradients.alpha, mhc::alpha_size(kind));
  add("gradients of bias", gradients.bias, mhc::bias_size(kind));
  std::printf("forward %.1f ns per token, backward %.1f\n",
              time_per_token(stream, tokens, [&] { forward(policy, kind, on_device, f); }),
              time_per_token(stream, tokens, [&] { backward(policy, kind, on_device, f); }));
  stream.synchronize();
  bool const agree = worst <= 1e-4;  // sums of N·channels and of all tokens, in another order
  std::puts(agree ? "they agree" : "they differ by more than rounding");
  return agree ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::ptrdiff_t const tokens = argc > 1 ? std::atoi(argv[1]) : 1024, channels = argc > 2 ? std::atoi(argv[2]) : 1280;
  if (tokens < 1 || channels < 1) {
    std::fputs("connection_cuda [tokens] [channels]: both are positive numbers\n", stderr);
    return 2;
  }
  return example::run_on_device("connection_cuda", [&] { return run(tokens, channels); });
}
