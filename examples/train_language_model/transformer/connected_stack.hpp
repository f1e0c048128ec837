// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/views.hpp>
#include <mhc/geometry/gains.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace demo {

/// F of a layer and its vjp, as mhc::propagate and mhc::propagate_vjp call them.
template <class T>
using sublayer = std::function<void(std::ptrdiff_t layer, mhc::token_view<T const> u, mhc::token_view<T> y)>;
template <class T>
using sublayer_vjp = std::function<void(std::ptrdiff_t layer, mhc::token_view<T const> u, mhc::token_view<T const> y,
                                        mhc::token_view<T const> y_gradient, mhc::token_view<T> u_gradient)>;

/// What the residual mixing of a stack does to the tokens of one batch.
struct mixing {
  int streams = 1;
  /// Of the product of H_res over the layers 0 … l, at its worst over the tokens, for every l.
  std::vector<mhc::gain> gain_by_depth;
  /// (layers, N, N): the mean over the tokens.
  std::vector<double> h_res;
  /// (N, N): the product of all layers, mean over the tokens.
  std::vector<double> product;
};

/// A stack of residual connections of one kind with its kind and number of streams, both template arguments in
/// mhc, chosen at run time.
template <class T>
class connected_stack {
 public:
  virtual ~connected_stack() = default;

  virtual std::ptrdiff_t layers() const = 0;
  /// Of one layer, the first phi_size() of them a matrix.
  virtual std::ptrdiff_t layer_parameter_count() const = 0;
  virtual std::ptrdiff_t phi_size() const = 0;
  /// Elements kept between forward and backward.
  virtual std::ptrdiff_t activation_count(std::ptrdiff_t tokens, bool recompute) const = 0;

  virtual void initialise(std::span<T> parameters, std::uint64_t seed) const = 0;
  virtual void forward(T const* parameters, mhc::token_view<T const> x, mhc::token_view<T> out,
                       sublayer<T> const& f) = 0;
  /// Of the last forward, as which `measure` counts. Adds to parameters_gradient, writes x_gradient.
  virtual void backward(T const* parameters, mhc::token_view<T const> out_gradient, mhc::token_view<T> x_gradient,
                        T* parameters_gradient, sublayer_vjp<T> const& f_vjp) = 0;
  virtual mixing measure(T const* parameters, mhc::token_view<T const> x, sublayer<T> const& f) = 0;

  std::ptrdiff_t parameter_count() const { return layers() * layer_parameter_count(); }
};

}  // namespace demo
