"""Independent answers of lr-surface, batch-surface, kaplan-cmin, kaplan-ns and branched-critical-batch.

Written from the definitions alone, with NumPy and SciPy. No derivative of ours, no grid of ours.
usage, in this directory: python3 settings_laws.py
Writes ../resources/golden/settings-laws.csv and the noisy branches ../resources/golden/branches.csv.

published/steplaw_rates.csv and steplaw_rates_other.csv: 2,702 runs of 41 (N, D) (Li et al. 2025, arXiv 2503.04715).
golden/three_term_grid.csv: the grid that batch_reference.py plants, its losses driven by B_crit(L) = 2e7/L^(1/.21).
"""
import csv
import pathlib

import numpy as np
from scipy.optimize import least_squares, minimize
from scipy.stats import t as student

DELTA = 1e-3
RESOURCES = pathlib.Path(__file__).parent.parent / "resources"
NEAR, FEWEST, SETTINGS = 0.01, 12, 3  # rows that inform an optimum: within 1 % of the lowest loss, at least 12, 3 of each axis
out = open(RESOURCES / "golden" / "settings-laws.csv", "w")
out.write("case,quantity,value\n")


def emit(case, **values):
    for name, value in values.items():
        out.write(f"{case},{name},{value:.12e}\n")


def load(*names):
    rows = [row for name in names for row in csv.DictReader(open(RESOURCES / name))]
    return {k: np.array([float(r[k]) for r in rows]) for k in rows[0]}


def optimum(lr, b, loss):
    """Rate and batch at the minimum of a quadratic in their logarithms; None where it has none inside what was tried."""
    order = np.argsort(loss, kind="stable")
    count = FEWEST
    while count < len(loss) and (loss[order[count]] <= loss[order[0]] * (1 + NEAR)
                                 or len(set(lr[order[:count]])) < SETTINGS or len(set(b[order[:count]])) < SETTINGS):
        count += 1
    near = order[:count]
    x, y, z = np.log(lr[near]), np.log(b[near]), loss[near]
    mx, my = x.mean(), y.mean()
    quadratic = lambda p: np.stack([np.ones(len(p[0])), p[0], p[1], p[0] ** 2, p[0] * p[1], p[1] ** 2], axis=1)
    c = np.linalg.lstsq(quadratic((x - mx, y - my)), z, rcond=None)[0]
    h = np.array([[2 * c[3], c[4]], [c[4], 2 * c[5]]])
    if np.linalg.eigvalsh(h).min() <= 0:
        return None
    best = minimize(lambda p: (quadratic((p[:1], p[1:])) @ c)[0], [0.0, 0.0], method="BFGS", options={"gtol": 1e-12}).x
    best = best - np.linalg.solve(h, c[1:3] + h @ best)  # the last digits
    lx, ly = best[0] + mx, best[1] + my
    inside = x.min() < lx < x.max() and y.min() < ly < y.max()
    return (lx, ly) if inside else None


runs = load("published/steplaw_rates.csv", "published/steplaw_rates_other.csv")
rows = []
for n, d in sorted(set(zip(runs["n"], runs["d"]))):
    of = (runs["n"] == n) & (runs["d"] == d)
    found = optimum(runs["lr"][of], runs["b"][of], runs["loss"][of])
    if found:
        rows.append((np.log(n), np.log(d), *found))
rows = np.array(rows)
for law, column in (("lr-surface", 2), ("batch-surface", 3)):
    k, p_n, p_d = np.linalg.lstsq(np.c_[np.ones(len(rows)), rows[:, :2]], rows[:, column], rcond=None)[0]
    emit(law, optima=len(rows), k=np.exp(k), p_N=p_n, p_D=p_d)


def huber(r):
    size = np.abs(r)
    return np.where(size <= DELTA, 0.5 * r * r, DELTA * (size - 0.5 * DELTA)).sum()


