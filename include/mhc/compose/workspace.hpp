// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/check.hpp>
#include <mhc/core/error.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/aggregate/aggregate.hpp>
#include <mhc/ops/connections.hpp>
#include <mhc/ops/mix/mix.hpp>

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <type_traits>

namespace mhc {

/// L connections of one kind, and how much of them is kept for the backward pass.
template <class Kind>
struct stack {
  static_assert(!has_phi_element<Kind>, "mhc::stack keeps the parameters of all layers in one array of one element");

  Kind connection;
  std::ptrdiff_t layers;
  bool recompute = true;     ///< false: x and u of every layer are kept
  std::ptrdiff_t block = 0;  ///< L_r: x is kept at every block-th layer; 0 stands for optimal_block
  bool ahead = false;        ///< room for two rebuilt blocks: one is rebuilt while the other runs backward
};

/// L_r* = argmin n⌈L/L_r⌉ + (n+2) L_r, which is about √(nL/(n+2)): the number of layers between kept x for which the
/// kept x and the rebuilt block together are smallest. With room for several rebuilt blocks, `rooms` (n+2) L_r.
///
/// @see mHC, arXiv:2512.24880, eq. 20 and table 3
constexpr std::ptrdiff_t optimal_block(std::ptrdiff_t layers, std::ptrdiff_t streams, std::ptrdiff_t rooms = 1) {
  std::ptrdiff_t best = 1, least = -1;
  for (std::ptrdiff_t block = 1; block <= layers; ++block) {
    std::ptrdiff_t const cost = streams * ((layers + block - 1) / block) + rooms * (streams + 2) * block;
    if (least < 0 || cost < least) {
      least = cost;
      best = block;
    }
  }
  return best;
}

/// Rebuilt blocks that the workspace has room for.
template <class Kind>
constexpr std::ptrdiff_t room_count(stack<Kind> const& network) {
  return network.recompute && network.ahead ? 2 : 1;
}

/// The L_r in use.
template <class Kind>
constexpr std::ptrdiff_t block_length(stack<Kind> const& network) {
  if (!network.recompute) return 1;
  return network.block > 0 ? network.block : optimal_block(network.layers, Kind::streams, room_count(network));
}

/// Elements of the parameters of all layers.
template <class Kind>
constexpr std::ptrdiff_t parameter_count(stack<Kind> const& network) {
  return network.layers * parameter_count(network.connection);
}

namespace detail {

/// Where everything lies in the workspace, for streams of S. Every piece starts at a multiple of 16 of its elements.
template <class Kind, class S = typename Kind::element>
struct stack_memory {
  using T = typename Kind::element;
  static constexpr int N = Kind::streams;

  struct coefficient_views {
    vector_view<T, N> pre, post;
    batch_view<T, N> res;
    score_view<Kind> scores;
  };
  struct gradient_views {
    vector_view<T, N> h_post;
    batch_view<T, N> h_res;
    token_view<S> u, y;
  };

  std::ptrdiff_t layers, tokens, channels, block, rooms;
  bool recompute, scores_kept;
  T* base;

  constexpr stack_memory(stack<Kind> const& network, std::ptrdiff_t batch, T* workspace)
      : layers(network.layers),
        tokens(batch),
        channels(network.connection.channels),
        block(block_length(network)),
        rooms(room_count(network)),
        recompute(network.recompute),
        scores_kept(is_dynamic(network.connection)),
        base(workspace) {}

  static constexpr std::ptrdiff_t padded(std::ptrdiff_t elements) { return (elements + 15) / 16 * 16; }
  static constexpr std::ptrdiff_t padded_streams(std::ptrdiff_t elements) {
    return padded((elements * static_cast<std::ptrdiff_t>(sizeof(S)) + static_cast<std::ptrdiff_t>(sizeof(T)) - 1) /
                  static_cast<std::ptrdiff_t>(sizeof(T)));
  }
  constexpr std::ptrdiff_t stream_size() const { return padded_streams(tokens * N * channels); }
  constexpr std::ptrdiff_t token_size() const { return padded_streams(tokens * channels); }
  constexpr std::ptrdiff_t vector_size() const { return padded(tokens * N); }
  constexpr std::ptrdiff_t matrix_size() const { return padded(tokens * N * N); }
  constexpr std::ptrdiff_t score_size() const { return scores_kept ? padded(tokens * kept_numbers<Kind>) : 0; }
  constexpr std::ptrdiff_t coefficient_size() const { return 2 * vector_size() + matrix_size() + score_size(); }

