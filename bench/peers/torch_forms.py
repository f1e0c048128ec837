# SPDX-License-Identifier: MIT
"""The operations in PyTorch, each in several forms of which race.py takes the fastest. A form is a function of tensors.

Forms for gradients leave out what autograd forbids. x is (B, N, C), logits and plans are (B, N, N).
"""

import functools
import types

import torch

ITERATIONS = 20
EPSILON = 1e-20


# Sinkhorn ------------------------------------------------------------------------------------------------------------


def by_rows(z):
    p = torch.softmax(z, 1)  # the exponential and the first columns
    for t in range(ITERATIONS):
        if t > 0:
            p = p / p.sum(1, keepdim=True)
        p = p / p.sum(2, keepdim=True)
    return p


def by_rows_in_place(z):
    p = torch.softmax(z, 1)
    for t in range(ITERATIONS):
        if t > 0:
            p.div_(p.sum(1, keepdim=True))
        p.div_(p.sum(2, keepdim=True))
    return p


def by_lanes(z):
    """The batch last, so that every sum runs along vector registers."""
    p = torch.softmax(z.permute(1, 2, 0).contiguous(), 0)
    for t in range(ITERATIONS):
        if t > 0:
            p = p / p.sum(0, keepdim=True)
        p = p / p.sum(1, keepdim=True)
    return p.permute(2, 0, 1).contiguous()


def by_lanes_in_place(z):
    p = torch.softmax(z.permute(1, 2, 0).contiguous(), 0)
    sums = torch.empty_like(p[0])
    for t in range(ITERATIONS):
        if t > 0:
            p.div_(torch.sum(p, 0, out=sums))
        p.div_(torch.sum(p, 1, out=sums).unsqueeze(1))
    return p.permute(2, 0, 1).contiguous()


def by_scalings(z):
    """Vectors u and v only, the batch last."""
    z = z.permute(1, 2, 0)
    k = torch.exp(z - z.detach().amax(0, keepdim=True)).contiguous()
    v = k.sum(0).reciprocal()
    u = (k * v).sum(1).reciprocal()
    for _ in range(ITERATIONS - 1):
        v = (k * u.unsqueeze(1)).sum(0).reciprocal()
        u = (k * v).sum(1).reciprocal()
    return (k * u.unsqueeze(1) * v).permute(2, 0, 1).contiguous()


def by_log_softmax(z):
    """In the log domain, where half an iteration is one operation."""
    z = z.permute(1, 2, 0).contiguous()
    for _ in range(ITERATIONS):
        z = torch.log_softmax(torch.log_softmax(z, 0), 1)
    return z.exp().permute(2, 0, 1).contiguous()


def written_out(z):
    """Entry by entry: what a compiler fuses into one loop over the batch."""
    n = z.shape[1]
    z = z.permute(1, 2, 0)
    z = z - z.detach().amax(0, keepdim=True)
    k = [[torch.exp(z[i, j]) for j in range(n)] for i in range(n)]
    u = [1.0] * n
    for _ in range(ITERATIONS):
        v = [1 / sum(k[i][j] * u[i] for i in range(n)) for j in range(n)]
        u = [1 / sum(k[i][j] * v[j] for j in range(n)) for i in range(n)]
    return torch.stack([torch.stack([u[i] * k[i][j] * v[j] for j in range(n)], -1) for i in range(n)], 1)


SINKHORN = [by_rows_in_place, by_lanes_in_place, by_scalings, by_log_softmax]
SINKHORN_WITH_GRADIENT = [by_rows, by_lanes, by_scalings, by_log_softmax]


# Streams -------------------------------------------------------------------------------------------------------------


def aggregate_bmm(h_pre, x):
    return torch.bmm(h_pre.unsqueeze(1), x).squeeze(1)


def aggregate_einsum(h_pre, x):
    return torch.einsum("bn,bnc->bc", h_pre, x)


def aggregate_product(h_pre, x):
    return (h_pre.unsqueeze(2) * x).sum(1)


def aggregate_written_out(h_pre, x):
    return sum(h_pre[:, j, None] * x[:, j] for j in range(x.shape[1]))


AGGREGATE = [aggregate_bmm, aggregate_einsum, aggregate_product]


def mix_baddbmm(h_res, h_post, x, y):
    return torch.baddbmm(h_post.unsqueeze(2) * y.unsqueeze(1), h_res, x)


def mix_two_products(h_res, h_post, x, y):
    return torch.baddbmm(torch.bmm(h_post.unsqueeze(2), y.unsqueeze(1)), h_res, x)


