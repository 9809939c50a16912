package dev.powersweep.fitting.isoflop;

import dev.powersweep.fitting.isoflop.IsoFlopMinimum.Found;
import dev.powersweep.fitting.law.StagedLaw;
import dev.powersweep.fitting.result.Convergence;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.fitting.uncertainty.Bootstrap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * {@code optima}: power laws through compute-optimal sizes that somebody has found already, one row per budget: N_opt =
 * k_N·C^a and D_opt = k_D·C^b by least squares in logarithms. No loss is needed; without tokens D = C/(6N) stands in.
 */
public final class OptimaLaw implements StagedLaw {
    private static final int PARAMETERS_WITHOUT_LOSS = 4;

    @Override
    public String name() {
        return "optima";
    }

    @Override
    public String title() {
        return "Power laws through given compute-optimal sizes";
    }

    @Override
    public String formula() {
        return "N_opt(C) = k_N*C^a, D_opt(C) = k_D*C^b";
    }

    @Override
    public String source() {
        return "Hoffmann et al. 2022, arXiv 2203.15556, section 3.2";
    }

    @Override
    public Set<Quantity> needs() {
        return new LinkedHashSet<>(List.of(Quantity.C, Quantity.N));
    }

    @Override
    public Optional<FitRefusal> refusal(Observations runs) {
        for (Quantity column : needs()) {
            if (!runs.has(column)) {
                return Optional.of(new FitRefusal(
                        FitRefusal.Reason.MISSING_COLUMN,
                        "optima needs column " + column.described()
                                + ", which the runs do not have; name the column that holds it."));
            }
        }
        int budgets = runs.distinct(Quantity.C);
        if (budgets < 3 || budgets < runs.size()) {
            return Optional.of(new FitRefusal(
                    FitRefusal.Reason.TOO_FEW_SIZES,
                    "optima needs one row for each of at least 3 compute budgets, and the " + runs.size()
                            + " rows hold " + budgets + " budgets; fit isoflop to several sizes per budget."));
        }
        Integer[] order = new Integer[runs.size()];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, Comparator.comparingDouble(i -> runs.at(Quantity.C, i)));
        for (int k = 1; k < order.length; k++) {
            boolean larger = runs.at(Quantity.N, order[k]) > runs.at(Quantity.N, order[k - 1]);
            boolean better =
                    !runs.has(Quantity.LOSS) || runs.at(Quantity.LOSS, order[k]) < runs.at(Quantity.LOSS, order[k - 1]);
            if (!larger || !better) {
                return Optional.of(new FitRefusal(
                        FitRefusal.Reason.BAD_OPTION,
                        String.format(
                                Locale.ROOT,
                                "optima needs compute-optimal sizes, which grow with compute, and from %.4g to %.4g FLOPs"
                                        + " the %s; these rows look like single runs: fit chinchilla or isoflop.",
                                runs.at(Quantity.C, order[k - 1]),
                                runs.at(Quantity.C, order[k]),
                                larger ? "loss does not fall" : "size does not grow")));
            }
        }
        return Optional.empty();
    }

    @Override
    public FitResult fit(Observations runs, FitOptions options) {
        refusal(runs).ifPresent(refused -> {
            throw refused;
        });
        List<Found> optima = new ArrayList<>();
        double[] weight = runs.weights();
        for (int i = 0; i < runs.size(); i++) {
            if (weight[i] == 0) {
                continue;
            }
            double c = runs.at(Quantity.C, i);
            double n = runs.at(Quantity.N, i);
            double d = runs.has(Quantity.D) ? runs.at(Quantity.D, i) : c / (6 * n);
            optima.add(new Found(c, n, d, 1, weight[i]));
        }
        optima.sort(Comparator.comparingDouble(Found::flops));
        OptimaFit fit = OptimaFit.through(optima).orElseThrow();
        double[][] replicas = new double[options.bootstrap()][];
        for (int k = 0; k < replicas.length; k++) {
            SplittableRandom random = Bootstrap.generator(options.seed(), k);
            List<Found> drawn = new ArrayList<>();
            for (int i = 0; i < optima.size(); i++) {
                drawn.add(optima.get(random.nextInt(optima.size())));
            }
            replicas[k] = OptimaFit.through(drawn).map(OptimaReport::values).orElseGet(IsoFlopLaw::failed);
        }
        FitResult.Builder result = OptimaReport.start(
                        name(),
                        formula(),
                        fit,
                        replicas,
                        options,
                        OptimaReport.PARAMETERS.subList(0, PARAMETERS_WITHOUT_LOSS))
                .data(runs.size(), runs.runs())
                .convergence(Convergence.closedForm("least squares in logarithms: closed form"));
        if (optima.size() < 6) {
            result.warn("Only " + optima.size() + " budgets: a bootstrap over so few rows is too narrow.");
        }
        return result.build();
    }
}
