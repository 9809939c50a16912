"""Expected numbers for the batch-size tests: SciPy's least_squares from many starts.

Run in this directory: python3 batch_reference.py
Writes ../resources/golden/three_term_grid.csv (a noisy synthetic grid), three_term.csv and zhang.csv.
"""

import csv
import itertools

import numpy as np
from scipy.optimize import brentq, least_squares

rng = np.random.default_rng(20260101)
n, d, b = (
    np.array(list(itertools.product([3e5, 1.2e6, 4.8e6, 1.92e7], [2e7, 8e7, 3.2e8, 1.28e9], [4096, 24576, 147456, 884736])))
    .astype(float)
    .T
)
noise = np.exp(0.004 * rng.standard_normal(len(n)))


def surface(critical):
    return 1.2 + 60 / n**0.3 + 90 / (d / (1 + b / critical)) ** 0.28


driven_by_loss = surface(np.inf)
for _ in range(500):
    driven_by_loss = surface(2e7 * driven_by_loss ** (-1 / 0.21))
losses = {
    name: np.array([float(f"{x:.10g}") for x in exact * noise])
    for name, exact in (("data", surface(20 * d**0.42)), ("loss", driven_by_loss))
}
with open("../resources/golden/three_term_grid.csv", "w") as file:
    file.write("n,d,b,data,loss\n")
    for row in zip(n, d, b, losses["data"], losses["loss"]):
        file.write(",".join(f"{x:.10g}" for x in row) + "\n")

cn, cd, cb = (np.log(x).mean() for x in (n, d, b))


def prediction(p, kind):
    """p: ln E, ln A and ln B at the centre, alpha, beta, ln B_crit relative to the centre, kappa."""

    def given(drive):
        m = np.log(d) - cd - np.logaddexp(0, np.log(b) - cb - p[5] - drive)
        return np.exp(p[0]) + np.exp(p[1] - p[3] * (np.log(n) - cn)) + np.exp(p[2] - p[4] * m)

    if kind == "three-term":
        return given(0)
    if kind == "three-term-data":
        return given(p[6] * (np.log(d) - cd))
    if kind == "three-term-size":
        return given(p[6] * (np.log(n) - cn))
    value = given(50.0)  # a batch far below the critical one
    for _ in range(300):
        following = given(p[6] * (np.log(loss).mean() - np.log(value)))
        if np.abs(following / value - 1).max() < 1e-15:
            break
        value = following
    return value


with open("../resources/golden/three_term.csv", "w") as file:
    file.write("law,losses,objective,alpha,beta,log_critical\n")
    for kind in ("three-term", "three-term-data", "three-term-size", "three-term-loss"):
        loss = losses["loss" if kind == "three-term-loss" else "data"]
        best = None
        for start in itertools.product((0.2, 0.5), (0.3,), (-1, 2), (0.3, 4) if kind != "three-term" else (0,)):
            p0 = [np.log(1.5), np.log(0.5), np.log(0.5), start[0], start[1], start[2], start[3]]
            p0 = p0 if kind != "three-term" else p0[:6]
            with np.errstate(all="ignore"):
                fit = least_squares(
                    lambda p: np.nan_to_num(np.log(prediction(p, kind)) - np.log(loss), nan=1e3, posinf=1e3),
                    p0, method="lm", xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=20000,
                )
            if best is None or fit.cost < best.cost:
                best = fit
        p = best.x
        coefficient = p[5] + cb
        if kind == "three-term-data":
            coefficient -= p[6] * cd
        elif kind == "three-term-size":
            coefficient -= p[6] * cn
        elif kind == "three-term-loss":
            coefficient += p[6] * np.log(loss).mean()
        file.write(f"{kind},{'loss' if kind == 'three-term-loss' else 'data'},{2 * best.cost:.15g},{p[3]:.12g},{p[4]:.12g},{coefficient:.12g}\n")

steps = {}
with open("../resources/published/zhang_steps.csv") as file:
    for row in csv.DictReader(file):
        steps.setdefault(row["params_millions"], []).append((float(row["batch_sequences"]), float(row["steps"])))
with open("../resources/golden/zhang.csv", "w") as file:
    file.write("params_millions,minimal_steps,minimal_data,low,high\n")
    for millions, rows in steps.items():
        batch, log_steps = np.array(rows)[:, 0], np.log(np.array(rows)[:, 1])

        def sum_of_squares(u):
            z = log_steps - np.log1p(np.exp(u) / batch)
            return ((z - z.mean()) ** 2).sum()

        fit = least_squares(
            lambda p: np.logaddexp(p[0], p[1] - np.log(batch)) - log_steps, [7, 15], xtol=1e-15, ftol=1e-15, gtol=1e-15
        )
        u = fit.x[1] - fit.x[0]
        from scipy.stats import t

        limit = sum_of_squares(u) * (1 + t.ppf(0.975, len(batch) - 2) ** 2 / (len(batch) - 2))
        low = brentq(lambda v: sum_of_squares(v) - limit, u - 3, u)
        high = brentq(lambda v: sum_of_squares(v) - limit, u, u + 3)
        file.write(f"{millions},{np.exp(fit.x[0]):.12g},{np.exp(fit.x[1]):.12g},{np.exp(low):.9g},{np.exp(high):.9g}\n")
