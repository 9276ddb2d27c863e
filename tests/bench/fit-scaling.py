# SPDX-License-Identifier: MIT
"""scipy on the law of Hoffmann et al. 2022, Huber objective on log residuals.

fit: the grid of 4,500 starts of the paper, L-BFGS with numeric gradients, each start a part of one fit.  bootstrap: BFGS from the
optimum with analytic gradients, Besiroglu et al.'s way made fast.  Both are rates, of as much as is done in 30 seconds."""
import itertools, os, random, time
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one thread, as ours; read at import
import numpy as np
from scipy.optimize import minimize

rows = [line.split("\t") for line in open(os.path.join(os.environ["IN"], "runs.tsv"))][1:]
n, d, l = np.log(np.array(rows, dtype=float).T)
delta, limit = 1e-3, 30
np.seterr(all="ignore")


def terms(p, n, d):
    a, b, e, alpha, beta = p
    x, y, z = np.exp(a - alpha * n), np.exp(b - beta * d), np.exp(e)
    return x, y, z, x + y + z


def objective(p, n, d, l):
    r = np.abs(l - np.log(terms(p, n, d)[3]))
    return np.where(r <= delta, .5 * r * r, delta * (r - .5 * delta)).sum()


def with_gradient(p, n, d, l):
    x, y, z, s = terms(p, n, d)
    r = l - np.log(s)
    size, g = np.abs(r), -np.clip(r, -delta, delta) / s
    return (np.where(size <= delta, .5 * r * r, delta * (size - .5 * delta)).sum(),
            np.array([(g * x).sum(), (g * y).sum(), (g * z).sum(), -(g * x * n).sum(), -(g * y * d).sum()]))


starts = [(a, b, e, alpha, beta) for alpha, beta, e, a, b in
          itertools.product(np.arange(0, 2.5, .5), np.arange(0, 2.5, .5), np.arange(-1, 1.5, .5), np.arange(0, 30, 5), np.arange(0, 30, 5))]
begin = time.perf_counter()
if os.environ["CASE"].endswith("-fit"):
    random.Random(0).shuffle(starts)
    done = 0
    for p in starts:
        minimize(objective, p, args=(n, d, l), method="L-BFGS-B")
        done += 1
        if time.perf_counter() - begin > limit:
            break
    print("bench", done / len(starts), time.perf_counter() - begin)
else:
    best = min((minimize(with_gradient, p, args=(n, d, l), jac=True, method="BFGS") for p in starts[7::90]), key=lambda r: r.fun)
    rng = np.random.default_rng(0)
    begin, done = time.perf_counter(), 0
    while done < 4000 and time.perf_counter() - begin < limit:
        i = rng.integers(0, len(n), len(n))
        minimize(with_gradient, best.x, args=(n[i], d[i], l[i]), jac=True, method="BFGS")
        done += 1
    print("bench", done, time.perf_counter() - begin)
