#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Minima, surfaces and curves by numpy and scipy for tests/unit/tools/fit-scaling: fitting/minimum_test.c,
forms/step_law_test.c, forms/critical_batch_test.c.  Prints C arrays and the expected values.  Needs numpy and scipy >= 1.10."""
import numpy as np
from scipy.interpolate import CubicSpline, make_smoothing_spline
from scipy.optimize import least_squares, minimize, minimize_scalar

rng = np.random.default_rng(8)


def show(name, values):
    print(f"{name} = {{{', '.join(f'{v:.10g}' for v in values)}}}")


def parabola(x, y):  # weights exp(-d^2 / 2) of the distance from the last minimum
    centre = x[np.argmin(y)]
    for _ in range(200):
        c = np.polyfit(x - centre, y, 2, w=np.exp(-.25 * (x - centre) ** 2))
        m = centre - c[1] / (2 * c[0])
        centre, last = np.clip(m, x[0], x[-1]), centre
        if abs(centre - last) < 1e-14:
            break
    return m, np.polyval(c, m - last), c[0]


x = np.linspace(-2.1, 1.7, 9)
clean = 2.5 + .4 * np.exp(-.34 * x) + .5 * np.exp(.41 * x)
noisy = clean + .004 * rng.standard_normal(9)
show("x", x)
for name, y in (("clean", clean), ("noisy", noisy)):
    show(name, y)
    show(f"parabola of {name}: x, y, curvature", parabola(x, y))


def cross_validated(x, y, inflation=1.2):  # the smoothing matrix column by column
    def score(log_smoothing):
        lam = np.exp(log_smoothing)
        H = np.array([make_smoothing_spline(x, e, lam=lam)(x) for e in np.eye(len(x))]).T
        left = 1 - inflation * np.trace(H) / len(x)
        return np.mean((y - H @ y) ** 2) / left ** 2 if left > 0 else np.inf
    grid = np.arange(-14, 6, .1)
    best = grid[np.argmin([score(g) for g in grid])]
    return make_smoothing_spline(x, y, lam=np.exp(minimize_scalar(score, bounds=(best - .1, best + .1), method="bounded").x))


for name, s in (("natural spline of clean", CubicSpline(x, clean, bc_type="natural")), ("smoothing spline of noisy", cross_validated(x, noisy))):
    m = minimize_scalar(s, bounds=(-1, 1), method="bounded", options={"xatol": 1e-12})
    show(f"{name}: x, y", (m.x, m.fun))

# one (N, D) of a step law: a 5 x 4 grid, all within 2% of the lowest loss
u, v = (a.ravel() for a in np.meshgrid(np.log(1e-3) + .35 * np.arange(5), np.log(131072) + .5 * np.arange(4)))
loss = 2.8 * np.exp(.004 * (u + 6.1) ** 2 - .002 * (u + 6.1) * (v - 12.4) + .003 * (v - 12.4) ** 2 + 2e-4 * rng.standard_normal(20))
assert loss.max() < 1.02 * loss.min()
U, V = u - u.mean(), v - v.mean()
c = np.linalg.lstsq(np.stack([U ** 0, U, V, U * U, U * V, V * V, U ** 3], 1), np.log(loss), rcond=None)[0]
height = lambda s: c[1] * s[0] + c[2] * s[1] + c[3] * s[0] ** 2 + c[4] * s[0] * s[1] + c[5] * s[1] ** 2 + c[6] * s[0] ** 3
step = minimize(height, [0, 0], tol=1e-14).x
show("log loss", np.log(loss))
show("optimum lr, batch", np.exp([u.mean() + step[0], v.mean() + step[1]]))

# runs to one target: least squares of log tokens
batch = 16384 * 2. ** np.arange(8)
tokens = 3e9 * (1 + batch / 4e5) * np.exp(.02 * rng.standard_normal(8))
r = least_squares(lambda t: np.log(tokens) - t[0] - np.log1p(np.exp(np.log(batch) - t[1])), [np.log(3e9), np.log(4e5)], xtol=1e-15, ftol=1e-15, gtol=1e-15)
show("tokens", tokens)
show("tokens_min, batch_critical, objective", [*np.exp(r.x), 2 * r.cost])
