#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""race.py LIBRARY [--json FILE]: mhc against PyTorch and JAX, as far as they can be imported, in one process.

LIBRARY is libmhc_peers, built from ours.cpp. Everybody works on the same tensors (float, 4 streams, 20 Sinkhorn
iterations); results are compared with ours before anybody is timed. Repetitions take turns in random order and the
fastest of each counts. PyTorch runs every form of torch_forms.py and is judged by its fastest; torch.compile takes the
forms that can be differentiated. Memory is never given back to the system, which costs PyTorch more than its kernels, and
consists of pages of 2 MB where the system gives them.
"""

import argparse
import ctypes
import importlib
import json
import math
import os
import platform
import random
import subprocess
import sys
import time

N = 4
K = N * N + 2 * N
AGREEMENT = 2e3 * 2.0**-23  # of the largest entry, as in the C++ benchmarks
REPETITIONS = 7
TOKENS = {1280: 2048, 4096: 1024}  # by channels
MATRICES = 8192
LINE = 16  # numbers in 64 bytes


# Ours ----------------------------------------------------------------------------------------------------------------


def call_of(library, name, threads, sizes, arrays):
    """A function without arguments that calls the library on these arrays."""
    function = getattr(library, name)
    function.restype = None
    arguments = [ctypes.c_int(threads), *map(ctypes.c_ssize_t, sizes)]
    arguments += [ctypes.c_void_p(a.ctypes.data) for a in arrays]
    return lambda: function(*arguments)


def sequence(calls, results):
    def run():
        for call in calls:
            call()
        return results

    return run


class Operation:
    """What is raced: inputs, the gradients that come from above (None: forward only), and ours."""

    def __init__(self, name, channels, items, inputs, gradients, ours):
        self.name, self.channels, self.items = name, channels, items
        self.inputs, self.gradients, self.ours = inputs, gradients, ours
        self.kind = name.split()[0]


def operations(library, threads, channels):
    import numpy as np

    generator = np.random.default_rng(1)

    def tensor(*shape):
        """From the beginning of a line of the cache, as engines have them; NumPy's own begin anywhere."""
        count = math.prod(shape)
        memory = np.empty(count + LINE, np.float32)
        first = -memory.ctypes.data // memory.itemsize % LINE
        return memory[first : first + count].reshape(shape)

    def gaussian(*shape):
        return generator.standard_normal(dtype=np.float32, out=tensor(*shape))

    def copy(a):
        b = tensor(*a.shape)
        b[...] = a
        return b

    def call(name, sizes, *arrays):
        return call_of(library, name, threads, sizes, arrays)

    if channels == 0:
        z, g, plan, dz = (gaussian(MATRICES, N, N) for _ in range(4))
        project = call("project", [MATRICES], z, plan)
        project_vjp = call("project_vjp", [MATRICES], z, plan, g, dz)
        yield Operation("sinkhorn", 0, MATRICES, [z], None, sequence([project], [plan]))
        yield Operation("sinkhorn and gradient", 0, MATRICES, [z], [g], sequence([project, project_vjp], [dz]))
        return

    tokens, sizes = TOKENS[channels], [TOKENS[channels], channels]
    x, g, x_next, dx = (gaussian(tokens, N, channels) for _ in range(4))
    y, u, u_gradient, dy, du = (gaussian(tokens, channels) for _ in range(5))
    h_pre, h_post, g_pre, g_post, dh_post = (gaussian(tokens, N) for _ in range(5))
    h_res, g_res, dh_res = (gaussian(tokens, N, N) for _ in range(3))
    parameters = [gaussian(K, N * channels), copy(np.ones(3, np.float32)), gaussian(K)]
    parameters[0] /= (N * channels) ** 0.5
    gradients = [copy(p) for p in parameters]
    out = [copy(h_pre), copy(h_post), copy(h_res)]
    scores = gaussian(tokens, K + 1)

    forward = call("coefficients", sizes, *parameters, x, *out, scores)
    backward = call("coefficients_vjp", sizes, *parameters, x, scores, g_pre, g_post, g_res, dx, *gradients)
    yield Operation("coefficients", channels, tokens, [x, *parameters], None, sequence([forward], out))
    yield Operation("coefficients and gradient", channels, tokens, [x, *parameters], [g_pre, g_post, g_res],
                    sequence([forward, backward], [dx, *gradients]))

    forward = call("pre", sizes, *parameters, x, *out, u, scores)
    backward = call("pre_vjp", sizes, *parameters, x, scores, y, g_post, g_res, dx, *gradients)
    yield Operation("pre", channels, tokens, [x, *parameters], None, sequence([forward], [*out, u]))
    yield Operation("pre and gradient", channels, tokens, [x, *parameters], [None, g_post, g_res, y],
                    sequence([forward, backward], [dx, *gradients]))

    forward = call("mix", sizes, h_res, h_post, x, y, x_next)
    backward = call("mix_vjp", sizes, h_res, h_post, x, y, g, dh_res, dh_post, dx, dy)
    yield Operation("mix", channels, tokens, [h_res, h_post, x, y], None, sequence([forward], [x_next]))
    yield Operation("mix and gradient", channels, tokens, [h_res, h_post, x, y], [g],
                    sequence([forward, backward], [dh_res, dh_post, dx, dy]))

    forward = [call("pre", sizes, *parameters, x, *out, u, scores), call("mix", sizes, out[2], out[1], x, u, x_next)]
    backward = call("layer_vjp", sizes, *parameters, out[2], out[1], x, scores, u, g, dh_res, dh_post, du, dx,
                    *gradients)
    yield Operation("layer", channels, tokens, [x, *parameters], None, sequence(forward, [x_next]))
    yield Operation("layer and gradient", channels, tokens, [x, *parameters], [g],
                    sequence([*forward, backward], [dx, *gradients]))

    # Added to by every repetition, from the second on to what the one before has left; the others get g itself.
    x_next_gradient = copy(g)
    inputs = [h_res, h_post, x, y, *parameters]
    forward = call("mix_pre", sizes, *inputs, x_next, *out, u, scores)
    backward = call("mix_pre_vjp", sizes, *inputs, x_next, scores, x_next_gradient, u_gradient, g_post, g_res, dh_res,
                    dh_post, dx, dy, *gradients)
    yield Operation("mix_pre", channels, tokens, inputs, None, sequence([forward], [x_next, *out, u]))
    yield Operation("mix_pre and gradient", channels, tokens, inputs, [g, None, g_post, g_res, u_gradient],
                    sequence([forward, backward], [dh_res, dh_post, dx, dy, *gradients]))


