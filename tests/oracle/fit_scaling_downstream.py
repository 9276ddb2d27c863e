#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Expected values of tests/unit/tools/fit-scaling/forms/{downstream,mixture}_test.c, by scipy from many starts.

The data are formulas with a deterministic scatter, sin(12.9898 i), that the tests repeat, so no table is committed.
"""
import numpy as np
from scipy.optimize import least_squares, minimize


def scatter(n, amplitude):
    return amplitude * np.sin(12.9898 * np.arange(1, n + 1))


def best(residual, starts, bounds):
    fits = [least_squares(residual, s, bounds=bounds, x_scale="jac", ftol=1e-15, xtol=1e-15, gtol=1e-15, max_nfev=20000) for s in starts]
    return min(fits, key=lambda f: f.cost)


def show(name, fit):
    print(f"{name}: {', '.join('%.9g' % v for v in fit.x)}  sum of squares {2 * fit.cost:.12g}")


def downstream():
    rng = np.random.default_rng(0)
    loss = .6 + .9 * np.arange(30) / 29
    accuracy = .93 - .66 / (1 + np.exp(-6 * (loss - 1))) + scatter(30, .01)
    sigmoid = lambda p, x: p[3] + p[0] / (1 + np.exp(-p[2] * (x - p[1])))
    box = ([-1, 0, .01, 0], [0, 6, 1e4, 1])
    starts = [(-rng.uniform(.1, 1), rng.uniform(.3, 2), rng.uniform(1, 20), rng.uniform(.2, 1)) for _ in range(50)]
    show("sigmoid a L0 k b", best(lambda p: sigmoid(p, loss) - accuracy, starts, box))
    x, y = np.append(loss, 0), np.append(accuracy, 1)
    show("sigmoid with the ideal point", best(lambda p: sigmoid(p, x) - y, starts, box))
    show("log-sigmoid a L0 k", best(lambda p: 1 + p[0] * np.logaddexp(0, p[2] * (loss - p[1])) - accuracy,
                                    [(-rng.uniform(.01, .5), rng.uniform(.3, 1), rng.uniform(1, 10)) for _ in range(50)], ([-100, 0, .01], [0, 6, 1e4])))
    loss = 2.2 + 1.6 * np.arange(30) / 29
    error = .85 - 8 * np.exp(-1.3 * loss) + scatter(30, .004)
    show("task-error eps k gamma", best(lambda p: p[0] - p[1] * np.exp(-p[2] * loss) - error,
                                        [(rng.uniform(.5, 1), rng.uniform(1, 20), rng.uniform(.3, 3)) for _ in range(50)], ([0, 0, .01], [1, 1e6, 100])))


def mixture():
    rng = np.random.default_rng(0)
    i = np.arange(24)
    raw = np.stack([1 + i % 5, 1 + (i * 7) % 6, 1 + (i * 3) % 4], 1).astype(float)
    shares = raw / raw.sum(1, keepdims=True)
    c, t = [1.7, 2.2], np.array([[-2., .4, .1], [.3, -.2, -3.]])
    laws = []
    for k in range(2):
        loss = (c[k] + np.exp(shares @ t[k])) * np.exp(scatter(24, .003) * (1 if k == 0 else -1))
        starts = [np.concatenate([[rng.uniform(.5, 2)], rng.normal(0, 1.5, 3)]) for _ in range(50)]
        fit = best(lambda p: np.log(p[0] + np.exp(shares @ p[1:])) - np.log(loss), starts, ([0, -100, -100, -100], [loss.max(), 100, 100, 100]))
        show(f"mixture, domain {k}: c t t t", fit)
        laws.append(fit.x)
    for weight, limit in (((.5, .5), 1), ((.8, .2), 1), ((.5, .5), .4)):
        total = lambda r: sum(w * (p[0] + np.exp(r @ p[1:])) for w, p in zip(weight, laws))
        slope = lambda r: sum(w * np.exp(r @ p[1:]) * p[1:] for w, p in zip(weight, laws))
        fits = [minimize(total, rng.dirichlet(np.ones(3)), jac=slope, bounds=[(0, 1), (0, 1), (0, limit)], constraints={"type": "eq", "fun": lambda r: r.sum() - 1, "jac": lambda r: np.ones(3)},
                         method="SLSQP", options={"ftol": 1e-16, "maxiter": 1000}) for _ in range(10)]
        f = min(fits, key=lambda f: f.fun)
        print(f"best shares, weights {weight}, third at most {limit}: {', '.join('%.7f' % v for v in f.x)}  loss {f.fun:.10f}")


downstream()
mixture()
