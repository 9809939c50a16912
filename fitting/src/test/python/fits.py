"""Independent minima for the golden file ../resources/golden/scipy-fits.csv.

Everything is written from the formulae in the papers and minimised with SciPy only: a robust least-squares descent from many
random starts, then Nelder-Mead restarted until it no longer improves. No derivative of ours, no grid of ours.
usage: python3 fits.py > ../resources/golden/scipy-fits.csv
"""
import csv
import pathlib

import numpy as np
from scipy.optimize import least_squares, minimize

HERE = pathlib.Path(__file__).parent
RUNS = HERE.parent / "resources" / "runs"


def load(name):
    rows = list(csv.DictReader(open(RUNS / name)))
    return {k: np.array([float(r[k]) for r in rows]) for k in rows[0]}


def objective(name, delta, predicted, loss):
    r = np.log(predicted) - np.log(loss) if name.endswith("log") else predicted - loss
    if name.startswith("mse"):
        return (r * r).sum()
    size = np.abs(r)
    return np.where(size <= delta, 0.5 * r * r, delta * (size - 0.5 * delta)).sum()


def best(predict, starts, loss, name, delta=1e-3, seed=0):
    """predict takes the vector that is searched; starts is a list of those."""

    def f(x):
        with np.errstate(all="ignore"):
            v = objective(name, delta, predict(x), loss)
        return v if np.isfinite(v) else 1e300

    def residuals(x):
        with np.errstate(all="ignore"):
            p = predict(x)
            r = np.log(p) - np.log(loss) if name.endswith("log") else p - loss
        return np.nan_to_num(r, nan=1e3, posinf=1e3, neginf=-1e3)

    found = []
    for x in starts:
        x = least_squares(residuals, x, loss="soft_l1", f_scale=delta * 3, max_nfev=400).x
        found.append((f(x), tuple(x)))
    found.sort()
    top = None
    for value, x in found[:4]:
        for _ in range(8):
            r = minimize(f, x, method="Nelder-Mead",
                         options=dict(xatol=1e-13, fatol=1e-19, maxiter=8000, maxfev=8000, adaptive=True))
            done = value - r.fun <= 1e-15 * abs(value)
            value, x = min((r.fun, tuple(r.x)), (value, tuple(x)))
            if done:
                break
        if top is None or value < top[0]:
            top = (value, np.array(x))
    return top


def emit(case, value, names, values):
    print(f"{case},objective,{value:.15e}")
    for n, v in zip(names, values):
        print(f"{case},{n},{v:.12e}")


print("case,quantity,value")
rng = np.random.default_rng(1)
k = load("chinchilla-digitised-234.csv")
n, d, loss = k["n"], k["d"], k["loss"]
mn, md = np.log(n).mean(), np.log(d).mean()


def hoffmann(x):
    e, a, b, al, be = x
    return np.exp(e) + np.exp(a - al * (np.log(n) - mn)) + np.exp(b - be * (np.log(d) - md))


def starts5():
    return [np.array([rng.uniform(-.2, .8), rng.uniform(-3, 0), rng.uniform(-3, 0), rng.uniform(.05, 1), rng.uniform(.05, 1)])
            for _ in range(12)]


for name in ["huber-log", "huber-raw", "mse-log", "mse-raw"]:
    v, x = best(hoffmann, starts5(), loss, name)
    e, a, b, al, be = x
    emit(f"digitised/chinchilla/{name}", v, ["E", "A", "B", "alpha", "beta"],
         [np.exp(e), np.exp(a + al * mn), np.exp(b + be * md), al, be])

v, x = best(lambda x: hoffmann(np.append(x, x[3])), [s[:4] for s in starts5()], loss, "huber-log")
emit("digitised/chinchilla-tied/huber-log", v, ["E", "A", "B", "alpha"],
     [np.exp(x[0]), np.exp(x[1] + x[3] * mn), np.exp(x[2] + x[3] * md), x[3]])

# Kaplan eq 1.5, searched as ln of the two terms inside the brackets at the middle of the data, ratio, outer exponent
v, x = best(lambda x: (np.exp(x[0] - x[2] * (np.log(n) - mn)) + np.exp(x[1] - (np.log(d) - md))) ** x[3],
            [np.array([rng.uniform(2, 12), rng.uniform(2, 12), rng.uniform(.3, 2), rng.uniform(.05, .3)]) for _ in range(12)],
            loss, "huber-log")
emit("digitised/kaplan-nd/huber-log", v, ["Nc", "Dc", "alpha_N", "alpha_D"],
     [np.exp(x[0] / x[2] + mn), np.exp(x[1] + md), x[2] * x[3], x[3]])

c = np.log(6 * n * d)
mc = c.mean()
v, x = best(lambda x: np.exp(x[0] - x[1] * (c - mc)), [np.array([1.0, .05])], loss, "huber-log")
emit("digitised/kaplan-c/huber-log", v, ["Cc", "alpha_C"], [np.exp(x[0] / x[1] + mc), x[1]])

q = load("datablations-182.csv")
n, d, u, loss = q["n"], q["d"], q["u"], q["loss"]
mn, md = np.log(n).mean(), np.log(d).mean()
v, x = best(hoffmann, starts5(), loss, "huber-log")
e, a, b, al, be = x
emit("datablations/chinchilla/huber-log", v, ["E", "A", "B", "alpha", "beta"],
     [np.exp(e), np.exp(a + al * mn), np.exp(b + be * md), al, be])

# Muennighoff: published single-epoch constants held, the two repetition constants searched from a grid
E, A, B, alpha = np.exp(.6254804), np.exp(6.255414), np.exp(7.3049974), .3526596
G = (A / B) ** (1 / (2 * alpha))
un = np.minimum(n, G * G * u)


def repeated(x):
    rd, rn = np.exp(x)
    dp = u + u * rd * -np.expm1(-(d / u - 1) / rd)
    np_ = un + un * rn * -np.expm1(-(n / un - 1) / rn)
    return E + A / np_ ** alpha + B / dp ** alpha


def local(rd, rn):
    f = lambda x: objective("huber-log", 1e-3, repeated(x), loss)
    x = np.log([rd, rn])
    for _ in range(6):
        r = minimize(f, x, method="Nelder-Mead", options=dict(xatol=1e-13, fatol=1e-19, maxiter=4000))
        x = r.x
    return r.fun, np.exp(x)


grid = [local(rd, rn) for rd in np.geomspace(1, 500, 12) for rn in np.geomspace(.3, 30, 8)]
v, x = min(grid, key=lambda t: t[0])
emit("datablations/muennighoff/huber-log", v, ["R_D", "R_N"], x)
emit("datablations/muennighoff/published", objective("huber-log", 1e-3, repeated(np.log([15.387756, 5.309743])), loss), [], [])
v, x = local(47.0, 2.33)
emit("datablations/muennighoff/rival", v, ["R_D", "R_N"], x)
