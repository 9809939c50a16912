package dev.powersweep.fitting.optimise;

import dev.powersweep.fitting.runs.FitRefusal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Finds the global minimum by variable projection on a dense grid of shapes, then Newton descents with every parameter free.
 *
 * <p>At each node of the grid the coefficients are optimised with the shape held fixed. Every local minimum of the surface so
 * found, and a coarse sub-grid of nodes besides, start a full descent. The share of the sub-grid's descents that end at the
 * best minimum, and that no node lies below it, are the certificate.
 */
public final class GlobalSearch {
    /** Descents that end this close, relative to the objective, have found the same minimum. */
    private static final double SAME_VALUE = 1e-7;

    private static final int MOST_VALLEYS = 32;

    /** An objective below this, relative to the gradient's natural scale, is that of data without noise. */
    private static final double WITHOUT_NOISE = 1e-8;

    /** Rows on which the grid is visited where there are more than twice as many. */
    private static final int SAMPLE = 400;

    private final Problem problem;
    private final ShapedModel shaped;
    private final int threads;
    private final Density density;

    /** How many nodes the grid has. */
    public enum Density {
        /** Every value that the law names: for certificates. */
        FULL(1),
        /** Every third value: where a good start is known already. */
        SPARSE(3);

        private final int stride;

        Density(int stride) {
            this.stride = stride;
        }

        double[] thin(double[] values) {
            return java.util.stream.IntStream.range(0, values.length)
                    .filter(i -> i % stride == stride / 2)
                    .mapToDouble(i -> values[i])
                    .toArray();
        }
    }

    /** A search on this many threads; the result does not depend on their number. */
    public GlobalSearch(Problem problem, ShapedModel shaped, Density density, int threads) {
        this.problem = problem;
        this.shaped = shaped;
        this.density = density;
        this.threads = threads;
    }

    /**
     * What the search found.
     *
     * @param best the lowest minimum
     * @param minima every distinct minimum, ascending, the best first
     * @param starts descents from the coarse sub-grid
     * @param reachedBest how many of them ended at the best
     * @param nodes of the grid visited
     * @param lowestNode lowest objective over the grid, never below the best's if the certificate holds
     */
    public record Outcome(
            Minimum best, List<Minimum> minima, int starts, int reachedBest, int nodes, double lowestNode) {}

    /**
     * Runs the search.
     *
     * @param known internal parameters to start from besides
     */
    public Outcome run(double[]... known) {
        int[] shape = shaped.shape();
        int dimensions = shape.length;
        double[][] grid = new double[dimensions][];
        int nodes = 1;
        for (int s = 0; s < dimensions; s++) {
            grid[s] = density.thin(shaped.grid(s));
            nodes *= grid[s].length;
        }
        Minimum[] surface = new Minimum[nodes];
        Problem sample = sample();
        ShapeGrid shapes = new ShapeGrid(sample, shaped, grid);
        Workers.run(threads, nodes, shapes::newton, (newton, node) -> {
            Minimum end = shapes.best(newton, node);
            surface[node] = sample == problem
                    ? end
                    : new Minimum(end.theta(), problem.value(end.theta()), end.gradientNorm(), end.iterations());
        });

        List<Integer> coarse = new ArrayList<>();
        List<Integer> valleys = new ArrayList<>();
        double lowestNode = Double.POSITIVE_INFINITY;
        for (int node = 0; node < nodes; node++) {
            lowestNode = Math.min(lowestNode, surface[node].value());
            if (onCoarse(grid, node)) {
                coarse.add(node);
            }
            if (isValley(grid, surface, node)) {
                valleys.add(node);
            }
        }
        valleys.sort(Comparator.comparingDouble(node -> surface[node].value()));
        List<double[]> starts = new ArrayList<>();
        coarse.forEach(node -> starts.add(surface[node].theta()));
        valleys.stream().limit(MOST_VALLEYS).forEach(node -> starts.add(surface[node].theta()));
        starts.addAll(List.of(known));
        Minimum[] ends = descend(sample, starts, Newton.Effort.REFIT);
        double bestEnd = Double.POSITIVE_INFINITY;
        for (Minimum end : ends) {
            bestEnd = end.value() < bestEnd ? end.value() : bestEnd;
        }
        int reached = 0;
        for (int i = 0; i < coarse.size(); i++) {
            reached += sameValue(ends[i].value(), bestEnd) ? 1 : 0;
        }
        List<Minimum> minima = distinct(ends);
        minima = distinct(descend(problem, minima.stream().map(Minimum::theta).toList(), Newton.Effort.TO_THE_END));
        if (minima.isEmpty()) {
            throw new FitRefusal(
                    FitRefusal.Reason.NOT_CONVERGED,
                    "The objective is not finite anywhere on the grid of shapes: numbers of these runs lie too far apart to"
                            + " be fitted; count columns in larger units.");
        }
        Minimum best = minima.get(0);
        return new Outcome(best, minima, coarse.size(), reached, nodes, lowestNode);
    }

