// SPDX-License-Identifier: MIT
// Twelve layers around an F that costs next to nothing (y = u/2, read and written once): what the connections
// themselves take. A case counts tokens, and the work of all layers.

#include "support/connections.hpp"

#include <mhc/compose/stack.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace {

constexpr int layers = 12;

bench::work there(bench::sizes const& s) { return bench::layer_keeping_scores(s) + bench::work{{s.C, s.C, s.C}}; }
bench::work rebuilding(bench::sizes const& s) { return {bench::aggregate(s), bench::mix(s)}; }
bench::work back(bench::sizes const& s) { return bench::layer_vjp(s) + bench::work{{s.C, s.C, s.C}}; }

template <class T>
void halve(T const* from, T* to, std::ptrdiff_t count) {
  for (std::ptrdiff_t i = 0; i < count; ++i) to[i] = T(0.5) * from[i];
}

/// The same stack by Eigen; keeps everything, as a framework does.
template <class T, int N>
class naive_stack {
 public:
  using kind = mhc::connection<T, N, mhc::sinkhorn<>>;
  using gradients = mhc::connection_parameters<T, N, mhc::sinkhorn<>>;

  naive_stack(bench::memory& m, kind const& c, std::ptrdiff_t count)
      : connection_(c),
        tokens_(count),
        x_(m.output<T>(layers * count * N * channels())),
        u_(m.output<T>(count * channels())),
        y_(m.output<T>(layers * count * channels())),
        h_pre_(m.output<T>(count * N)),
        h_post_(m.output<T>(layers * count * N)),
        h_res_(m.output<T>(layers * count * N * N)),
        u_gradient_(m.output<T>(count * channels())),
        y_gradient_(m.output<T>(count * channels())),
        h_post_gradient_(m.output<T>(count * N)),
        h_res_gradient_(m.output<T>(count * N * N)),
        share_(m.output<T>(count * N * channels())) {}

  void forward(T const* parameters, T const* x_in, T* x_out, std::ptrdiff_t count) {
    for (std::ptrdiff_t l = 0; l < layers; ++l) {
      auto const p = mhc::parameters_at(connection_, parameters + l * mhc::parameter_count(connection_));
      T* const next = l + 1 < layers ? x_ + (l + 1) * tokens_ * N * channels() : x_out;
      gates_.coefficients(streams(x_in, l), p.phi, p.alpha, p.bias, connection_.norm_epsilon, h_pre_, post(l), res(l),
                          count, channels());
      naive::aggregate<N>(h_pre_, streams(x_in, l), u_, count, channels());
      halve(u_, y(l), count * channels());
      naive::mix<N>(res(l), post(l), streams(x_in, l), y(l), next, count, channels());
    }
  }

  /// x_gradient holds ∂loss/∂x_out and gets ∂loss/∂x; parameters_gradient is added to.
  void backward(T const* parameters, T const* x_in, T* x_gradient, T* parameters_gradient, std::ptrdiff_t count) {
    std::ptrdiff_t const size = mhc::parameter_count(connection_), elements = count * N * channels();
    for (std::ptrdiff_t l = layers; l-- > 0;) {
      auto const p = mhc::parameters_at(connection_, parameters + l * size);
      auto const g = mhc::parameters_at(connection_, parameters_gradient + l * size);
      naive::mix_vjp<N>(res(l), post(l), streams(x_in, l), y(l), x_gradient, h_res_gradient_, h_post_gradient_, share_,
                        y_gradient_, count, channels());
      halve(y_gradient_, u_gradient_, count * channels());
      gates_.pre_vjp(streams(x_in, l), p.phi, p.alpha, p.bias, connection_.norm_epsilon, u_gradient_, h_post_gradient_,
                     h_res_gradient_, x_gradient, g.phi, g.alpha, g.bias, count, channels());
      using vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;
      Eigen::Map<vector>(x_gradient, elements) += Eigen::Map<vector const>(share_, elements);
    }
  }

 private:
  std::ptrdiff_t channels() const { return connection_.channels; }
  T const* streams(T const* x_in, std::ptrdiff_t l) const { return l == 0 ? x_in : x_ + l * tokens_ * N * channels(); }
  T* y(std::ptrdiff_t l) const { return y_ + l * tokens_ * channels(); }
  T* post(std::ptrdiff_t l) const { return h_post_ + l * tokens_ * N; }
  T* res(std::ptrdiff_t l) const { return h_res_ + l * tokens_ * N * N; }

  kind connection_;
  std::ptrdiff_t tokens_;
  T *x_, *u_, *y_, *h_pre_, *h_post_, *h_res_, *u_gradient_, *y_gradient_, *h_post_gradient_, *h_res_gradient_, *share_;
  naive::gates<T, N> gates_;
};

