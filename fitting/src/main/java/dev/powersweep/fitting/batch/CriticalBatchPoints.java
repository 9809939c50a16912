package dev.powersweep.fitting.batch;

import dev.powersweep.fitting.batch.BatchTradeOff.Determined;
import dev.powersweep.fitting.batch.BatchTradeOff.Undetermined;
import dev.powersweep.fitting.isoflop.TrainingCurve;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Critical batch sizes read off runs, one per model size and level of loss. Three kinds of runs are understood:
 *
 * <ul>
 *   <li>training curves (several rows a run): steps at which each curve first falls to a level; for a constant learning rate;
 *   <li>steps to a target (several batch sizes at one loss and one N): taken as they are, as in Zhang et al. 2024;
 *   <li>finished runs on a grid of N, D and B: data to a level, interpolated between data sizes at fixed N and B.
 * </ul>
 *
 * @param points what was determined
 * @param fits the trade-off behind each point
 * @param problems sentences about levels that stayed undetermined
 * @param kind which kind of runs was found
 */
record CriticalBatchPoints(List<CriticalBatchPoint> points, List<Determined> fits, List<String> problems, Kind kind) {

    /** What the rows are. */
    enum Kind {
        /** Several rows a run. */
        CURVES,
        /** Several batch sizes at one loss. */
        TARGETS,
        /** A grid of finished runs. */
        FINALS
    }

    private static final double EQUAL = 1e-9;
    /** Places of the levels between the lowest and the highest common loss, in logarithms. */
    private static final double[] FINAL_LEVELS = {0, .25, .5, .75, 1};
    /** The upper half of a training curve is warm-up and transient. */
    private static final double[] CURVE_LEVELS = {0, .125, .25, .375, .5};

    /** Reads the runs as they are. */
    static CriticalBatchPoints of(Observations runs) {
        return of(runs, new double[runs.runs()]);
    }