def mix_in_place(h_res, h_post, x, y):
    return torch.bmm(h_res, x).addcmul_(h_post.unsqueeze(2), y.unsqueeze(1))


def mix_einsum(h_res, h_post, x, y):
    return torch.einsum("bij,bjc->bic", h_res, x) + h_post.unsqueeze(2) * y.unsqueeze(1)


def mix_written_out(h_res, h_post, x, y):
    n = x.shape[1]
    rows = [sum(h_res[:, i, j, None] * x[:, j] for j in range(n)) + h_post[:, i, None] * y for i in range(n)]
    return torch.stack(rows, 1)


MIX = [mix_baddbmm, mix_two_products, mix_in_place, mix_einsum]


# Coefficients --------------------------------------------------------------------------------------------------------


def mean_of_squares(x):
    return x.square().mean(1, keepdim=True)


def mean_by_norm(x):
    return torch.linalg.vector_norm(x, dim=1, keepdim=True).square() / x.shape[1]


def mean_by_bmm(x):
    return torch.bmm(x.unsqueeze(1), x.unsqueeze(2)).squeeze(2) / x.shape[1]


MEANS = [mean_of_squares, mean_by_norm, mean_by_bmm]


def coefficients_form(mean, sinkhorn):
    def coefficients(x, phi, alpha, bias):
        batch, n, _ = x.shape
        flat = x.flatten(1)
        scores = torch.nn.functional.linear(flat, phi) * torch.rsqrt(mean(flat) + EPSILON)
        pre, post, res = scores.split([n, n, n * n], 1)
        h_pre = torch.sigmoid(torch.addcmul(bias[:n], pre, alpha[0]))
        h_post = 2 * torch.sigmoid(torch.addcmul(bias[n : 2 * n], post, alpha[1]))
        h_res = sinkhorn(torch.addcmul(bias[2 * n :], res, alpha[2]).view(batch, n, n))
        return h_pre, h_post, h_res

    coefficients.__name__ = f"{mean.__name__}, {sinkhorn.__name__}"
    return coefficients


def pre_form(coefficients, aggregate):
    def pre(x, phi, alpha, bias):
        h_pre, h_post, h_res = coefficients(x, phi, alpha, bias)
        return h_pre, h_post, h_res, aggregate(h_pre, x)

    pre.__name__ = f"{coefficients.__name__}, {aggregate.__name__}"
    return pre


def layer_form(pre, mix):
    def layer(x, phi, alpha, bias):
        _, h_post, h_res, u = pre(x, phi, alpha, bias)
        return (mix(h_res, h_post, x, u),)

    layer.__name__ = f"{pre.__name__}, {mix.__name__}"
    return layer


def mix_pre_form(pre, mix):
    def mix_pre(h_res, h_post, x, y, phi, alpha, bias):
        x_next = mix(h_res, h_post, x, y)
        return (x_next, *pre(x_next, phi, alpha, bias))

    mix_pre.__name__ = f"{mix.__name__}, {pre.__name__}"
    return mix_pre


def forward(form, inputs):
    """A function without arguments that runs the form and gives its results as a tuple."""

    def run():
        with torch.inference_mode():
            results = form(*inputs)
        return results if isinstance(results, tuple) else (results,)

    return run


def with_gradient(form, inputs, gradients):
    """The same, forward and backward; gives the gradients of all inputs. A gradient of None: the result is not used."""
    leaves = [x.detach().requires_grad_() for x in inputs]

    def run():
        results = form(*leaves)
        results = results if isinstance(results, tuple) else (results,)
        used = [(r, g) for r, g in zip(results, gradients) if g is not None]
        return torch.autograd.grad([r for r, _ in used], leaves, [g for _, g in used])

    return run


def compiled():
    """The same from pieces that torch.compile makes. Sinkhorn takes it a minute: once for any batch."""
    torch.compile(torch.sin)(torch.zeros(8))  # fails where it does not work

    def each(*forms, **options):
        return [functools.wraps(form)(torch.compile(form, **options)) for form in forms]

    sinkhorn = each(written_out, dynamic=True)
    pieces = {
        "__name__": "torch.compile",
        "SINKHORN": sinkhorn,
        "SINKHORN_WITH_GRADIENT": sinkhorn,
        "MEANS": each(mean_of_squares, dynamic=False),
        "AGGREGATE": each(aggregate_written_out, aggregate_product, dynamic=False),
        "MIX": each(mix_written_out, mix_baddbmm, dynamic=False),
    }
    return types.SimpleNamespace(**{**globals(), **pieces})