# Peers ---------------------------------------------------------------------------------------------------------------


class Peer:
    """Finds the fastest form of every operation, and builds larger operations from the fastest smaller ones."""

    def __init__(self, forms, wrap):
        self.forms, self.wrap, self.fastest = forms, wrap, {}

    def candidates(self, operation):
        f, gradient = self.forms, operation.gradients is not None
        kind = operation.kind
        if kind == "sinkhorn":
            return f.SINKHORN_WITH_GRADIENT if gradient else f.SINKHORN
        if kind == "mix":
            return f.MIX
        if kind == "coefficients":
            return [f.coefficients_form(mean, self.fastest["sinkhorn", gradient]) for mean in f.MEANS]
        if kind == "pre":
            return [f.pre_form(self.fastest["coefficients", gradient], form) for form in f.AGGREGATE]
        form = f.layer_form if kind == "layer" else f.mix_pre_form
        return [form(self.fastest["pre", gradient], self.fastest["mix", gradient])]

    def contestant(self, operation, expected):
        """The fastest form that agrees with ours, as (its name, a function without arguments)."""
        arguments = [[self.wrap(a) for a in operation.inputs]]
        make = self.forms.forward
        if operation.gradients is not None:
            arguments.append([None if g is None else self.wrap(g) for g in operation.gradients])
            make = self.forms.with_gradient
        runs = {form: make(form, *arguments) for form in self.candidates(operation)}
        for form, run in runs.items():
            require_agreement(f"{operation.name} by {self.forms.__name__}, {form.__name__},", run(), expected)
        times = race(runs, 0.02, 3)
        form = min(times, key=times.get)
        self.fastest[operation.kind, operation.gradients is not None] = form
        return form.__name__, runs[form]


def require_agreement(name, actual, expected):
    import numpy as np

    for a, e in zip(actual, expected, strict=True):
        difference = np.abs(np.asarray(a).reshape(e.shape) - e).max() / np.abs(e).max()
        if not difference <= AGREEMENT:
            sys.exit(f"race.py: {name} differs from ours by {difference:.2g} of the largest entry, not {AGREEMENT:.2g}")


