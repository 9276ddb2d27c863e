#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The L1 optimum of the Chinchilla law on log residuals, by sequential linear programming with a trust region.

    fit_scaling_l1.py TABLE      TABLE: params, tokens, loss a line, no header (besiroglu240.tsv)

Needs numpy and scipy.  Prints the objective and A B E alpha beta; its values stand in
tests/unit/tools/fit-scaling/fit_test.c.  Several starts lead to the same vertex (five residuals are zero there)."""
import sys
import numpy as np
from scipy.optimize import linprog

N, D, L = np.log(np.loadtxt(sys.argv[1]).T)
mean_n, mean_d = N.mean(), D.mean()
n, d = N - mean_n, D - mean_d


def law(t):
    return np.log(np.exp(t[0] - t[3] * n) + np.exp(t[1] - t[4] * d) + np.exp(t[2]))


def jacobian(t):
    x, y, e = np.exp(t[0] - t[3] * n), np.exp(t[1] - t[4] * d), np.exp(t[2])
    s = x + y + e
    return np.stack([x / s, y / s, e / s, -n * x / s, -d * y / s], 1)


def objective(t):
    return np.abs(L - law(t)).sum()


def minimize(t, radius=1e-2):
    best, m = objective(t), len(L)
    while radius > 1e-14:
        r, J = L - law(t), jacobian(t)
        A = np.block([[-J, -np.eye(m)], [J, -np.eye(m)]])
        step = linprog(np.r_[np.zeros(5), np.ones(m)], A_ub=A, b_ub=np.r_[-r, r],
                       bounds=[(-radius, radius)] * 5 + [(0, None)] * m, method="highs-ds").x[:5]
        value = objective(t + step)
        if value < best - 1e-16:
            t, best, radius = t + step, value, radius * 2
        else:
            radius /= 4
    return t, best


for A, B, E, alpha, beta in ((482, 2085.4, 1.8169, .3478, .3659), (477.8, 2143.4, 1.8172, .3473, .3672), (400, 1000, 1.7, .34, .33)):
    t, best = minimize(np.array([np.log(A) - alpha * mean_n, np.log(B) - beta * mean_d, np.log(E), alpha, beta]))
    print(f"objective {best:.12f} A {np.exp(t[0] + t[3] * mean_n):.7f} B {np.exp(t[1] + t[4] * mean_d):.7f} "
          f"E {np.exp(t[2]):.8f} alpha {t[3]:.8f} beta {t[4]:.8f}")
