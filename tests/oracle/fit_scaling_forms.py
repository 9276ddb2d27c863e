#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The optimum of each form of loss law on a table of runs, by many random starts in scipy.

    fit_scaling_forms.py runs > tests/data/fit-scaling/loss_runs.tsv            made-up runs, some of which repeat their data
    fit_scaling_forms.py TABLE NAME > ...                                       fits: NAME form fixed objective parameter=value...

The fits of loss_runs.tsv and besiroglu240.tsv (development data) are tests/data/fit-scaling/loss_laws.tsv, which the tests of
tools/fit-scaling/forms read.  Needs numpy and scipy.

Each form is written here as its paper has it, on logarithms of factors.  What is minimised is the huber objective (delta
1e-3) on log residuals; random starts go through scipy's least_squares, the ten best on through BFGS with gradients by complex
steps.  The random starts know nothing of grids or variable projection."""
import sys
import numpy as np
from scipy.optimize import least_squares, minimize

DELTA = 1e-3


def make_runs():
    """Data-constrained runs of a known law with 1% of scatter; equal on any machine: the scatter is a sum of residues."""
    print("params\ttokens\tunique_tokens\tloss")
    k = 0
    for i, n in enumerate((2e7, 7e7, 2.5e8, 8e8, 2.5e9)):
        for j, u in enumerate((2e8, 1e9, 5e9)):
            for repeats in (0, 3, 12, 60):
                d = u * (1 + repeats)
                k += 1
                noise = .01 * (sum((k * m) % p / p for m, p in ((7919, 101), (104729, 103), (1299709, 107))) - 1.5)
                law = DataConstrained([np.log(1.9), np.log(480), np.log(1100), .33, .31, np.log(9.), np.log(4.)])
                print(f"{n:.9g}\t{d:.9g}\t{u:.9g}\t{np.exp(law(np.log(n), np.log(d), np.log(u)).real + noise):.6f}")


def log_sum(*terms):
    top = np.max([np.real(t) for t in np.broadcast_arrays(*terms)], axis=0)
    return np.log(sum(np.exp(t - top) for t in terms)) + top


class Form:
    def __init__(self, t):
        self.t = t


class Chinchilla(Form):
    names = "log E, log A, log B, alpha, beta".split(", ")
    def __call__(self, n, d, u):
        e, a, b, alpha, beta = self.t
        return log_sum(e + 0 * n, a - alpha * n, b - beta * d)
    low, high = (-3, 0, 0, .05, .05), (1, 14, 16, .9, .9)


class Power(Form):
    names = "log K, alpha, beta".split(", ")
    def __call__(self, n, d, u):
        return self.t[0] - self.t[1] * n - self.t[2] * d
    low, high = (0, 0, 0), (6, .3, .3)


class Kaplan(Form):
    names = "log N_c, log D_c, alpha_N, alpha_D".split(", ")
    def __call__(self, n, d, u):
        nc, dc, an, ad = self.t
        return ad * log_sum(an / ad * (nc - n), dc - d)
    low, high = (20, 20, .02, .02), (40, 40, .4, .4)


class OverTraining(Form):
    names = "log E, log a, log b, eta".split(", ")
    def __call__(self, n, d, u):
        e, a, b, eta = self.t
        m, c = d - n, np.log(6) + n + d
        return log_sum(e + 0 * n, log_sum(a + eta * m, b - eta * m) - eta * c)
    low, high = (-3, 0, 0, .02), (1, 14, 16, .5)


class Coupled(Form):
    names = "log E, log A, alpha, log B, beta, gamma, delta".split(", ")
    def __call__(self, n, d, u):
        e, a, alpha, b, beta, gamma, delta = self.t
        nn, dd = n - n.mean(), d - d.mean()
        return log_sum(e + 0 * n, a - alpha * n, b + gamma * nn - beta * np.exp(delta * nn) * dd)
    low, high = (-3, 0, .05, -4, .1, -.3, -.3), (1, 12, .8, 0, .9, .5, .3)


class DataConstrained(Form):
    names = "log E, log A, log B, alpha, beta, log R_D, log R_N".split(", ")
    def __call__(self, n, d, u):
        e, a, b, alpha, beta, rd, rn = self.t
        g = (np.log(alpha) + a - np.log(beta) - b) / (alpha + beta)
        un = beta / alpha * (u + g) + g
        un = np.where(np.real(un) < n, un, n)
        RD, RN = np.exp(rd), np.exp(rn)
        dd = u + np.log(1 + RD * (1 - np.exp(-(np.exp(d - u) - 1) / RD)))
        nn = un + np.log(1 + RN * (1 - np.exp(-(np.exp(n - un) - 1) / RN)))
        return log_sum(e + 0 * n, a - alpha * nn, b - beta * dd)
    low, high = (-1, 2, 2, .15, .15, 0, -1), (1, 12, 13, .7, .7, 4.5, 4.5)


CASES = [(Chinchilla, ""), (Chinchilla, "E=1.69"), (Chinchilla, "A=406.4"), (Chinchilla, "B=410.7"), (Chinchilla, "alpha=0.34"), (Chinchilla, "E=0"),
         (Chinchilla, "A=406.4 beta=0.28"), (Power, ""), (Power, "K=30"), (Power, "beta=0"), (Kaplan, ""), (Kaplan, "N_c=8.8e13"), (Kaplan, "alpha_N=0.076"),
         (Kaplan, "D_c=5.4e13"), (Kaplan, "alpha_D=0.095"), (OverTraining, ""), (OverTraining, "a=500"), (OverTraining, "b=1000"), (OverTraining, "E=0"),
         (OverTraining, "eta=0.121"), (Coupled, ""), (Coupled, "delta=0"), (Coupled, "gamma=0 delta=0"), (Coupled, "A=500"), (Coupled, "E=1.7 B=0.3"),
         (DataConstrained, ""), (DataConstrained, "R_D=15.4"), (DataConstrained, "R_D=15.4 R_N=5.31"), (DataConstrained, "R_N=5.31 alpha=0.35"),
         (DataConstrained, "R_D=15.4 A=520"), (DataConstrained, "R_D=15.4 E=1.87 B=1487")]
NAMES = {Chinchilla: "chinchilla", Power: "power", Kaplan: "kaplan", OverTraining: "over-training", Coupled: "coupled", DataConstrained: "data-constrained"}


def held(form, fixed):
    out = {}
    for item in fixed.split():
        name, value = item.split("=")
        for i, known in enumerate(form.names):
            if known == name:
                out[i] = float(value)
            if known == "log " + name:
                out[i] = np.log(float(value)) if float(value) > 0 else -60.
    assert len(out) == len(fixed.split())
    return out


def fit(form, fixed, n, d, u, y, starts=300):
    rng = np.random.default_rng(1)
    hold = held(form, fixed)
    free = [i for i in range(len(form.names)) if i not in hold]

    def whole(t):
        full = np.zeros(len(form.names), dtype=np.asarray(t).dtype)
        full[free] = t
        for i, v in hold.items():
            full[i] = v
        return full

    def residual(t):
        with np.errstate(all="ignore"):
            r = y - np.real(form(whole(np.asarray(t, dtype=complex)))(n, d, u))
        return np.where(np.isfinite(r), r, 1e3)

    def objective(t):
        size = np.abs(residual(t))
        return np.where(size <= DELTA, .5 * size**2, DELTA * (size - .5 * DELTA)).sum()

    def gradient(t):
        weight, out = np.clip(residual(t), -DELTA, DELTA), []
        for i in range(len(t)):
            z = np.array(t, dtype=complex)
            z[i] += 1e-30j
            with np.errstate(all="ignore"):
                out.append(-(weight * np.imag(form(whole(z))(n, d, u)) / 1e-30).sum())
        return np.array(out)

    low, high = np.array(form.low)[free], np.array(form.high)[free]
    tried = []
    for _ in range(starts if len(free) > 3 else 30):
        try:
            o = least_squares(residual, rng.uniform(low, high), loss="huber", f_scale=DELTA, x_scale="jac", max_nfev=150)
        except ValueError:
            continue
        tried.append((objective(o.x), tuple(o.x)))
    tried.sort()
    best = (np.inf, None)
    for _, t in tried[:10]:
        for _ in range(3):
            with np.errstate(all="ignore"):
                o = minimize(objective, t, jac=gradient, method="BFGS", options={"gtol": 1e-14, "maxiter": 3000})
            t = o.x
        best = min(best, (o.fun, tuple(o.x)))
    near = sum(f < best[0] * (1 + 1e-3) for f, _ in tried)
    values = whole(np.array(best[1]))
    pairs = []
    for name, v in zip(form.names, values):
        pairs.append(f"{name[4:]}={np.exp(v):.9g}" if name.startswith("log ") else f"{name}={v:.9g}")
    return best[0], pairs, near, len(tried)


if sys.argv[1] == "runs":
    make_runs()
else:
    with open(sys.argv[1]) as f:
        lines = [line.split("\t") for line in f.read().splitlines()]
    header = lines.pop(0) if not lines[0][0][0].isdigit() else ["params", "tokens", "loss"]
    columns = {name: np.log(np.array([float(line[i]) for line in lines])) for i, name in enumerate(header)}
    n, d, y = columns["params"], columns["tokens"], columns["loss"]
    u = columns.get("unique_tokens", d)
    for form, fixed in CASES:
        if form is DataConstrained and "R_D" not in fixed and u is d:
            continue
        value, pairs, near, starts = fit(form, fixed, n, d, u, y)
        print(sys.argv[2], NAMES[form], fixed or "-", f"{value:.12g}", " ".join(pairs), sep="\t", flush=True)
        print(f"{sys.argv[2]} {NAMES[form]} {fixed}: {near} of {starts} starts within 0.1% of the best", file=sys.stderr, flush=True)