  // In this order: y, and coefficients with scores, of every layer; x at the borders, but for layer 0, whose x is the
  // caller's; then, for the layers of a block per room (without recompute: of all), u, and x inside the blocks; scratch for
  // gradients.
  constexpr std::ptrdiff_t borders() const { return (layers - 1) / block; }
  constexpr std::ptrdiff_t kept_layers() const { return recompute ? rooms * block : layers; }
  constexpr std::ptrdiff_t coefficients_at() const { return layers * token_size(); }
  constexpr std::ptrdiff_t border_at() const { return coefficients_at() + layers * coefficient_size(); }
  constexpr std::ptrdiff_t u_at() const { return border_at() + borders() * stream_size(); }
  constexpr std::ptrdiff_t inside_at() const { return u_at() + kept_layers() * token_size(); }
  constexpr std::ptrdiff_t gradients_at() const { return inside_at() + rooms * (block - 1) * stream_size(); }
  constexpr std::ptrdiff_t size() const { return gradients_at() + vector_size() + matrix_size() + 2 * token_size(); }

  constexpr std::ptrdiff_t block_begin(std::ptrdiff_t l) const { return l / block * block; }
  constexpr std::ptrdiff_t slot(std::ptrdiff_t l) const { return recompute ? l % (rooms * block) : l; }

  token_view<S> y(std::ptrdiff_t l) const { return token_at(l * token_size()); }
  token_view<S> u(std::ptrdiff_t l) const { return token_at(u_at() + slot(l) * token_size()); }
  coefficient_views coefficients(std::ptrdiff_t l) const {
    T* const at = base + coefficients_at() + l * coefficient_size();
    T* const res = at + 2 * vector_size();
    score_view<Kind> scores;
    if (score_size() > 0) scores = {res + matrix_size(), tokens};
    return {{at, tokens}, {at + vector_size(), tokens}, {res, tokens}, scores};
  }
  gradient_views gradients() const {
    std::ptrdiff_t const at = gradients_at(), res_at = at + vector_size(), tokens_at = res_at + matrix_size();
    return {{base + at, tokens}, {base + res_at, tokens}, token_at(tokens_at), token_at(tokens_at + token_size())};
  }

  /// Forward: x_l is kept at a border and passes through x_out elsewhere.
  stream_view<S const, N> streams(std::ptrdiff_t l, stream_view<S const, N> x, stream_view<S, N> x_out) const {
    if (l == 0) return x;
    return l % block == 0 ? stream_view<S const, N>(border(l)) : stream_view<S const, N>(x_out);
  }
  stream_view<S, N> next_streams(std::ptrdiff_t l, stream_view<S, N> x_out) const {
    return l + 1 < layers && (l + 1) % block == 0 ? border(l + 1) : x_out;
  }
  /// Backward: x_l inside a block has been rebuilt.
  stream_view<S const, N> rebuilt_streams(std::ptrdiff_t l, stream_view<S const, N> x) const {
    if (l == 0) return x;
    return l % block == 0 ? border(l) : inside(l);
  }
  stream_view<S, N> inside(std::ptrdiff_t l) const {
    std::ptrdiff_t const room = l / block % rooms;
    return streams_at(inside_at() + (room * (block - 1) + l % block - 1) * stream_size());
  }

