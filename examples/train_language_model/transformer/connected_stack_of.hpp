// SPDX-License-Identifier: MIT
#pragma once

#include "../random.hpp"
#include "connected_stack.hpp"
#include "connection_settings.hpp"
#include "place.hpp"
#include "sizes.hpp"

#include <mhc/mhc.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace demo {

/// The streams are expanded from the embedding, carried through the layers by mhc::propagate, and contracted.
template <class T, class Kind, class Place>
class connected_stack_of final : public connected_stack<T> {
 public:
  connected_stack_of(Kind kind, connection_settings const& settings)
      : stack_{kind, settings.layers, settings.recompute}, place_(settings), settings_{settings} {}

  std::ptrdiff_t layers() const override { return stack_.layers; }
  std::ptrdiff_t layer_parameter_count() const override { return mhc::parameter_count(stack_.connection); }
  std::ptrdiff_t phi_size() const override { return mhc::phi_size(stack_.connection); }

  std::ptrdiff_t activation_count(std::ptrdiff_t tokens, bool recompute) const override {
    auto stack = stack_;
    stack.recompute = recompute;
    return mhc::workspace_size(stack, tokens) + 2 * stream_count(tokens);
  }

  void initialise(std::span<T> parameters, std::uint64_t seed) const override {
    auto const count = layer_parameter_count();
    for (std::ptrdiff_t l = 0; l < layers(); ++l) {
      auto const layer = parameters.subspan(unsigned_size(l * count), unsigned_size(count));
      if constexpr (has_diagonal)
        mhc::initialise(stack_.connection, l, layer, static_cast<T>(settings_.diagonal));
      else
        mhc::initialise(stack_.connection, l, layer);
      add_noise(layer.first(unsigned_size(phi_size())),
                random_stream(seed, purpose::connections, static_cast<std::uint64_t>(l)));
    }
  }

  void forward(T const* parameters, mhc::token_view<T const> x, mhc::token_view<T> out, sublayer<T> const& f) override {
    Place::grow(streams_, stream_count(x.size));
    Place::grow(streams_out_, stream_count(x.size));
    Place::grow(workspace_, mhc::workspace_size(stack_, x.size));
    auto const& policy = place_.policy(stack_.connection, x.size);
    mhc::expand(policy, x, view(streams_, x.size));
    mhc::propagate(policy, stack_, parameters, view(streams_, x.size), view(streams_out_, x.size), used(x.size), f);
    mhc::contract(policy, mhc::contraction::mean, view(streams_out_, x.size), out);
  }

  void backward(T const* parameters, mhc::token_view<T const> out_gradient, mhc::token_view<T> x_gradient,
                T* parameters_gradient, sublayer_vjp<T> const& f_vjp) override {
    auto const& policy = place_.policy(stack_.connection, x_gradient.size);
    auto const gradient = view(streams_out_, out_gradient.size);
    mhc::contract_vjp(policy, mhc::contraction::mean, out_gradient, gradient);
    mhc::propagate_vjp(policy, stack_, parameters, view(streams_, x_gradient.size), used(x_gradient.size), gradient,
                       gradient, parameters_gradient, f_vjp);
    mhc::expand_vjp(policy, gradient, x_gradient);
  }

  mixing measure(T const* parameters, mhc::token_view<T const> x, sublayer<T> const& f) override {
    memory out;
    Place::grow(out, x.size * x.channels);
    forward(parameters, x, {out.data(), x.size, x.channels}, f);

    std::vector<T> h_res(unsigned_size(layers() * x.size * N * N)), of_token(unsigned_size(layers() * N * N));
    for (std::ptrdiff_t l = 0; l < layers(); ++l)
      Place::copy_to_host(mhc::h_res_of(stack_, used(x.size), x.size, l).data, x.size * N * N,
                          h_res.data() + l * x.size * N * N);
    mixing result{N, std::vector<mhc::gain>(unsigned_size(layers())),
                  std::vector<double>(unsigned_size(layers() * N * N)), std::vector<double>(unsigned_size(N * N))};
    for (std::ptrdiff_t t = 0; t < x.size; ++t) {
      for (std::ptrdiff_t l = 0; l < layers(); ++l)
        std::copy_n(h_res.data() + (l * x.size + t) * N * N, N * N, of_token.data() + l * N * N);
      add_token(of_token, x.size, result);
    }
    return result;
  }

 private:
  static constexpr int N = static_cast<int>(Kind::streams);
  static constexpr bool has_diagonal =
      requires(Kind kind, std::span<T> layer) { mhc::initialise(kind, 0, layer, T(1)); };
  using memory = typename Place::template memory<T>;

  std::ptrdiff_t stream_count(std::ptrdiff_t tokens) const { return tokens * N * stack_.connection.channels; }

  mhc::stream_view<T, N> view(memory& streams, std::ptrdiff_t tokens) const {
    return {streams.data(), tokens, stack_.connection.channels};
  }

  std::span<T> used(std::ptrdiff_t tokens) {
    return {workspace_.data(), unsigned_size(mhc::workspace_size(stack_, tokens))};
  }

  /// Without noise the streams of an mHC start equal and, by symmetry, stay so.
  void add_noise(std::span<T> phi, random_stream random) const {
    double const deviation = settings_.noise / std::sqrt(double(N) * double(stack_.connection.channels));
    for (T& value : phi) value += static_cast<T>(deviation * random.normal());
  }

  /// Adds one token, whose H_res of all layers are given, to the means and the worst gains.
  void add_token(std::vector<T> const& h_res, std::ptrdiff_t tokens, mixing& result) const {
    std::array<double, N * N> product{};
    for (std::size_t i = 0; i < N; ++i) product[i * (N + 1)] = 1;
    for (std::ptrdiff_t l = 0; l < layers(); ++l) {
      T const* const h = h_res.data() + l * N * N;
      auto const before = product;
      for (std::size_t i = 0; i < N; ++i)
        for (std::size_t j = 0; j < N; ++j) {
          double& sum = product[i * N + j] = 0;
          for (std::size_t k = 0; k < N; ++k) sum += double(h[i * N + k]) * before[k * N + j];
        }
      for (std::ptrdiff_t k = 0; k < N * N; ++k)
        result.h_res[unsigned_size(l * N * N + k)] += double(h[k]) / double(tokens);
      auto const gain = mhc::composite_gain(mhc::batch_view<T const, N>{h_res.data(), l + 1});
      auto& worst = result.gain_by_depth[unsigned_size(l)];
      worst = {std::max(worst.forward, double(gain.forward)), std::max(worst.backward, double(gain.backward))};
    }
    for (std::size_t k = 0; k < N * N; ++k) result.product[k] += product[k] / double(tokens);
  }

  mhc::stack<Kind> stack_;
  Place place_;
  connection_settings settings_;
  memory workspace_;
  memory streams_;
  memory streams_out_;
};

namespace DEMO_PLACE {

template <class T, class Kind>
std::unique_ptr<connected_stack<T>> connect(Kind kind, connection_settings const& settings) {
  return std::make_unique<connected_stack_of<T, Kind, place>>(kind, settings);
}

}  // namespace DEMO_PLACE
}  // namespace demo
