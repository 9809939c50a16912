"""Independent minima of steps-batch and farseer for the golden file ../resources/golden/bent-laws.csv.

Written from the formulae alone and minimised with SciPy only: a robust least-squares descent from random starts, then BFGS on
Huber's function itself, restarted until it gains nothing. No derivative of ours, no grid of ours.
usage: python3 bent_laws.py > ../resources/golden/bent-laws.csv

published/steplaw_rates.csv: 1,730 runs of 17 (N, D), about 10 batches and 12 peak rates each (Li et al. 2025, arXiv 2503.04715).
published/farseer_*.csv: 400 distinct runs and 7 large ones (Li et al. 2025, arXiv 2506.10972). Both as scalebench
(PlanarG/active-sl) publishes them, CC-BY-4.0. Farseer's D is counted in billions of tokens.
"""
import csv
import pathlib

import numpy as np
from scipy.optimize import least_squares, minimize

DELTA = 1e-3
RESOURCES = pathlib.Path(__file__).parent.parent / "resources"


def load(name):
    rows = list(csv.DictReader(open(RESOURCES / "published" / name)))
    return {k: np.array([float(r[k]) for r in rows]) for k in rows[0]}


def huber(r):
    size = np.abs(r)
    return np.where(size <= DELTA, 0.5 * r * r, DELTA * (size - 0.5 * DELTA)).sum()


def best(log_predict, starts, loss, keep=6):
    def residuals(x):
        with np.errstate(all="ignore"):
            return np.nan_to_num(log_predict(x) - np.log(loss), nan=1e3, posinf=1e3, neginf=-1e3)

    found = []
    for x in starts:
        x = least_squares(residuals, x, loss="soft_l1", f_scale=3 * DELTA, x_scale="jac", max_nfev=600).x
        found.append((huber(residuals(x)), tuple(x)))
    found.sort()
    top = found[0]
    for value, x in found[:keep]:
        for _ in range(12):
            x1 = least_squares(residuals, x, loss="huber", f_scale=DELTA, x_scale="jac", xtol=1e-15, ftol=1e-15,
                               gtol=1e-15, max_nfev=3000).x
            end = minimize(lambda y: 1e6 * huber(residuals(y)), x1, method="BFGS", options={"gtol": 1e-7})
            v = huber(residuals(end.x))
            x = tuple(end.x)
            if value - v < 1e-9 * value:
                break
            value = v
        if v < top[0]:
            top = (v, x)
    return top


def steps_batch(runs):
    n, s, b = (np.log(runs[k]) for k in "nsb")
    n, s, b = n - n.mean(), s - s.mean(), b - b.mean()

    def predict(x):
        return np.log(np.exp(x[0]) + np.exp(x[1] - x[4] * n) + np.exp(x[2] - x[5] * s) + np.exp(x[3] - x[6] * b))

    random = np.random.default_rng(1)
    starts = [np.r_[random.uniform(-2, 0.8, 4), random.uniform(0.05, 0.9, 3)] for _ in range(40)]
    return predict, best(predict, starts, runs["loss"])


def at(runs, rows):
    return {k: v[rows] for k, v in runs.items()}


def best_rates(runs):
    lowest = {}
    for i, key in enumerate(zip(runs["n"], runs["d"], runs["b"])):
        if key not in lowest or runs["loss"][i] < runs["loss"][lowest[key]]:
            lowest[key] = i
    tuned = at(runs, sorted(lowest.values()))
    tuned["s"] = tuned["d"] / tuned["b"]
    return tuned


def main():
    print("case,quantity,value")
    tuned = best_rates(load("steplaw_rates.csv"))
    _, (value, x) = steps_batch(tuned)
    print(f"steps-batch,objective,{value:.9e}")
    for name, v in (("E", np.exp(x[0])), ("alpha", x[4]), ("beta", x[5]), ("gamma", x[6])):
        print(f"steps-batch,{name},{v:.7g}")
    order = np.argsort(tuned["n"] * tuned["d"], kind="stable")
    small = at(tuned, order[:-20])
    _, (_, x) = steps_batch(small)
    ln = lambda k: np.log(tuned[k]) - np.log(small[k]).mean()
    log = np.log(np.exp(x[0]) + np.exp(x[1] - x[4] * ln("n")) + np.exp(x[2] - x[5] * ln("s")) + np.exp(x[3] - x[6] * ln("b")))
    miss = (log - np.log(tuned["loss"]))[order[-20:]]
    print(f"steps-batch,held_out_rms,{np.sqrt((miss ** 2).mean()):.6g}")

    train, test = load("farseer_train.csv"), load("farseer_test.csv")
    middle = np.log(train["n"]).mean()

    def predict(x, runs):
        t, d = np.log(runs["n"]) - middle, np.log(runs["d"] / 1e9)
        u, v, h = (x[2 * f] + x[2 * f + 1] * np.expm1(x[6 + f] * t) / x[6 + f] for f in range(3))
        return np.logaddexp(u, v - np.exp(h) * d)

    random = np.random.default_rng(2)
    starts = [
        np.r_[random.uniform(-1.3, -0.5), random.uniform(-0.2, 0.1), random.uniform(-3, 1), random.uniform(-1, 1),
              random.uniform(-1.3, -0.6), random.uniform(-0.3, 0.1), random.uniform(-1, 1, 3)]
        for _ in range(60)
    ]
    value, x = best(lambda x: predict(x, train), starts, train["loss"])
    print(f"farseer,objective,{value:.9e}")
    predicted = np.exp(predict(x, test))
    loss = test["loss"]
    print(f"farseer,r_squared_test,{1 - ((predicted - loss) ** 2).sum() / ((loss - loss.mean()) ** 2).sum():.6g}")
    largest = np.argmax(test["n"])
    print(f"farseer,largest_error,{predicted[largest] / loss[largest] - 1:.6g}")


main()