 private:
  stream_view<S, N> border(std::ptrdiff_t l) const { return streams_at(border_at() + (l / block - 1) * stream_size()); }
  S* elements_at(std::ptrdiff_t offset) const { return reinterpret_cast<S*>(base + offset); }
  token_view<S> token_at(std::ptrdiff_t offset) const { return {elements_at(offset), tokens, channels}; }
  stream_view<S, N> streams_at(std::ptrdiff_t offset) const { return {elements_at(offset), tokens, channels}; }
};

template <class Kind, class T>
parameters_of<Kind, T> layer_parameters(stack<Kind> const& network, T* parameters, std::ptrdiff_t l) {
  return parameters_at(network.connection, parameters + l * parameter_count(network.connection));
}

/// x and u of layers begin … end − 1 again, from x at `begin`, and y and the coefficients, which are kept.
template <class Policy, class Kind, class S, int N>
void rebuild_block(Policy const& policy, stream_view<S const, N> x, stack_memory<Kind, S> const& memory,
                   std::ptrdiff_t begin, std::ptrdiff_t end) {
  for (std::ptrdiff_t l = begin; l < end; ++l) {
    auto const h = memory.coefficients(l);
    auto const from = memory.rebuilt_streams(l, x);
    aggregate(policy, h.pre, from, memory.u(l));
    if (l + 1 < end) mix(policy, h.res, h.post, from, memory.y(l), memory.inside(l + 1));
  }
}

template <class Kind>
void check_stack_options(char const* operation, stack<Kind> const& network) {
  if (network.layers < 1) {
    throw option_error(std::string(operation) + ": stack.layers is " + std::to_string(network.layers) +
                       ", expected 1 or more");
  }
  if (network.block < 0 || network.block > network.layers) {
    throw option_error(std::string(operation) + ": stack.block is " + std::to_string(network.block) +
                       ", expected 0 (the optimum) to " + std::to_string(network.layers));
  }
}

}  // namespace detail

/// Elements that `propagate` and `propagate_vjp` need for a batch of `tokens`, known beforehand: for recompute
/// N·C·(⌈L/L_r⌉ + L_r − 2) + C·(L + L_r + 2) per token, the coefficients and scores of all layers, and the gradients of
/// coefficients of one. `ahead` adds N·C·(L_r − 1) + C·L_r. Counted in the connection's element, of which two of 16 bits
/// take one.
///
/// @tparam S  the streams' element, if it is not the connection's
/// @throws mhc::option_error  an option of the stack is out of range
template <element S, class Kind>
std::ptrdiff_t workspace_size(stack<Kind> const& network, std::ptrdiff_t tokens) {
  detail::check_stack_options("mhc::workspace_size", network);
  return detail::stack_memory<Kind, S>(network, tokens, nullptr).size();
}
template <class Kind>
std::ptrdiff_t workspace_size(stack<Kind> const& network, std::ptrdiff_t tokens) {
  return workspace_size<typename Kind::element>(network, tokens);
}

/// H_res of a layer, as the last `propagate` left it: (B, N, N), for `composite_gain` and other diagnostics.
///
/// @tparam S  the streams' element, if it is not the connection's
/// @throws mhc::option_error  an option of the stack is out of range, or it has no such layer
template <element S, class Kind, class T = typename Kind::element>
batch_view<T const, Kind::streams> h_res_of(stack<Kind> const& network, std::type_identity_t<std::span<T>> workspace,
                                            std::ptrdiff_t tokens, std::ptrdiff_t layer) {
  detail::check_stack_options("mhc::h_res_of", network);
  if (layer < 0 || layer >= network.layers) {
    throw option_error("mhc::h_res_of: layer is " + std::to_string(layer) + ", expected 0 to " +
                       std::to_string(network.layers - 1));
  }
  return detail::stack_memory<Kind, S>(network, tokens, workspace.data()).coefficients(layer).res;
}
template <class Kind, class T = typename Kind::element>
batch_view<T const, Kind::streams> h_res_of(stack<Kind> const& network, std::type_identity_t<std::span<T>> workspace,
                                            std::ptrdiff_t tokens, std::ptrdiff_t layer) {
  return h_res_of<T>(network, workspace, tokens, layer);
}

namespace detail {

template <class Kind, class T, class S, int N>
void check_stack(char const* operation, stack<Kind> const& network, T const* parameters, stream_view<S const, N> x,
                 std::span<T> workspace, std::initializer_list<argument> more) {
  check_stack_options(operation, network);
  check_connection(operation, network.connection, x);
  std::ptrdiff_t const needed = x.size < 0 ? 0 : stack_memory<Kind, S>(network, x.size, nullptr).size();
  if (static_cast<std::ptrdiff_t>(workspace.size()) < needed) {
    refuse(operation,
           "workspace has " + std::to_string(workspace.size()) + " elements, expected " + std::to_string(needed));
  }
  argument all[6] = {reads("x", x), reads("parameters", parameters, parameter_count(network)),
                     writes("workspace", workspace.data(), needed)};
  std::size_t count = 3;
  for (auto const& a : more) all[count++] = a;
  check(operation, std::span<argument const>(all, count));
}

}  // namespace detail
}  // namespace mhc