def lowest(predict, starts, loss):
    """The lowest Huber sum over ln L: by least squares from each start, then Nelder-Mead until it gains nothing."""
    residuals = lambda x: np.nan_to_num(predict(x) - np.log(loss), nan=1e3, posinf=1e3, neginf=-1e3)
    found = []
    with np.errstate(all="ignore"):
        for x in starts:
            x = least_squares(residuals, x, loss="soft_l1", f_scale=3 * DELTA, max_nfev=400).x
            value = huber(residuals(x))
            for _ in range(8):
                end = minimize(lambda p: huber(residuals(p)), x, method="Nelder-Mead",
                               options=dict(xatol=1e-13, fatol=1e-19, maxiter=8000, maxfev=8000, adaptive=True))
                done, value, x = value - end.fun <= 1e-14 * value, min(value, end.fun), end.x
                if done:
                    break
            found.append((value, tuple(x)))
    return min(found)


grid = load("golden/three_term_grid.csv")
n, d, b, loss = (grid[k] for k in ("n", "d", "b", "loss"))
critical = 2e7 * loss ** (-1 / 0.21)
minimum = 6 * n * d / (1 + b / critical)
frontier = []
for row in np.lexsort((loss, minimum)):
    if not frontier or loss[row] < loss[frontier[-1]]:
        frontier.append(row)
c, on = np.log(minimum[frontier]), loss[frontier]
value, x = lowest(lambda p: p[0] - p[1] * (c - c.mean()), [(1, 0.05)], on)
emit("kaplan-cmin", rows=len(frontier), objective=value, Cc=np.exp(x[0] / x[1] + c.mean()), alpha_C=x[1])
ln_n, ln_s = np.log(n), np.log(d / b / (1 + critical / b))
value, x = lowest(
    lambda p: np.logaddexp(p[0] - p[2] * (ln_n - ln_n.mean()), p[1] - p[3] * (ln_s - ln_s.mean())),
    [(u, v, 0.1, q) for u in (-0.5, 0.5) for v in (-1.5, 0) for q in (0.1, 0.5)], loss)
emit("kaplan-ns", objective=value, Nc=np.exp(x[0] / x[2] + ln_n.mean()), alpha_N=x[2],
     Sc=np.exp(x[1] / x[3] + ln_s.mean()), alpha_S=x[3])

# Branches of three trunks at four counts of tokens; at the third the largest batch of one trunk diverged.
random = np.random.default_rng(11)
batches = 1024.0 * 2 ** np.arange(7)
table = []
for trunk in "abc":
    for at, exact in ((2.5e5, 2600.0), (1e6, 5200.0), (4e6, 11000.0), (1.6e7, 21000.0)):
        luck = 0.02 * random.standard_normal()
        for size in batches:
            value = 3 + luck + 0.01 * ((size / exact) ** 1.4 - (batches[0] / exact) ** 1.4) + 4e-4 * random.standard_normal()
            lost = trunk == "b" and at == 4e6 and size == 16384
            table.append((trunk, at, size, "inf" if lost else f"{value:.9f}"))
with open(RESOURCES / "golden" / "branches.csv", "w") as file:
    file.write("trunk,branch,b,loss\n")
    file.writelines(f"{r[0]},{r[1]:.0f},{r[2]:.0f},{r[3]}\n" for r in table)
points = []
for at in sorted({r[1] for r in table}):
    of = np.array([[float(r[3]) for r in table if r[0] == trunk and r[1] == at] for trunk in "abc"])
    with np.errstate(invalid="ignore"):
        excess = (of - of[:, :1]).mean(axis=0)
    excess[np.argmax(np.isinf(excess)):] = np.inf if np.isinf(excess).any() else excess[np.argmax(np.isinf(excess)):]
    kept = np.flatnonzero(excess <= 0.01)[-1]
    share = (0.01 - excess[kept]) / (excess[kept + 1] - excess[kept]) if np.isfinite(excess[kept + 1]) else 0.5
    points.append((np.log(at), np.log(batches[kept]) + share * np.log(2)))
    emit("branched-critical-batch", **{f"B_crit_{at:.0f}": np.exp(points[-1][1])})
points = np.array(points)
design = np.c_[np.ones(len(points)), points[:, 0]]
line, rest = np.linalg.lstsq(design, points[:, 1], rcond=None)[:2]
spare = len(points) - 2
error = student.ppf(0.975, spare) * np.sqrt(rest[0] / spare * np.linalg.inv(design.T @ design)[1, 1])
emit("branched-critical-batch", B_0=np.exp(line[0]), kappa=line[1], kappa_low=line[1] - error, kappa_high=line[1] + error)
out.close()
