package dev.powersweep.fitting.uncertainty;

import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.linear.Correlation;
import dev.powersweep.fitting.result.Convergence;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.Identifiability;
import dev.powersweep.fitting.result.Profile;
import dev.powersweep.fitting.result.Replicas;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Puts into sentences what a careful reader would conclude from the numbers of a fit. */
final class Diagnosis {
    /** A parameter whose interval spans this factor is hardly determined. */
    private static final double HARDLY = 10;

    /** Exponents that move together by this correlation over the refits cannot be told apart. */
    private static final double TOGETHER = 0.98;

    private Diagnosis() {}

    static Identifiability identifiability(
            ParametricLaw law,
            Map<String, Estimate> parameters,
            List<String> atBound,
            List<Identifiability.Rival> rivals,
            Convergence convergence,
            Replicas replicas,
            List<Profile> profiles) {
        List<String> sentences = new ArrayList<>();
        for (String name : atBound) {
            sentences.add(name + " ran to the end of its range: the data do not bound it.");
        }
        if (!rivals.isEmpty()) {
            sentences.add((rivals.size() == 1 ? "A distant minimum comes" : rivals.size() + " distant minima come")
                    + String.format(
                            Locale.ROOT,
                            " within %.2g %% of the best objective (the nearest at %s): the data cannot tell them"
                                    + " apart, and a point estimate alone misleads.",
                            100 * Math.max(1e-6, rivals.get(rivals.size() - 1).excess()),
                            describe(rivals.get(0).parameters())));
        }
        if (!(convergence.hessianCondition() < 1e10)) {
            sentences.add(
                    "The objective is flat along some direction at the minimum: some combination of the parameters"
                            + " is free.");
        }
        parameters.forEach((name, estimate) -> {
            if (estimate.hasInterval()
                    && estimate.high() > HARDLY * Math.max(estimate.low(), 0)
                    && !atBound.contains(name)) {
                sentences.add(String.format(
                        Locale.ROOT,
                        "%s is hardly determined: its interval runs from %.3g to %.3g.",
                        name,
                        estimate.low(),
                        estimate.high()));
            }
        });
        String open = replicas.size() > 0
                ? ""
                : parameters.entrySet().stream()
                        .filter(entry -> !entry.getValue().hasInterval() && anyInterval(parameters))
                        .map(Map.Entry::getKey)
                        .collect(Collectors.joining(", "));
        if (!open.isEmpty()) {
            sentences.add("Not determined by so few rows: " + open + ".");
        }
        for (Profile profile : profiles) {
            if (profile.high() == Double.POSITIVE_INFINITY || profile.low() == 0) {
                sentences.add("The likelihood does not bound " + profile.parameter()
                        + (profile.low() > 0
                                ? " from above."
                                : profile.high() < Double.POSITIVE_INFINITY ? " from below." : " on either side."));
            }
        }
        sentences.addAll(together(law, replicas));
        if (!convergence.certified() && sentences.isEmpty()) {
            sentences.add("The minimum is not certified, so nothing is said about how well it is determined.");
        }
        String verdict = sentences.isEmpty()
                ? "One minimum stands alone and every parameter is determined."
                : String.join(" ", sentences);
        return new Identifiability(verdict, rivals);
    }

    private static boolean anyInterval(Map<String, Estimate> parameters) {
        return parameters.values().stream().anyMatch(Estimate::hasInterval);
    }

    private static List<String> together(ParametricLaw law, Replicas replicas) {
        List<String> sentences = new ArrayList<>();
        if (replicas.size() < 50) {
            return sentences;
        }
        // A coefficient always moves with its own exponent, because it is told at size one, far outside the data.
        List<Integer> telling = new ArrayList<>();
        for (int j = 0; j < law.parameters().size(); j++) {
            String unit = law.parameters().get(j).unit();
            if (unit.equals("1") || unit.equals(law.response().unit())) {
                telling.add(j);
            }
        }
        for (int j : telling) {
            for (int k : telling) {
                if (k < j && Math.abs(Correlation.of(column(replicas, j), column(replicas, k))) > TOGETHER) {
                    sentences.add(String.format(
                            Locale.ROOT,
                            "%s and %s move together (correlation %.3f): the data determine a combination of them,"
                                    + " hardly each alone.",
                            law.parameters().get(k).name(),
                            law.parameters().get(j).name(),
                            Correlation.of(column(replicas, j), column(replicas, k))));
                }
            }
        }
        return sentences;
    }