template <class T, int N>
struct stack_tensors {
  using scalar = T;
  using kind = mhc::connection<T, N, mhc::sinkhorn<>>;
  static constexpr bool matrix_case = false;
  static constexpr int K = 2 * N + N * N;

  std::ptrdiff_t channels, tokens;
  mhc::stack<kind> network;
  T *x, *parameters, *x_out, *workspace;
  mutable naive_stack<T, N> naive;  // its activations

  stack_tensors(bench::memory& m, std::ptrdiff_t c, bool recompute)
      : channels(c),
        tokens(bench::scored_tokens<T, N>(c, K)),
        network{.connection = {.channels = c}, .layers = layers, .recompute = recompute},
        x(m.gaussian<T>(tokens * N * c)),
        parameters(m.gaussian<T>(mhc::parameter_count(network))),
        x_out(m.output<T>(tokens * N * c)),
        workspace(m.output<T>(mhc::workspace_size(network, tokens))),
        naive(m, network.connection, tokens) {
    for (std::ptrdiff_t l = 0; l < layers; ++l) {
      auto const p = mhc::parameters_at(network.connection, parameters + l * mhc::parameter_count(network.connection));
      for (std::ptrdiff_t k = 0; k < K * N * c; ++k) p.phi[k] /= std::sqrt(T(N * c));
    }
  }

  std::ptrdiff_t items() const { return tokens; }
  std::span<T> workspace_of(std::ptrdiff_t count) const {
    return {workspace, static_cast<std::size_t>(mhc::workspace_size(network, count))};
  }
  template <class Policy>
  void propagate(Policy const& policy, std::ptrdiff_t count) const {
    mhc::propagate(policy, network, parameters, {x, count, channels}, {x_out, count, channels}, workspace_of(count),
                   [](std::ptrdiff_t, mhc::token_view<T const> u, mhc::token_view<T> y) {
                     halve(u.data, y.data, u.size * u.channels);
                   });
  }
};

template <class T, int N>
struct stack_forward : stack_tensors<T, N> {
  static constexpr char const* name = "stack/forward";
  static bench::work todo(bench::sizes const& s) { return bench::times(layers, there(s)); }

  stack_forward(bench::memory& m, std::ptrdiff_t c) : stack_tensors<T, N>(m, c, true) {}
  std::vector<bench::output<T>> results(std::ptrdiff_t count) const {
    return {{this->x_out, count * N * this->channels}};
  }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    this->propagate(policy, count);
  }
  void run_naive(std::ptrdiff_t count) const { this->naive.forward(this->parameters, this->x, this->x_out, count); }
};

/// Forward and backward, with ∂loss/∂x_out = x_out.
template <class T, int N, bool Recompute>
struct step : stack_tensors<T, N> {
  T *x_gradient, *parameters_gradient;

  step(bench::memory& m, std::ptrdiff_t c)
      : stack_tensors<T, N>(m, c, Recompute),
        x_gradient(m.output<T>(this->tokens * N * c)),
        parameters_gradient(m.gaussian<T>(mhc::parameter_count(this->network))) {}
  std::vector<bench::output<T>> results(std::ptrdiff_t count) const {
    return {{x_gradient, count * N * this->channels}, {parameters_gradient, mhc::parameter_count(this->network), true}};
  }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    auto const C = this->channels;
    this->propagate(policy, count);
    mhc::propagate_vjp(policy, this->network, this->parameters, {this->x, count, C}, this->workspace_of(count),
                       {this->x_out, count, C}, {x_gradient, count, C}, parameters_gradient,
                       [](std::ptrdiff_t, mhc::token_view<T const>, mhc::token_view<T const>,
                          mhc::token_view<T const> y_gradient, mhc::token_view<T> u_gradient) {
                         halve(y_gradient.data, u_gradient.data, u_gradient.size * u_gradient.channels);
                       });
  }
  void run_naive(std::ptrdiff_t count) const {
    this->naive.forward(this->parameters, this->x, x_gradient, count);
    this->naive.backward(this->parameters, this->x, x_gradient, parameters_gradient, count);
  }
};

template <class T, int N>
struct step_kept : step<T, N, false> {
  static constexpr char const* name = "stack/step_kept";
  static bench::work todo(bench::sizes const& s) { return bench::times(layers, there(s) + back(s)); }
  using step<T, N, false>::step;
};

template <class T, int N>
struct step_recomputed : step<T, N, true> {
  static constexpr char const* name = "stack/step_recomputed";
  static bench::work todo(bench::sizes const& s) { return bench::times(layers, there(s) + rebuilding(s) + back(s)); }
  using step<T, N, true>::step;
};

[[maybe_unused]] bool const added = [] {
  bench::add<stack_forward, float, 4>(1280);
  bench::add<step_kept, float, 4>(1280);
  bench::add<step_recomputed, float, 4>(1280);
  return true;
}();

}  // namespace