    private Minimum[] descend(Problem rows, List<double[]> starts, Newton.Effort effort) {
        boolean[] free = new boolean[shaped.model().dimension()];
        Minimum[] ends = new Minimum[starts.size()];
        int p = shaped.model().dimension();
        Workers.run(threads, ends.length, () -> new Newton(p), (newton, i) -> {
            Minimum end = newton.minimise(rows, starts.get(i), shaped.box(), free, effort);
            // Without noise the objective goes to nothing, and ends compare only once they are there.
            ends[i] = end.value() > WITHOUT_NOISE * rows.gradientScale()
                    ? end
                    : newton.minimise(rows, end.theta(), shaped.box(), free, Newton.Effort.TO_THE_END);
        });
        return ends;
    }

    /** A fixed random choice of rows where there are many: enough to see the valleys, which are then searched with all rows. */
    private Problem sample() {
        int rows = problem.logTarget().length;
        if (rows <= 2 * SAMPLE) {
            return problem;
        }
        SplittableRandom random = new SplittableRandom(rows);
        double[] weights = problem.weights().clone();
        int left = SAMPLE;
        for (int i = 0; i < rows; i++) {
            if (random.nextInt(rows - i) < left) {
                left--;
            } else {
                weights[i] = 0;
            }
        }
        return new Problem(problem.model(), problem.logTarget(), weights, problem.objective(), problem.delta());
    }

    private boolean sameValue(double value, double best) {
        return value - best <= SAME_VALUE * Math.abs(best) + 1e-16 * problem.gradientScale();
    }

    private List<Minimum> distinct(Minimum[] ends) {
        List<Minimum> sorted = new ArrayList<>();
        for (Minimum end : ends) {
            if (Double.isFinite(end.value())) {
                sorted.add(end);
            }
        }
        sorted.sort(Comparator.comparingDouble(Minimum::value));
        List<Minimum> distinct = new ArrayList<>();
        for (Minimum candidate : sorted) {
            boolean known = false;
            for (Minimum other : distinct) {
                known |= near(candidate, other);
            }
            if (!known && (distinct.isEmpty() || candidate.gradientNorm() < 1e-6)) {
                distinct.add(candidate);
            }
            if (distinct.size() >= 16) {
                break;
            }
        }
        return distinct;
    }

    /** Same place for all purposes: every predicted row within one part in ten thousand. */
    private boolean near(Minimum one, Minimum other) {
        for (int i = 0; i < problem.logTarget().length; i++) {
            if (Math.abs(shaped.model().value(one.theta(), i) - shaped.model().value(other.theta(), i)) > 1e-4) {
                return false;
            }
        }
        for (int j : shaped.shape()) {
            if (Math.abs(one.theta()[j] - other.theta()[j]) > 0.02 * (0.05 + Math.abs(other.theta()[j]))) {
                return false;
            }
        }
        return true;
    }

    private static boolean onCoarse(double[][] grid, int node) {
        int stride = grid.length == 1 ? 8 : 3;
        int rest = node;
        for (int s = grid.length - 1; s >= 0; s--) {
            if (rest % grid[s].length % stride != stride / 2) {
                return false;
            }
            rest /= grid[s].length;
        }
        return true;
    }

    private static boolean isValley(double[][] grid, Minimum[] surface, int node) {
        return isValley(grid, surface, node, 0, 0, 1, node);
    }

    /** Compares the node with all its neighbours, diagonal ones too. */
    private static boolean isValley(
            double[][] grid, Minimum[] surface, int node, int slot, int shift, int stride, int rest) {
        if (slot == grid.length) {
            return shift == 0 || surface[node].value() <= surface[node + shift].value();
        }
        int length = grid[grid.length - 1 - slot].length;
        int at = rest % length;
        for (int move = -1; move <= 1; move++) {
            if (at + move < 0 || at + move >= length) {
                continue;
            }
            if (!isValley(grid, surface, node, slot + 1, shift + move * stride, stride * length, rest / length)) {
                return false;
            }
        }
        return true;
    }
}
