"""Expected numbers for the IsoFLOP tests, by SciPy's own Akima interpolator and NumPy's polynomial fits.

Run in this directory: python3 isoflop_reference.py > ../resources/golden/isoflop.csv
"""

import collections
import csv

import numpy as np
from scipy.interpolate import Akima1DInterpolator
from scipy.optimize import brentq

points = collections.defaultdict(list)
with open("../resources/published/porian_isoflop.csv") as file:
    for row in csv.DictReader(file):
        points[row["configuration"]].append([float(row[k]) for k in ("flops", "n", "tokens", "loss")])


def grid_minimum(x, y):
    grid = np.geomspace(np.exp(x[0]), np.exp(x[-1]), (len(x) - 1) * 25)
    i = Akima1DInterpolator(x, y)(np.log(np.clip(grid, np.exp(x[0]), np.exp(x[-1])))).argmin()
    return None if i in (0, len(grid) - 1) else np.log(grid[i])


def exact_minimum(x, y):
    spline = Akima1DInterpolator(x, y)
    places = np.concatenate([x, [r for r in spline.derivative().roots(extrapolate=False) if np.isfinite(r)]])
    best = places[spline(places).argmin()]
    return None if best in (x[0], x[-1]) else best


def vertex(x, y):
    p = np.polyfit(x - x.mean(), np.exp(y), 2)
    best = x.mean() - p[1] / (2 * p[0])
    return best if p[0] > 0 and x[0] < best < x[-1] else None


print("configuration,method,budgets,exponent_n,exponent_d")
for configuration, rows in points.items():
    rows = np.array(rows)
    for name, method in (("SPLINE_GRID", grid_minimum), ("SPLINE", exact_minimum), ("PARABOLA", vertex)):
        c, n, d = [], [], []
        for flops in np.unique(rows[:, 0]):
            curve = rows[rows[:, 0] == flops]
            curve = curve[np.argsort(curve[:, 1])]
            if len(curve) < 3:
                continue
            x = np.log(curve[:, 1])
            best = method(x, np.log(curve[:, 3]))
            if best is not None:
                c.append(np.log(flops))
                n.append(best)
                d.append(float(Akima1DInterpolator(x, np.log(curve[:, 2]))(best)))
        print(f"{configuration},{name},{len(c)},{np.polyfit(c, n, 1)[0]:.12g},{np.polyfit(c, d, 1)[0]:.12g}")


# Noise-free losses of Hoffmann et al.'s rounded constants: how far the parabola's D at 1e24 FLOPs errs.
E, A, B, alpha, beta = 1.69, 406.4, 410.7, 0.34, 0.28
for width in (2, 4, 8, 16):
    c, d = [], []
    for flops in 10.0 ** np.arange(17, 22):
        slope = lambda x: -alpha * A * np.exp(-alpha * x) + beta * B * (flops / 6 * np.exp(-x)) ** -beta
        centre = brentq(slope, 1, 60, xtol=1e-14)
        x = np.linspace(centre - np.log(width), centre + np.log(width), 15)
        loss = E + A * np.exp(-alpha * x) + B * (flops / 6 * np.exp(-x)) ** -beta
        p = np.polyfit(x - centre, loss, 2)
        c.append(np.log(flops))
        d.append(np.log(flops / 6) - (centre - p[1] / (2 * p[0])))
    slope24 = lambda x: -alpha * A * np.exp(-alpha * x) + beta * B * (1e24 / 6 * np.exp(-x)) ** -beta
    truth = np.log(1e24 / 6) - brentq(slope24, 1, 80, xtol=1e-14)
    print(f"width {width},PARABOLA_BIAS,5,,{np.expm1(np.polyval(np.polyfit(c, d, 1), np.log(1e24)) - truth):.10g}")
