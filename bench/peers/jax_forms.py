# SPDX-License-Identifier: MIT
"""The operations in JAX, compiled as a whole."""

import jax
import jax.numpy as jnp

ITERATIONS = 20
EPSILON = 1e-20


def written_out(z):
    """Entry by entry, so that an iteration becomes one loop over the batch."""
    n = z.shape[1]
    z = z.transpose(1, 2, 0)
    z = z - jax.lax.stop_gradient(z.max(0, keepdims=True))
    k = [[jnp.exp(z[i, j]) for j in range(n)] for i in range(n)]

    def iteration(_, scalings):
        u, _ = scalings
        v = [1 / sum(k[i][j] * u[i] for i in range(n)) for j in range(n)]
        return [1 / sum(k[i][j] * v[j] for j in range(n)) for i in range(n)], v

    ones = [jnp.ones(z.shape[2:])] * n
    u, v = jax.lax.fori_loop(0, ITERATIONS, iteration, (ones, ones))
    return jnp.stack([jnp.stack([u[i] * k[i][j] * v[j] for j in range(n)], -1) for i in range(n)], 1)


def by_lanes(z):
    """The batch last."""
    p = jax.nn.softmax(z.transpose(1, 2, 0), 0)
    p = p / p.sum(1, keepdims=True)

    def iteration(_, p):
        p = p / p.sum(0, keepdims=True)
        return p / p.sum(1, keepdims=True)

    return jax.lax.fori_loop(1, ITERATIONS, iteration, p).transpose(2, 0, 1)


SINKHORN = SINKHORN_WITH_GRADIENT = [written_out, by_lanes]


def mix(h_res, h_post, x, y):
    return jnp.einsum("bij,bjc->bic", h_res, x) + h_post[:, :, None] * y[:, None, :]


def mix_written_out(h_res, h_post, x, y):
    """Sums written out, which the compiler can fuse where it calls a library for a product."""
    n = x.shape[1]
    rows = [sum(h_res[:, i, j, None] * x[:, j] for j in range(n)) + h_post[:, i, None] * y for i in range(n)]
    return jnp.stack(rows, 1)


MIX = [mix, mix_written_out]


def aggregate(h_pre, x):
    return sum(h_pre[:, j, None] * x[:, j] for j in range(x.shape[1]))


AGGREGATE = [aggregate]


def mean_of_squares(x):
    return jnp.square(x).mean(1, keepdims=True)


MEANS = [mean_of_squares]


def coefficients_form(mean, sinkhorn):
    def coefficients(x, phi, alpha, bias):
        batch, n, _ = x.shape
        flat = x.reshape(batch, -1)
        scores = (flat @ phi.T) * jax.lax.rsqrt(mean(flat) + EPSILON)
        h_pre = jax.nn.sigmoid(alpha[0] * scores[:, :n] + bias[:n])
        h_post = 2 * jax.nn.sigmoid(alpha[1] * scores[:, n : 2 * n] + bias[n : 2 * n])
        h_res = sinkhorn((alpha[2] * scores[:, 2 * n :] + bias[2 * n :]).reshape(batch, n, n))
        return h_pre, h_post, h_res

    coefficients.__name__ = sinkhorn.__name__
    return coefficients


def pre_form(coefficients, aggregate_form):
    def pre(x, phi, alpha, bias):
        h_pre, h_post, h_res = coefficients(x, phi, alpha, bias)
        return h_pre, h_post, h_res, aggregate_form(h_pre, x)

    pre.__name__ = coefficients.__name__
    return pre


def layer_form(pre, mix_form):
    def layer(x, phi, alpha, bias):
        _, h_post, h_res, u = pre(x, phi, alpha, bias)
        return (mix_form(h_res, h_post, x, u),)

    layer.__name__ = f"{pre.__name__}, {mix_form.__name__}"
    return layer


def mix_pre_form(pre, mix_form):
    def mix_pre(h_res, h_post, x, y, phi, alpha, bias):
        x_next = mix_form(h_res, h_post, x, y)
        return (x_next, *pre(x_next, phi, alpha, bias))

    mix_pre.__name__ = f"{mix_form.__name__}, {pre.__name__}"
    return mix_pre


def as_tuple(results):
    return results if isinstance(results, tuple) else (results,)


def forward(form, inputs):
    compiled = jax.jit(lambda *x: as_tuple(form(*x)))
    return lambda: jax.block_until_ready(compiled(*inputs))


def with_gradient(form, inputs, gradients):
    @jax.jit
    def compiled(inputs, gradients):
        results, pull = jax.vjp(lambda *x: as_tuple(form(*x)), *inputs)
        return pull(tuple(jnp.zeros_like(r) if g is None else g for r, g in zip(results, gradients)))

    return lambda: jax.block_until_ready(compiled(inputs, gradients))
