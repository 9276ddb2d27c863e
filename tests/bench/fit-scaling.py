# SPDX-License-Identifier: MIT
"""scipy: Besiroglu et al.'s fit (log-sum-exp, Huber, BFGS); 60 of the starts of Hoffmann et al.'s grid, then each
bootstrap sample from the optimum."""
import itertools, os, time
import numpy as np
from scipy.optimize import minimize
from scipy.special import huber, logsumexp

rows = [line.split("\t") for line in open(os.path.join(os.environ["IN"], "runs.tsv"))][1:]
N, D, L = np.array(rows, dtype=float).T
start = time.perf_counter()

def objective(p, n, d, l):
    a, b, e, alpha, beta = p
    prediction = logsumexp(np.stack([a - alpha * n, b - beta * d, np.full_like(n, e)]), axis=0)
    return huber(1e-3, l - prediction).sum() * 1e3

def fit(p, n, d, l):
    return minimize(objective, p, args=(n, d, l), method="BFGS")

n, d, l = np.log(N), np.log(D), np.log(L)
starts = [(a, a, e, x, x) for a, e, x in itertools.product((0, 5, 10, 15, 20), (-1, 0, .5, 1), (0.3, 0.5, 1))]
best = min((fit(p, n, d, l) for p in starts), key=lambda r: r.fun)
rng = np.random.default_rng(0)
done = 1
while done < 201 and time.perf_counter() - start < 20:  # a rate: fits a second
    i = rng.integers(0, len(n), len(n))
    fit(best.x, n[i], d[i], l[i])
    done += 1
print("bench", done, time.perf_counter() - start)
