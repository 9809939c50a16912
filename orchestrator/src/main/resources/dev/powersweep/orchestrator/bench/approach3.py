"""Approach 3 of Hoffmann et al. 2022 as it is usually computed: SciPy's L-BFGS-B with the analytic gradient from each of
their 4,500 starts, then bootstrap refits that start at the best fit. The peer of `powersweep bench fit`.

usage: approach3.py RUNS.csv REFITS       (header with N, D and loss)
prints one JSON object: parameters, objective (sum over rows), intervals, seconds of both parts.
"""
import csv
import itertools
import json
import sys
import time

import numpy as np
from scipy.optimize import minimize

DELTA = 1e-3
STARTS = (np.arange(0, 26, 5), np.arange(0, 26, 5), np.arange(-1, 1.1, 0.5), np.arange(0, 2.1, 0.5), np.arange(0, 2.1, 0.5))


def objective(theta, log_n, log_d, log_loss):
    """Sum of Huber(ln predicted - ln observed) and its gradient by a, b, e, alpha, beta."""
    a, b, e, alpha, beta = theta
    terms = np.stack([a - alpha * log_n, b - beta * log_d, np.full_like(log_n, e)])
    top = terms.max(axis=0)
    share = np.exp(terms - top)
    total = share.sum(axis=0)
    share /= total
    residual = top + np.log(total) - log_loss
    size = np.abs(residual)
    value = np.where(size <= DELTA, 0.5 * residual * residual, DELTA * (size - 0.5 * DELTA)).sum()
    pull = np.clip(residual, -DELTA, DELTA) * share
    sums = pull.sum(axis=1)
    return value, np.array([sums[0], sums[1], sums[2], -(pull[0] * log_n).sum(), -(pull[1] * log_d).sum()])


def descend(start, rows):
    options = {"maxiter": 500, "ftol": 1e-14, "gtol": 1e-10}
    return minimize(objective, start, args=rows, jac=True, method="L-BFGS-B", options=options)


def published(x):
    return {"E": np.exp(x[2]), "A": np.exp(x[0]), "B": np.exp(x[1]), "alpha": x[3], "beta": x[4]}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    rows = tuple(np.log([float(row[name]) for row in table]) for name in ("N", "D", "loss"))
    began = time.perf_counter()
    best = min((descend(np.array(start), rows) for start in itertools.product(*STARTS)), key=lambda end: end.fun)
    searched = time.perf_counter()
    random = np.random.default_rng(0)
    refits = []
    for _ in range(int(sys.argv[2])):
        drawn = random.integers(0, len(table), len(table))
        refits.append(descend(best.x, tuple(column[drawn] for column in rows)).x)
    refitted = time.perf_counter()
    intervals = {}
    if refits:
        each = [published(x) for x in refits]
        intervals = {name: list(np.percentile([x[name] for x in each], [2.5, 97.5])) for name in each[0]}
    json.dump(
        {
            "rows": len(table),
            "objective": best.fun,
            "parameters": published(best.x),
            "intervals": intervals,
            "searchSeconds": searched - began,
            "refitSeconds": refitted - searched,
        },
        sys.stdout,
        indent=1,
    )
    print()


main()