    private static double[] column(Replicas replicas, int parameter) {
        return Arrays.stream(replicas.values())
                .mapToDouble(row -> row[parameter])
                .toArray();
    }

    private static String describe(Map<String, Double> parameters) {
        List<String> parts = new ArrayList<>();
        parameters.forEach((name, value) -> parts.add(String.format(Locale.ROOT, "%s %.4g", name, value)));
        return String.join(", ", parts);
    }

    static List<String> warnings(ParametricLaw law, Observations runs, FitOptions options, List<Residual> residuals) {
        List<String> warnings = new ArrayList<>();
        if (law.needs().contains(Quantity.C) && runs.derived(Quantity.C)) {
            warnings.add("Compute was not given and is taken as 6·N·D.");
        }
        if (runs.has(Quantity.C) && !runs.derived(Quantity.C)) {
            boolean fromSteps = runs.has(Quantity.B) && runs.has(Quantity.S) && !runs.derived(Quantity.S);
            if (law.needs().contains(Quantity.D) && runs.derived(Quantity.D) && !fromSteps) {
                warnings.add("Tokens were not given and are taken as C/(6·N).");
            }
            if (law.needs().contains(Quantity.N) && runs.derived(Quantity.N)) {
                warnings.add("Model sizes were not given and are taken as C/(6·D).");
            }
        }
        if (law.needs().contains(Quantity.U) && runs.derived(Quantity.U)) {
            warnings.add("Unique tokens were not given; every run is taken to see each token once.");
        }
        if (runs.has(Quantity.N) && Arrays.stream(runs.column(Quantity.N)).max().orElse(0) < 1e3) {
            warnings.add(
                    "No model has a thousand parameters: n seems to be counted in millions or billions. Exponents and"
                            + " losses do not mind, but coefficients and compute are in those units.");
        }
        if (runs.has(Quantity.D) && Arrays.stream(runs.column(Quantity.D)).max().orElse(0) < 1e4) {
            warnings.add("No run saw ten thousand tokens: d seems to be counted in millions or billions. Exponents and"
                    + " losses do not mind, but coefficients and compute are in those units.");
        }
        if (runs.runs() < runs.size()
                && options.resampling() != FitOptions.Resampling.RUNS
                && options.bootstrap() > 0) {
            warnings.add("Rows of one run hang together, and this bootstrap draws rows; resample runs for honest"
                    + " intervals.");
        }
        if (options.bootstrap() > 0
                && options.resampling() == FitOptions.Resampling.RUNS
                && runs.runs() < 15
                && runs.runs() - law.parameters().size() >= ParametricFit.FEWEST_SPARE) {
            warnings.add("There are only " + runs.runs() + " runs to resample: the intervals are rough.");
        }
        List<String> far = far(residuals, law.parameters().size());
        if (!far.isEmpty()) {
            warnings.add((far.size() == 1 ? "1 row lies" : far.size() + " rows lie")
                    + " more than eight robust standard deviations from the law (run "
                    + String.join(", ", far.subList(0, Math.min(5, far.size()))) + (far.size() > 5 ? ", …" : "")
                    + "): look at them before trusting the fit.");
        }
        return warnings;
    }

    /**
     * Runs of rows more than eight robust standard deviations from the law. A fit may pass through as many rows as it has
     * parameters, so that the median says nothing of the scatter unless most rows are beyond those.
     */
    private static List<String> far(List<Residual> residuals, int parameters) {
        if (residuals.size() < 2 * parameters + ParametricFit.FEWEST_SPARE) {
            return List.of();
        }
        double[] sizes = residuals.stream()
                .mapToDouble(r -> Math.abs(r.residual()))
                .sorted()
                .toArray();
        double robust = 1.4826 * Replicas.quantile(sizes, 0.5);
        return residuals.stream()
                .filter(r -> robust > 1e-9 && Math.abs(r.residual()) > 8 * robust)
                .map(Residual::run)
                .toList();
    }
}
