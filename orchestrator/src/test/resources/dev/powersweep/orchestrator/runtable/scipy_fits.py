"""Approach 3 of Hoffmann et al. 2022 by SciPy on the tables beside it, for expected.csv.

python3 scipy_fits.py > expected.csv
"""
import csv
import json
import pathlib

import numpy as np
from scipy.optimize import minimize

HERE = pathlib.Path(__file__).parent
DELTA = 1e-3


def fit(rows):
    n, d, loss = (np.log(np.asarray(column, float)) for column in zip(*rows))

    def objective(p):
        a, b, e, alpha, beta = p
        terms = np.stack([a - alpha * n, b - beta * d, np.full_like(n, e)])
        top = terms.max(0)
        weights = np.exp(terms - top)
        total = weights.sum(0)
        weights /= total
        residual = top + np.log(total) - loss
        huber = np.where(abs(residual) <= DELTA, residual**2 / 2, DELTA * (abs(residual) - DELTA / 2)).sum()
        g = np.clip(residual, -DELTA, DELTA)
        gradient = [(g * weights[0]).sum(), (g * weights[1]).sum(), (g * weights[2]).sum(),
                    (-g * weights[0] * n).sum(), (-g * weights[1] * d).sum()]
        return huber * 1e6, 1e6 * np.array(gradient)

    starts = [(a, b, e, alpha, beta) for a in (2, 6, 10) for b in (2, 6, 10) for e in (-1, .3, 1)
              for alpha in (.2, .5) for beta in (.2, .5)]
    options = dict(maxiter=3000, ftol=1e-15, gtol=1e-10)
    best = min((minimize(objective, start, jac=True, method="L-BFGS-B", options=options) for start in starts),
               key=lambda result: result.fun)
    return np.exp(best.x[2]), best.x[3], best.x[4]


def table(name, n, d, loss, scale=(1, 1), keep=lambda row: True):
    rows = [row for row in csv.DictReader(open(HERE / name)) if keep(row)]
    return [(float(row[n]) * scale[0], float(row[d]) * scale[1], float(row[loss])) for row in rows]


def best(rows):
    lowest = {}
    for n, d, loss in rows:
        lowest[n, round(np.log(d), 2)] = min(lowest.get((n, round(np.log(d), 2)), (n, d, 99)), (n, d, loss), key=lambda r: r[2])
    return list(lowest.values())


TABLES = {
    "01-hp.csv": best(table("01-hp.csv", "N", "train_tokens", "loss")),
    "02-ladder.csv": table("02-ladder.csv", "params", "tokens", "val_loss"),
    "03-dn.csv": table("03-dn.csv", "Non-embedding params (M)", "Tokens (B)", "Val loss", (1e6, 1e9)),
    "03-secstep.csv": table("03-secstep.csv", "params", "tokens", "val_loss"),
    "04-case.csv": table("04-case.csv", "N", "D", "L"),
    "04-dlh.csv": table("04-dlh.csv", "params", "tokens", "loss"),
    "06-final.csv": table("06-final.csv", "params", "tokens", "eval_loss"),
    "multi.csv": [tuple(map(float, row[:3])) for row in list(csv.reader(open(HERE / "multi.csv")))[2:]],
    "runs.jsonl": [(row["total_params"], row["tokens"], row["val_loss"])
                   for row in map(json.loads, open(HERE / "runs.jsonl"))],
    "wandb_runs.csv": table("wandb_runs.csv", "parameter_count", "throughput/total_tokens", "eval/loss",
                            keep=lambda row: row["State"] == "finished"),
}
print("table,rows,E,alpha,beta")
for name, rows in TABLES.items():
    print(name, len(rows), *(f"{value:.6f}" for value in fit(rows)), sep=",")