    /**
     * Reads the runs as they might have come out. Levels of loss share runs, and so they share their noise: what lies between two
     * data sizes has that of both, by its distance from each.
     *
     * @param noise added to ln S of each run, by its number
     */
    static CriticalBatchPoints of(Observations runs, double[] noise) {
        Kind kind = kind(runs);
        CriticalBatchPoints found =
                new CriticalBatchPoints(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), kind);
        groups(runs, Quantity.N).forEach((n, rows) -> {
            switch (kind) {
                case TARGETS -> found.addTargets(runs, n, rows, noise);
                case CURVES -> found.addLevels(n, curves(runs, rows, noise), CURVE_LEVELS);
                case FINALS -> found.addLevels(n, finals(runs, rows, noise), FINAL_LEVELS);
            }
        });
        return found;
    }

    static Kind kind(Observations runs) {
        if (runs.size() > runs.runs()) {
            return Kind.CURVES;
        }
        for (List<Integer> rows : groups(runs, Quantity.N).values()) {
            TreeMap<Double, Integer> sameLoss = new TreeMap<>();
            rows.forEach(row -> sameLoss.merge(runs.at(Quantity.LOSS, row), 1, Integer::sum));
            if (sameLoss.values().stream().anyMatch(count -> count >= BatchTradeOff.FEWEST_BATCHES)) {
                return Kind.TARGETS;
            }
        }
        return Kind.FINALS;
    }

    /** The pooled residual deviation of ln S; zero where no trade-off has a spare degree of freedom. */
    double logDeviation() {
        return Math.sqrt(fits.stream()
                .mapToDouble(Determined::logDeviation)
                .filter(Double::isFinite)
                .map(x -> x * x)
                .average()
                .orElse(0));
    }

    private void addTargets(Observations runs, double n, List<Integer> rows, double[] noise) {
        Map<Double, List<Integer>> byLoss = new LinkedHashMap<>();
        rows.forEach(row -> byLoss.computeIfAbsent(runs.at(Quantity.LOSS, row), loss -> new ArrayList<>())
                .add(row));
        byLoss.forEach((loss, group) -> {
            TreeMap<Double, double[]> steps = new TreeMap<>();
            for (int row : group) {
                double[] sum = steps.computeIfAbsent(runs.at(Quantity.B, row), b -> new double[2]);
                sum[0] += Math.log(runs.at(Quantity.S, row)) + noise[runs.runOf(row)];
                sum[1]++;
            }
            TreeMap<Double, Double> mean = new TreeMap<>();
            steps.forEach((b, sum) -> mean.put(b, Math.exp(sum[0] / sum[1])));
            add(n, loss, mean);
        });
    }

    /** Steps to a level for one batch size. */
    private interface Reach {
        OptionalDouble steps(double level);

        double highest();

        double lowest();
    }

    private void addLevels(double n, Map<Double, List<Reach>> byBatch, double[] places) {
        double high = Double.POSITIVE_INFINITY;
        double low = 0;
        for (List<Reach> seeds : byBatch.values()) {
            for (Reach reach : seeds) {
                high = Math.min(high, reach.highest());
                low = Math.max(low, reach.lowest());
            }
        }
        if (byBatch.size() < BatchTradeOff.FEWEST_BATCHES || low > high) {
            problems.add(String.format(
                    Locale.ROOT,
                    "At N = %.4g %s.",
                    n,
                    byBatch.size() < BatchTradeOff.FEWEST_BATCHES
                            ? "only " + byBatch.size()
                                    + " batch size(s) have two or more data sizes; at least 3 are needed"
                            : "no loss is reached by every batch size; train the large batches longer"));
            return;
        }
        for (double place : places) {
            double level = low * Math.pow(high / low, place);
            TreeMap<Double, Double> steps = new TreeMap<>();
            byBatch.forEach((batch, seeds) -> {
                double sum = 0;
                int count = 0;
                for (Reach reach : seeds) {
                    OptionalDouble reached = reach.steps(level);
                    if (reached.isPresent()) {
                        sum += Math.log(reached.getAsDouble());
                        count++;
                    }
                }
                if (count > 0) {
                    steps.put(batch, Math.exp(sum / count));
                }
            });
            add(n, level, steps);
        }
    }

    private void add(double n, double loss, TreeMap<Double, Double> steps) {
        double[] batch =
                steps.keySet().stream().mapToDouble(Double::doubleValue).toArray();
        double[] needed =
                steps.values().stream().mapToDouble(Double::doubleValue).toArray();
        BatchTradeOff tradeOff = BatchTradeOff.fit(batch, needed);
        if (tradeOff instanceof Determined fit) {
            points.add(new CriticalBatchPoint(
                    n, loss, fit.minimalData(), fit.minimalSteps(), fit.criticalBatch(), batch.length));
            fits.add(fit);
        } else if (tradeOff instanceof Undetermined lost) {
            problems.add(String.format(
                    Locale.ROOT,
                    "At N = %.4g and loss %.4g %s.",
                    n,
                    loss,
                    lost.reason().clause()));
        }
    }

    private static Map<Double, List<Reach>> curves(Observations runs, List<Integer> rows, double[] noise) {
        Quantity clock = runs.has(Quantity.STEP) ? Quantity.STEP : Quantity.S;
        Map<Integer, List<Integer>> byRun = new LinkedHashMap<>();
        rows.forEach(row ->
                byRun.computeIfAbsent(runs.runOf(row), run -> new ArrayList<>()).add(row));
        Map<Double, List<Reach>> byBatch = new TreeMap<>();
        byRun.values().forEach(run -> {
            List<Integer> sorted = run.stream()
                    .filter(row -> runs.at(clock, row) > 0)
                    .sorted(Comparator.comparingDouble(row -> runs.at(clock, row)))
                    .toList();
            if (sorted.size() < 2) {
                return;
            }
            double[] clocks =
                    sorted.stream().mapToDouble(row -> runs.at(clock, row)).toArray();
            double[] losses = sorted.stream()
                    .mapToDouble(row -> runs.at(Quantity.LOSS, row))
                    .toArray();
            TrainingCurveSteps curve = new TrainingCurveSteps(
                    clocks,
                    new TrainingCurve(runs.at(Quantity.N, sorted.get(0)), clocks, clocks, losses)
                            .smoothed(TrainingCurve.window(clocks.length))
                            .loss());
            double factor = Math.exp(noise[runs.runOf(sorted.get(0))]);
            byBatch.computeIfAbsent(runs.at(Quantity.B, sorted.get(0)), b -> new ArrayList<>())
                    .add(new Reach() {
                        @Override
                        public OptionalDouble steps(double level) {
                            OptionalDouble steps = curve.steps(level);
                            return steps.isPresent()
                                    ? OptionalDouble.of(steps.getAsDouble() * factor)
                                    : OptionalDouble.empty();
                        }

                        @Override
                        public double highest() {
                            return curve.highest();
                        }

                        @Override
                        public double lowest() {
                            return curve.lowest();
                        }
                    });
        });
        return byBatch;
    }

    private static Map<Double, List<Reach>> finals(Observations runs, List<Integer> rows, double[] noise) {
        Map<Double, List<Integer>> rowsByBatch = new TreeMap<>();
        rows.forEach(row -> rowsByBatch
                .computeIfAbsent(runs.at(Quantity.B, row), b -> new ArrayList<>())
                .add(row));
        Map<Double, List<Reach>> byBatch = new TreeMap<>();
        rowsByBatch.forEach((batch, group) -> {
            DataToLoss curve = new DataToLoss(
                    group.stream().mapToDouble(row -> runs.at(Quantity.D, row)).toArray(),
                    group.stream()
                            .mapToDouble(row -> runs.at(Quantity.LOSS, row))
                            .toArray());
            if (curve.sizes() < 2) {
                return;
            }
            TreeMap<Double, Double> shared = bySize(runs, group, noise);
            byBatch.put(batch, List.of(new Reach() {
                @Override
                public OptionalDouble steps(double level) {
                    OptionalDouble tokens = curve.tokens(level);
                    return tokens.isPresent()
                            ? OptionalDouble.of(
                                    tokens.getAsDouble() / batch * Math.exp(between(shared, tokens.getAsDouble())))
                            : OptionalDouble.empty();
                }

                @Override
                public double highest() {
                    return curve.highest();
                }

                @Override
                public double lowest() {
                    return curve.lowest();
                }
            }));
        });
        return byBatch;
    }

    /** Mean noise of the runs of each data size, by the logarithm of the size. */
    private static TreeMap<Double, Double> bySize(Observations runs, List<Integer> rows, double[] noise) {
        return rows.stream()
                .collect(Collectors.groupingBy(
                        row -> Math.log(runs.at(Quantity.D, row)),
                        TreeMap::new,
                        Collectors.averagingDouble(row -> noise[runs.runOf(row)])));
    }

    private static double between(TreeMap<Double, Double> noise, double tokens) {
        double at = Math.log(tokens);
        Map.Entry<Double, Double> below = noise.floorEntry(at);
        Map.Entry<Double, Double> above = noise.ceilingEntry(at);
        if (below == null || above == null) {
            return (below == null ? above : below).getValue();
        }
        double width = above.getKey() - below.getKey();
        double share = width == 0 ? 0 : (at - below.getKey()) / width;
        return below.getValue() * (1 - share) + above.getValue() * share;
    }

    private static Map<Double, List<Integer>> groups(Observations runs, Quantity column) {
        TreeMap<Double, List<Integer>> groups = new TreeMap<>();
        for (int i = 0; i < runs.size(); i++) {
            double value = runs.at(column, i);
            Double near = groups.floorKey(value * (1 + EQUAL));
            double key = near != null && near >= value * (1 - EQUAL) ? near : value;
            groups.computeIfAbsent(key, k -> new ArrayList<>()).add(i);
        }
        return groups;
    }
}
