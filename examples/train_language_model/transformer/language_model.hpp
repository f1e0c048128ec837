// SPDX-License-Identifier: MIT
#pragma once

#include "../random.hpp"
#include "connected_stack.hpp"
#include "head.hpp"
#include "layout.hpp"
#include "sublayers.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace demo {

/// A byte-level causal transformer: embedding + position, the sublayers in their residual connections, prediction head.
/// All parameters lie in one array, those of the connections last: the rest is then the same for every connection.
template <class T>
class language_model {
 public:
  language_model(transformer_shape const& shape, execution how, std::unique_ptr<connected_stack<T>> connections)
      : shape_{shape},
        how_{how},
        sublayers_{shape, how},
        head_{shape.channels, shape.vocabulary},
        connections_{std::move(connections)} {
    Eigen::setNbThreads(1);  // for_each_piece has the threads, and says why
  }

  transformer_shape const& shape() const { return shape_; }
  connected_stack<T> const& connections() const { return *connections_; }

  parameter_layout layout() const {
    parameter_layout at{positions_at(), {}, head_at(), connections_at(), parameter_count()};
    for (std::ptrdiff_t l = 0; l < shape_.sublayers(); ++l)
      at.sublayers.push_back(sublayers_at() + sublayers_.offset(l));
    return at;
  }

  std::ptrdiff_t transformer_parameter_count() const { return connections_at(); }
  std::ptrdiff_t parameter_count() const { return connections_at() + connections_->parameter_count(); }

  /// Elements kept between forward and backward.
  std::ptrdiff_t activation_count(std::ptrdiff_t count, std::ptrdiff_t length, bool recompute) const {
    return sublayers_.activation_count(count, length, recompute) +
           connections_->activation_count(count * length, recompute) + 2 * count * length * shape_.channels;
  }

  void initialise(std::span<T> parameters, std::uint64_t seed) const;

  /// Offset and size of every matrix: what weight decay is for.
  std::vector<std::pair<std::ptrdiff_t, std::ptrdiff_t>> matrices() const;

  /// The mean cross-entropy in nats.
  double loss(T const* parameters, windows const& batch) {
    forward(parameters, batch);
    return mean_loss(batch, [&](std::ptrdiff_t s) {
      return head_.loss(parameters + head_at(), const_rows(out_, s, batch.length),
                        batch.targets.data() + s * batch.length);
    });
  }

  /// Also adds the gradient of all parameters to `gradient`.
  double loss_and_gradient(T const* parameters, windows const& batch, T* gradient) {
    forward(parameters, batch);
    auto const stride = padded(head_.parameter_count());
    head_parts_.assign(unsigned_size(batch.count * stride), T(0));
    double const loss = mean_loss(batch, [&](std::ptrdiff_t s) {
      return head_.loss_and_gradient(parameters + head_at(), const_rows(out_, s, batch.length),
                                     batch.targets.data() + s * batch.length, T(1) / static_cast<T>(batch.tokens()),
                                     rows(out_, s, batch.length), data_at(head_parts_, s * stride));
    });
    add_parts(how_.threads, head_parts_.data(), batch.count, stride, head_.parameter_count(), gradient + head_at());
    backward(parameters, batch, gradient);
    return loss;
  }

  /// Of the byte that follows.
  row_vector<T> next_logits(T const* parameters, std::span<std::uint8_t const> bytes) {
    windows const one{1, signed_size(bytes), {bytes.begin(), bytes.end()}, {}};
    forward(parameters, one);
    return head_.logits(parameters + head_at(), const_rows(out_, 0, one.length)).bottomRows(1);
  }

  mixing measure_mixing(T const* parameters, windows const& batch) {
    embed(parameters, batch);
    return connections_->measure(parameters + connections_at(), tokens(x_, batch), forward_of(parameters));
  }

 private:
  std::ptrdiff_t positions_at() const { return shape_.vocabulary * shape_.channels; }
  std::ptrdiff_t sublayers_at() const { return positions_at() + shape_.context * shape_.channels; }
  std::ptrdiff_t head_at() const { return sublayers_at() + sublayers_.parameter_count(); }
  std::ptrdiff_t connections_at() const { return head_at() + head_.parameter_count(); }

  matrix_map<T> rows(buffer<T>& x, std::ptrdiff_t sequence, std::ptrdiff_t length) const {
    return {x.data() + sequence * length * shape_.channels, length, shape_.channels};
  }
  const_matrix_map<T> const_rows(buffer<T> const& x, std::ptrdiff_t sequence, std::ptrdiff_t length) const {
    return {x.data() + sequence * length * shape_.channels, length, shape_.channels};
  }
  mhc::token_view<T> tokens(buffer<T>& x, windows const& batch) const {
    return {x.data(), batch.tokens(), shape_.channels};
  }

  sublayer<T> forward_of(T const* parameters) {
    return [this, weights = parameters + sublayers_at()](std::ptrdiff_t layer, mhc::token_view<T const> u,
                                                         mhc::token_view<T> y) {
      sublayers_.forward(weights, layer, u, y);
    };
  }

  void embed(T const* parameters, windows const& batch) {
    sublayers_.reserve(batch.count, batch.length);
    x_.resize(unsigned_size(batch.tokens() * shape_.channels));
    out_.resize(x_.size());
    for (std::ptrdiff_t i = 0; i < batch.tokens(); ++i)
      token(x_, i) =
          const_row_map<T>(parameters + batch.bytes[unsigned_size(i)] * shape_.channels, shape_.channels) +
          const_row_map<T>(parameters + positions_at() + i % batch.length * shape_.channels, shape_.channels);
  }

  void forward(T const* parameters, windows const& batch) {
    embed(parameters, batch);
    connections_->forward(parameters + connections_at(), tokens(x_, batch), tokens(out_, batch),
                          forward_of(parameters));
  }

  /// From the gradient in out_.
  void backward(T const* parameters, windows const& batch, T* gradient) {
    connections_->backward(
        parameters + connections_at(), tokens(out_, batch), tokens(x_, batch), gradient + connections_at(),
        [&](std::ptrdiff_t layer, mhc::token_view<T const> u, mhc::token_view<T const>,
            mhc::token_view<T const> y_gradient, mhc::token_view<T> u_gradient) {
          sublayers_.backward(parameters + sublayers_at(), layer, u, y_gradient, u_gradient, gradient + sublayers_at());
        });
    for (std::ptrdiff_t i = 0; i < batch.tokens(); ++i) {
      row_map<T>(gradient + batch.bytes[unsigned_size(i)] * shape_.channels, shape_.channels) += token(x_, i);
      row_map<T>(gradient + positions_at() + i % batch.length * shape_.channels, shape_.channels) += token(x_, i);
    }
  }

  row_map<T> token(buffer<T>& x, std::ptrdiff_t i) const { return {x.data() + i * shape_.channels, shape_.channels}; }

  template <class F>
  double mean_loss(windows const& batch, F const& loss_of) {
    std::vector<T> sums(unsigned_size(batch.count));
    for_each_piece(how_.threads, batch.count, [&](std::ptrdiff_t s) { sums[unsigned_size(s)] = loss_of(s); });
    double total = 0;
    for (T const sum : sums) total += static_cast<double>(sum);
    return total / static_cast<double>(batch.tokens());
  }

  transformer_shape shape_;
  execution how_;
  sublayers<T> sublayers_;
  prediction_head<T> head_;
  std::unique_ptr<connected_stack<T>> connections_;
  buffer<T> x_;
  buffer<T> out_;
  buffer<T> head_parts_;
};

}  // namespace demo

#include "weights.hpp"
