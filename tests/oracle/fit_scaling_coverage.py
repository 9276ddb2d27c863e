#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How often fit-scaling's intervals hold the truth: tables simulated from a known law, one process a table.

    fit_scaling_coverage.py FIT_SCALING [--tables 200] [--bootstrap 1000] [--intervals auto] [--level .95] [--case TEXT]

Prints, for each design, scatter and objective, the share of tables in % whose interval holds the true E, A, B, alpha, beta, the
best N for 10 times the largest compute, the losses at 10 and 100 times, the loss at 3 times the largest N and D, and the share of
further runs, made at the N and D that the fit recommends for 10 times the compute, that fall inside `run@`.  Needs numpy; a case
takes about a minute on one core.  --case runs only the cases whose name holds TEXT.  Besiroglu et al.'s 240 (N, D) need
../shared/data beside the project."""
import argparse, os, subprocess
import numpy as np

E, A, B, ALPHA, BETA = TRUTH = np.array([1.8172, 477.83, 2143.4, .34731, .36717])
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def loss(n, d):
    return E + A / n**ALPHA + B / d**BETA


def best(c):
    n = (ALPHA * A / (BETA * B))**(1 / (ALPHA + BETA)) * (c / 6)**(BETA / (ALPHA + BETA))
    return n, c / 6 / n


def isoflop(budgets, sizes):
    c = np.repeat(6e18 * 10**np.linspace(0, 2.5, budgets), sizes)
    n = best(c)[0] * np.tile(4**np.linspace(-1, 1, sizes), budgets)
    return n, c / 6 / n


def grid(sizes, lengths):
    return np.repeat(3e7 * 3.**np.arange(sizes), lengths), np.tile(1e9 * 4.**np.arange(lengths), sizes)


def nine_budgets():
    """As the nine budgets by eight sizes of CS336's assignment 3."""
    c = np.repeat([6e18, 1e19, 3e19, 6e19, 1e20, 3e20, 6e20, 1e21, 3e21], 8)
    n = 5e7 * 1.5746**(np.tile(np.arange(8), 9) + .9 * np.repeat(np.arange(9), 8))
    return n, c / 6 / n


def besiroglu():
    path = os.path.join(ROOT, "..", "shared", "data", "oracle", "scaling", "besiroglu240.tsv")
    return np.loadtxt(path)[:, :2].T if os.path.exists(path) else None


DESIGNS = {"grid 5x4": grid(5, 4), "isoflop 6x6": isoflop(6, 6), "nine budgets": nine_budgets(), "besiroglu": besiroglu()}
# scale of the scatter against that at the largest N, D, C; degrees of freedom of Student's distribution, 0: normal
SCATTER = {".3%": (.003, 0, None), "1%": (.01, 0, None), "2%": (.02, 0, None), "1% heavy": (.01, 4, None),
           "1% small noisier": (.01, 0, lambda n, d, N, D: (n * d / (N * D).max())**-.2),
           "1% overtrained noisier": (.01, 0, lambda n, d, N, D: (d / n / 20)**.3)}


def draw(rng, freedom, size=None):
    return rng.standard_t(freedom, size) / np.sqrt(freedom / (freedom - 2)) if freedom else rng.standard_normal(size)


def cover(args, design, scatter, objective):
    n, d = design
    noise, freedom, uneven = scatter
    c, far = (6 * n * d).max(), (3 * n.max(), 3 * d.max())
    scale = lambda at_n, at_d: noise * (uneven(at_n, at_d, n, d) if uneven else 1)
    true = dict(zip(("E", "A", "B", "alpha", "beta"), TRUTH))
    at = f"{far[0]:.9g},{far[1]:.9g}"
    ten, hundred = f"{10 * c:.9g}", f"{100 * c:.9g}"
    true.update({f"N_opt@{ten}": best(10 * c)[0], f"loss@{ten}": loss(*best(10 * c)), f"loss@{hundred}": loss(*best(100 * c)), f"loss@{at}": loss(*far)})
    names = list(true) + [f"run@{ten}"]
    hits, said = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for table in range(args.tables):
        rng = np.random.default_rng(table)
        losses = loss(n, d) * np.exp(scale(n, d) * draw(rng, freedom, len(n)))
        text = "params\ttokens\tloss\n" + "".join(f"{x:.9g}\t{y:.9g}\t{z:.12g}\n" for x, y, z in zip(n, d, losses))
        out = subprocess.run([args.fit_scaling, "-q", "-j", "1", "--seed", str(table), "--objective", objective, "--intervals", args.intervals, "--level", str(args.level),
                              "--bootstrap", str(args.bootstrap), "--predict", ten, "--predict", hundred, "--at", at], input=text, capture_output=True, text=True, check=True).stdout
        rows = {r[1]: r for r in (line.split("\t") for line in out.splitlines())}
        where = [float(rows[f"{k}_opt@{ten}"][2]) for k in "ND"]
        inside = np.clip(where[0], n.min(), n.max()), np.clip(where[1], d.min(), d.max())  # scatter beyond the runs is that of the nearest
        true[f"run@{ten}"] = loss(*where) * np.exp(scale(*inside) * draw(rng, freedom))
        for name in names:
            low, high = rows[name][3:5]
            if low:
                said[name] += 1
                hits[name] += float(low) <= true[name] <= float(high)
    return [100 * hits[name] / max(1, said[name]) for name in names]


parser = argparse.ArgumentParser()
parser.add_argument("fit_scaling")
parser.add_argument("--tables", type=int, default=200)
parser.add_argument("--bootstrap", type=int, default=1000)
parser.add_argument("--intervals", default="auto")
parser.add_argument("--level", type=float, default=.95)
parser.add_argument("--case", default="")
arguments = parser.parse_args()
print("design\tscatter\tobjective\tE\tA\tB\talpha\tbeta\tN_10\tloss_10\tloss_100\tloss_far\trun_10", flush=True)
for objective in ("huber", "squares", "l1"):
    for design_name, design in DESIGNS.items():
        for scatter_name, scatter in SCATTER.items():
            case = f"{design_name}\t{scatter_name}\t{objective}"
            if design is not None and arguments.case in case.replace("\t", " "):
                print(case, *(f"{x:.1f}" for x in cover(arguments, design, scatter, objective)), sep="\t", flush=True)
