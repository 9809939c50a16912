"""Independent minima of multi-power for the golden file ../resources/golden/multi-power.csv.

Written from the formula alone: between rows the rate is a straight line, cut into four pieces each; before the first row it rises
linearly from zero (48 pieces). A least-squares descent by SciPy from random starts, then Nelder-Mead on Huber's function.
No derivative of ours, no grid of ours.
usage: python3 multi_power.py > ../resources/golden/multi-power.csv

published/multipower/curves_*.csv: nine schedules of three sizes (Luo et al. 2025, arXiv 2503.12811, MIT). Fitted on three,
tested on six: error is the mean over these of the mean absolute error.
"""
import csv
import pathlib

import numpy as np
from scipy.optimize import least_squares, minimize

DELTA = 1e-3
RESOURCES = pathlib.Path(__file__).parent.parent / "resources"
FITTED = ("cosine_24000", "constant_24000", "wsdcon_9")
PIECES, WARM = 4, 48


def curve(rows):
    step, rate, loss = (np.array([float(r[k]) for r in rows]) for k in ("step", "lr", "loss"))
    fine = np.concatenate([np.linspace(step[i], step[i + 1], PIECES, endpoint=False) for i in range(len(step) - 1)] + [step[-1:]])
    eta = np.interp(fine, step, rate)
    total = rate[0] * step[0] / 2 + np.concatenate([[0], np.cumsum(np.diff(fine) * (eta[1:] + eta[:-1]) / 2)])
    share = (np.arange(WARM) + 0.5) / WARM
    change = np.concatenate([np.full(WARM, rate[0] / WARM), np.diff(eta)])
    middle = np.concatenate([share * rate[0], (eta[1:] + eta[:-1]) / 2])
    place = np.concatenate([rate[0] * step[0] * share**2 / 2, (total[1:] + total[:-1]) / 2])
    keep = change != 0
    return loss, total[::PIECES], change[keep], middle[keep], place[keep]


def predict(p, c):
    l0, a, b, alpha, lnc, beta, gamma = p
    _, s, change, eta, place = c
    x = np.exp(lnc) * (eta / 3e-4) ** -gamma * np.maximum(s[:, None] - place[None, :], 0)
    return l0 + a * s**-alpha + b * ((1 - (1 + x) ** -beta) @ change)


def huber(r):
    size = np.abs(r)
    return np.where(size <= DELTA, 0.5 * r * r, DELTA * (size - 0.5 * DELTA)).sum()


def residuals(p, curves):
    with np.errstate(all="ignore"):
        r = np.concatenate([np.log(predict(p, c)) - np.log(c[0]) for c in curves])
    return np.nan_to_num(r, nan=1e3, posinf=1e3, neginf=-1e3)


def main():
    print("case,quantity,value")
    for size in ("25m", "100m", "400m"):
        runs = {}
        for row in csv.DictReader(open(RESOURCES / "published" / "multipower" / f"curves_{size}.csv")):
            runs.setdefault(row["run"], []).append(row)
        fitted = [curve(runs[name]) for name in FITTED]
        tested = [curve(rows) for name, rows in runs.items() if name not in FITTED]
        random = np.random.default_rng(1)
        found = []
        low, high = [1, 0, 1, 0.05, -6, 0.02, 0], [4, 9, 5e3, 3, 12, 8, 6]
        for _ in range(4):
            x = [random.uniform(2, 3), random.uniform(0.3, 1), random.uniform(200, 900), random.uniform(0.2, 0.8),
                 random.uniform(1, 5), random.uniform(0.2, 2), random.uniform(0.2, 2.5)]
            end = least_squares(residuals, x, args=(fitted,), loss="huber", f_scale=DELTA, x_scale="jac",
                                bounds=(low, high), max_nfev=150)
            found.append((huber(residuals(end.x, fitted)), tuple(end.x)))
        value, x = min(found)
        end = minimize(lambda y: 1e6 * huber(residuals(y, fitted)), x, method="Nelder-Mead",
                       options={"maxiter": 2000, "xatol": 1e-9, "fatol": 1e-9})
        if end.fun * 1e-6 < value:
            value, x = end.fun * 1e-6, tuple(end.x)
        print(f"{size},objective,{value:.7g}")
        print(f"{size},error,{np.mean([np.abs(predict(x, c) - c[0]).mean() for c in tested]):.5g}")
        print(f"{size},L0,{x[0]:.5g}")
        print(f"{size},alpha,{x[3]:.5g}")


main()