def imported(name):
    """The module, or None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def torch_peers(threads):
    torch = imported("torch")
    if torch is None:
        return {}
    import torch_forms

    torch.set_num_threads(threads)
    peers = {"torch": Peer(torch_forms, torch.from_numpy)}
    try:
        peers["torch.compile"] = Peer(torch_forms.compiled(), torch.from_numpy)
    except Exception as error:  # it needs a compiler, and fails in many ways without
        print(f"race.py: torch.compile does not work here: {str(error).splitlines()[0]}", file=sys.stderr)
    return peers


def jax_peers():
    jax = imported("jax")
    if jax is None:
        return {}
    import jax_forms

    return {"jax": Peer(jax_forms, jax.numpy.asarray)}


# Racing --------------------------------------------------------------------------------------------------------------


def time_of(run, count):
    start = time.perf_counter()
    for _ in range(count):
        run()
    return (time.perf_counter() - start) / count


def race(runs, seconds, repetitions):
    """Seconds of one call of each, the fastest of its repetitions, which take turns in random order."""
    counts = {who: max(1, int(seconds / max(time_of(run, 1), 1e-6))) for who, run in runs.items()}
    best = {who: float("inf") for who in runs}
    for _ in range(repetitions):
        for who in random.sample(list(runs), len(runs)):
            time.sleep(0.01)  # until the other runtimes' threads have stopped waiting in a loop
            runs[who]()
            best[who] = min(best[who], time_of(runs[who], counts[who]))
    return best


def race_all(library, threads, seconds):
    peers = torch_peers(threads) | jax_peers()
    for channels in (0, *TOKENS):
        for operation in operations(library, threads, channels):
            expected = [a.copy() for a in operation.ours()]
            runs, forms = {"mhc": operation.ours}, {}
            for name, peer in peers.items():
                forms[name], runs[name] = peer.contestant(operation, expected)
            times = race(runs, seconds, REPETITIONS)
            yield {"operation": operation.name, "channels": channels, "items": operation.items, "threads": threads,
                   "ns": {who: 1e9 * t / operation.items for who, t in times.items()}, "form": forms}


# One process for each number of threads ------------------------------------------------------------------------------


def environment(threads):
    """Read by the C library and by XLA when a process starts."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    keep = {"MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(1 << 26), "MALLOC_MMAP_MAX_": "0",
            "MALLOC_ARENA_MAX": "1", "GLIBC_TUNABLES": os.environ.get("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")}
    return os.environ | {name: str(threads) for name in names} | keep | {"JAX_PLATFORMS": "cpu"}


def child(arguments):
    """The lines of JSON that race_all gives, on standard output."""
    if arguments.threads == 1 and hasattr(os, "sched_setaffinity"):  # JAX takes as many threads as there are cores
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    library = ctypes.CDLL(os.path.abspath(arguments.module))
    for line in race_all(library, arguments.threads, arguments.seconds):
        print(json.dumps(line), flush=True)


def table_line(result):
    ns, ours = result["ns"], result["ns"]["mhc"]
    where = f"C = {result['channels']}" if result["channels"] else f"{result['items']} matrices"
    cells = [f"{who} {t:.0f} ns ({t / ours:.1f}x)" for who, t in ns.items() if who != "mhc"]
    return f"{result['operation']:24} {where:14} {result['threads']} thr.  mhc {ours:8.1f} ns   " + "   ".join(cells)


def thread_counts():
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return sorted({1, cores})


def parent(arguments, versions):
    results = []
    for threads in thread_counts():
        command = [sys.executable, __file__, *sys.argv[1:], "--threads", str(threads)]
        with subprocess.Popen(command, env=environment(threads), stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                results.append(json.loads(line))
                print(table_line(results[-1]), flush=True)
        if process.returncode:
            sys.exit(f"race.py: the process with {threads} threads ended with {process.returncode}")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            lines = ",\n  ".join(map(json.dumps, results))
            file.write(f'{{"versions": {json.dumps(versions)},\n "results": [\n  {lines}\n]}}\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", help="libmhc_peers.so")
    parser.add_argument("--json", metavar="FILE", help="raw results")
    parser.add_argument("--seconds", type=float, default=0.05, help="at least, of each repetition (default: 0.05)")
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.threads:
        return child(arguments)
    found = {name: getattr(imported(name), "__version__", None) for name in ("torch", "jax")}
    for name in ("torch", "jax"):
        if found[name] is None:
            print(f"race.py: no {name} in {sys.executable}; PYTHON names another interpreter", file=sys.stderr)
    if any(found.values()):
        parent(arguments, found | {"python": platform.python_version()})


if __name__ == "__main__":
    main()
