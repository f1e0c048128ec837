// SPDX-License-Identifier: MIT
#pragma once

// A policy that runs an operation on the device from host memory: every argument is copied there, poison included, the
// operation runs under mhc::cuda::policy, and what it has written comes back. So the tests of any other policy serve.
// The overloads are defined in .cu files and instantiated there for what the tests use.

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/contract/types.hpp>
#include <mhc/ops/gates/types.hpp>
#include <mhc/ops/mix/types.hpp>
#include <mhc/ops/mix_pre/types.hpp>
#include <mhc/ops/parameters.hpp>

namespace mhc::test {

/// Whether there is a device.
bool device_is_there();

struct device_policy {
  using execution_policy_tag = void;
  bool misaligned = false;  ///< every array begins one element behind a multiple of 256 bytes, else at one
  bool poisoned = true;     ///< the workspace is NaN, else as it was allocated
};

template <class P, class T, int K, int N>
void project_impl(device_policy const&, P const&, vector_view<T const, K>, batch_view<T, N>);
template <class P, class T, int K, int N>
void project_report_impl(device_policy const&, P const&, vector_view<T const, K>, batch_view<T, N>, vector_view<T, 3>);
template <class P, class T, int K, int N>
void project_vjp_impl(device_policy const&, P const&, vector_view<T const, K>, batch_view<T const, N>,
                      batch_view<T const, N>, vector_view<T, K>);
template <class P, class T, int K, int N>
void project_jvp_impl(device_policy const&, P const&, vector_view<T const, K>, batch_view<T const, N>,
                      vector_view<T const, K>, batch_view<T, N>);
template <class P, class T, int K, int N>
void project_vjp_vjp_impl(device_policy const&, P const&, vector_view<T const, K>, batch_view<T const, N>,
                          batch_view<T const, N>, vector_view<T const, K>, batch_view<T, N>, vector_view<T, K>);
template <class T, int N>
void marginal_error_impl(device_policy const&, batch_view<T const, N>, vector_view<T, 1>);

template <class T, class S, int N>
void aggregate_impl(device_policy const&, vector_view<T const, N>, stream_view<S const, N>, token_view<S>);
template <class T, class S, int N>
void aggregate_vjp_impl(device_policy const&, vector_view<T const, N>, stream_view<S const, N>, token_view<S const>,
                        vector_view<T, N>, stream_view<S, N>, update);
template <class T, class S, int N>
void mix_impl(device_policy const&, batch_view<T const, N>, vector_view<T const, N>, stream_view<S const, N>,
              token_view<S const>, stream_view<S, N>);
template <class S, int N>
void mix_vjp_impl(device_policy const&, mix_vjp_arguments<S, N> const&);
template <class S, int N>
void expand_impl(device_policy const&, token_view<S const>, stream_view<S, N>);
template <class S, int N>
void expand_vjp_impl(device_policy const&, stream_view<S const, N>, token_view<S>);
template <class S, int N>
void contract_impl(device_policy const&, contraction, stream_view<S const, N>, token_view<S>);
template <class S, int N>
void contract_vjp_impl(device_policy const&, contraction, token_view<S const>, stream_view<S, N>);

template <class Kind, class T, class S, int N>
void gates_impl(device_policy const&, Kind const&, parameters_of<Kind, T const> const&, stream_view<S const, N>,
                detail::gate_outputs<S, N> const&);
template <class Kind, class T, class S, int N>
void gates_vjp_impl(device_policy const&, Kind const&, parameters_of<Kind, T const> const&, stream_view<S const, N>,
                    detail::gate_output_gradients<S, N> const&, stream_view<S, N>, parameters_of<Kind, T> const&,
                    update);
template <class Kind, class S>
void mix_pre_impl(device_policy const&, detail::mix_pre_arguments<Kind, S> const&);
template <class Kind, class S>
void mix_pre_vjp_impl(device_policy const&, detail::mix_pre_vjp_arguments<Kind, S> const&);

}  // namespace mhc::test
