# SPDX-License-Identifier: MIT
"""Expected values of tests/unit/tools/fit-scaling/plan: allocations by scipy's scalar minimisers instead of golden sections, and
the c-optimal design's variances by numpy.

    python3 tests/oracle/fit_scaling_plan.py
"""
import numpy as np
from scipy.optimize import brentq, minimize_scalar

SARDANA = (1.69, 406.4, 410.7, .336, .283)          # as Sardana et al. 2023 use Hoffmann et al.'s
BESIROGLU = (1.8172, 482.01, 2085.43, .3478, .3658)  # Besiroglu et al. 2024, table 1


def loss(law, n, d):
    e, a, b, alpha, beta = law
    return e + a * n**-alpha + b * d**-beta


def optimum(law, c):
    e, a, b, alpha, beta = law
    n = (alpha * a / (beta * b)) ** (1 / (alpha + beta)) * (c / 6) ** (beta / (alpha + beta))
    return n, c / 6 / n


def least(f, low, high):
    best = minimize_scalar(f, bounds=(low, high), method="bounded", options={"xatol": 1e-12})
    return best.x


def serving(law, c, served):
    """N, D of least 6 N D + 2 N I at the loss of the optimum for c; that cost; the optimum's."""
    n0, d0 = optimum(law, c)
    target = loss(law, n0, d0)
    e, a, b, alpha, beta = law

    def tokens(n):
        rest = target - e - a * n**-alpha
        return (rest / b) ** (-1 / beta) if rest > 0 else np.inf

    cost = lambda n: 6 * n * tokens(n) + 2 * n * served
    lowest = (a / (target - e)) ** (1 / alpha) * (1 + 1e-9)
    n = np.exp(least(lambda x: np.log(cost(np.exp(x))), np.log(lowest), np.log(n0)))
    return n, tokens(n), cost(n), cost(n0)


def limited(law, c, unique, repeats):
    """Muennighoff et al. 2023 along 6 N D = c with D from U to U R."""
    v = optimum(law, np.exp(brentq(lambda x: optimum(law, np.exp(x))[1] - unique, 10, 150)))[0]
    worth = lambda x, first, r: first + first * r * (1 - np.exp(-(x / first - 1) / r)) if x > first else x

    def f(log_d):
        d = np.exp(log_d)
        return loss(law, worth(c / 6 / d, v, 5.309743), worth(d, unique, 15.387756))

    d = np.exp(least(f, np.log(unique), np.log(unique * repeats)))
    return c / 6 / d, d, f(np.log(d)), v


def gradient(law, n, d):
    e, a, b, alpha, beta = law
    x, y = a * n**-alpha, b * d**-beta
    return np.array([e, x, y, -alpha * np.log(n) * x, -beta * np.log(d) * y]) / (e + x + y)  # by the logarithms


def design():
    law = (1.7, 400, 400, .34, .28)
    runs = [gradient(law, n, d) for n in (1e7, 3e7, 1e8, 3e8, 1e9) for d in (1e8, 3e8, 1e9, 1e10)]
    m = sum(np.outer(g, g) for g in runs)
    target = gradient(law, 1e10, 2e11)
    before = target @ np.linalg.solve(m, target)
    chosen, best = [], None
    step = 2 ** .25
    grid = [(n, d) for n in 1e7 * step ** np.arange(160) for d in 1e8 * step ** np.arange(160)
            if 6 * n * d <= 1e19 and .1 * (1 - 1e-9) <= d / n <= 1000 * (1 + 1e-9)]
    one = min(target @ np.linalg.solve(m + np.outer(gradient(law, *r), gradient(law, *r)), target) for r in grid)
    return np.sqrt(one / before)


if __name__ == "__main__":
    print("besiroglu 5.76e23: N %.9g D %.9g" % optimum(BESIROGLU, 5.76e23))
    print("sardana 13B, 2T:  N %.9g D %.9g cost %.9g instead of %.9g" % serving(SARDANA, 4.55e22, 2e12))
    print("sardana 30B, 10T: N %.9g D %.9g cost %.9g instead of %.9g" % serving(SARDANA, 2.8e23, 1e13))
    print("besiroglu 1e22, 100B x 4: N %.9g D %.9g loss %.9g V %.9g" % limited(BESIROGLU, 1e22, 1e11, 4))
    n0, d0 = optimum(BESIROGLU, 1e23)
    f = lambda x: loss(BESIROGLU, 1e23 / (6 * np.exp(x) + 2e12), np.exp(x))
    d = np.exp(least(f, 20, 35))
    print("besiroglu 1e23 in all, 1T: N %.9g D %.9g loss %.9g" % (1e23 / (6 * d + 2e12), d, f(np.log(d))))
    print("design: one run of at most 1e19 FLOPs shrinks to %.6f" % design())
