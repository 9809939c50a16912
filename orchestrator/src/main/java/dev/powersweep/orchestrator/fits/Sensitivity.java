package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.Fitter;
import dev.powersweep.fitting.Laws;
import dev.powersweep.fitting.law.Law;
import dev.powersweep.fitting.optimise.Objective;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.results.Convention;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.runtable.RunTable;
import dev.powersweep.orchestrator.text.Numbers;
import dev.powersweep.orchestrator.text.TextTable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * How far a law in N and D moves when it is fitted as well, but otherwise: objective, δ, the count of parameters, without the
 * smallest scale, by another law (Porian et al. 2024; Li et al. 2025, "(Mis)Fitting").
 *
 * @param rows a fit each, that of the options asked for first
 * @param flops the budget at which optima are told: ten times the largest fitted
 * @param edge the largest compute among the rows
 */
public record Sensitivity(List<Row> rows, double flops, double edge) {
    private static final List<String> LAWS = List.of("chinchilla", "chinchilla-tied", "kaplan-nd", "gadre");
    private static final double[] DELTAS = {1e-4, 1e-3, 1e-2};
    private static final double BEYOND = 10;

    /** Data sizes are rounded to whole batches. */
    private static final double NEAR = 1.02;

    private static final double SMALLEST_SHARE = 0.1;

    /** Of N_opt over the compute. */
    private static final String ALLOCATION = "a";

    /** The loss that is left, nats per token. */
    private static final String FLOOR = "E";

    /** Exponents that a row tells, where its law has them. */
    public static final List<String> TOLD = List.of(ALLOCATION, "alpha", "beta", FLOOR);

    /**
     * One fit.
     *
     * @param varied what was changed
     * @param setting to what
     * @param values of {@link #TOLD}, NaN where the law has none
     * @param size N_opt at the budget; NaN where there is no fit
     * @param loss the lowest at the budget
     * @param refusal why there is no fit; empty where there is
     */
    public record Row(
            String varied,
            String setting,
            String law,
            int rows,
            List<Double> values,
            double size,
            double loss,
            String refusal) {
        public Row {
            values = List.copyOf(values);
        }
    }

    public Sensitivity {
        rows = List.copyOf(rows);
    }

    /** Of a sweep, the count of parameters among what is varied. */
    public static Sensitivity of(SweepResults results, List<String> laws, FitOptions options, Convention convention) {
        Map<Convention, Observations> counts = new EnumMap<>(Convention.class);
        for (Convention count : Convention.known(results)) {
            counts.put(count, SweepFitter.joint(results.counted(count)));
        }
        return of(counts.get(convention), counts, laws, options);
    }

    /** Of a table of runs. */
    public static Sensitivity of(RunTable table, List<String> laws, boolean everyRow, FitOptions options) {
        Observations all = table.observations(Set.of(Quantity.N, Quantity.D, Quantity.LOSS));
        Set<Integer> kept =
                (everyRow ? Optional.<Set<Integer>>empty() : table.bestOfEach()).orElse(Set.copyOf(table.ends()));
        Observations finished = table.finished(all);
        return of(finished.where(row -> kept.contains(table.ends().get(row))), Map.of(), laws, options);
    }

    /** How far the exponents of a sweep move with the count of parameters alone. */
    public static Sensitivity conventions(SweepResults results, FitOptions options) {
        List<Row> rows = new ArrayList<>();
        for (Convention count : Convention.known(results)) {
            Observations runs = SweepFitter.joint(results.counted(count));
            rows.add(row("convention", count.label(), LAWS.get(0), runs, options.bootstrap(0), BEYOND * largest(runs)));
        }
        return new Sensitivity(rows, Double.NaN, Double.NaN);
    }

    private static Sensitivity of(
            Observations runs, Map<Convention, Observations> counts, List<String> laws, FitOptions asked) {
        FitOptions options = asked.bootstrap(0);
        String law = laws.stream().filter(LAWS::contains).findFirst().orElse(LAWS.get(0));
        double edge = largest(runs);
        double flops = BEYOND * edge;
        List<Row> rows = new ArrayList<>();
        rows.add(row("as asked", options.objective().label(), law, runs, options, flops));
        for (Objective objective : Objective.values()) {
            if (objective != options.objective()) {
                rows.add(row("objective", objective.label(), law, runs, options.objective(objective), flops));
            }
        }
        for (double delta : DELTAS) {
            if (options.objective().huber() && delta != options.delta()) {
                rows.add(row("δ", Numbers.significant(delta, 2), law, runs, options.delta(delta), flops));
            }
        }
        counts.forEach((count, counted) ->
                rows.add(row("convention", count.label(), law, counted, options, BEYOND * largest(counted))));
        for (Quantity axis : List.of(Quantity.N, Quantity.D, Quantity.C)) {
            double[] scale = runs.column(axis);
            double limit = smallest(axis, scale);
            rows.add(row(
                    "left out",
                    axis == Quantity.C ? "smallest tenth of C" : "smallest " + axis.name(),
                    law,
                    runs.where(i -> scale[i] > limit),
                    options,
                    flops));
        }
        for (String other : LAWS) {
            if (!other.equals(law)) {
                rows.add(row("law", other, other, runs, options, flops));
            }
        }
        return new Sensitivity(rows, flops, edge);
    }

    private static double largest(Observations runs) {
        return Arrays.stream(runs.column(Quantity.C)).max().orElseThrow();
    }

    private static double smallest(Quantity axis, double[] scale) {
        double[] sorted = scale.clone();
        Arrays.sort(sorted);
        return axis == Quantity.C
                ? sorted[Math.max(0, (int) Math.round(SMALLEST_SHARE * sorted.length) - 1)]
                : sorted[0] * NEAR;
    }

    private static Row row(
            String varied, String setting, String name, Observations runs, FitOptions options, double flops) {
        Law law = Laws.byName(name);
        try {
            if (runs.size() == 0) {
                throw new FitRefusal(FitRefusal.Reason.TOO_FEW_POINTS, "No rows are left.");
            }
            FitResult fit = Fitter.fit(law, runs, options);
            List<Double> values =
                    TOLD.stream().map(quantity -> value(fit, quantity)).toList();
            return new Row(
                    varied,
                    setting,
                    name,
                    runs.size(),
                    values,
                    ComputeOptimum.size(fit.predictor(), fit.values(), flops),
                    ComputeOptimum.loss(fit.predictor(), fit.values(), flops),
                    "");
        } catch (FitRefusal refusal) {
            return new Row(
                    varied,
                    setting,
                    name,
                    runs.size(),
                    TOLD.stream().map(quantity -> Double.NaN).toList(),
                    Double.NaN,
                    Double.NaN,
                    refusal.sentence());
        }
    }

    private static double value(FitResult fit, String quantity) {
        // Other laws have coefficients of these names: gadre's a is a factor, farseer's E an exponent.
        Estimate estimate = quantity.equals(ALLOCATION)
                ? fit.derived().get(quantity)
                : fit.parameters().getOrDefault(quantity, fit.derived().get(quantity));
        if (quantity.equals(FLOOR) && estimate != null && !estimate.unit().equals(Quantity.LOSS.unit())) {
            return Double.NaN;
        }
        return estimate == null ? Double.NaN : estimate.value();
    }

    /** The lowest and highest exponent a of N_opt over the fits; empty where no two of them have one. */
    public Optional<double[]> spread() {
        double[] exponents = rows.stream()
                .mapToDouble(row -> row.values().get(0))
                .filter(Double::isFinite)
                .sorted()
                .toArray();
        return exponents.length < 2
                ? Optional.empty()
                : Optional.of(new double[] {exponents[0], exponents[exponents.length - 1]});
    }

    /** The table for a terminal. */
    public String text() {
        TextTable table =
                new TextTable().row("varied", "setting", "law", "rows", "a", "alpha", "beta", "E", "N_opt", "loss");
        List<String> refused = new ArrayList<>();
        String last = "";
        for (Row row : rows) {
            List<String> cells = new ArrayList<>(List.of(
                    row.varied().equals(last) ? "" : row.varied(),
                    row.setting(),
                    row.law(),
                    Integer.toString(row.rows())));
            last = row.varied();
            row.values().forEach(value -> cells.add(Double.isFinite(value) ? Numbers.fixed(value, 3) : "–"));
            cells.add(Double.isFinite(row.size()) ? Numbers.count(row.size(), 3) : "–");
            cells.add(Double.isFinite(row.loss()) ? Numbers.fixed(row.loss(), 4) : "–");
            table.row(cells.toArray(String[]::new));
            if (!row.refusal().isEmpty()) {
                refused.add("  " + row.varied() + " " + row.setting() + ": " + row.refusal() + "\n");
            }
        }
        String spread = spread().map(ends -> "N_opt ∝ C^a with a from " + Numbers.fixed(ends[0], 3) + " to "
                        + Numbers.fixed(ends[1], 3) + " over these fits.\n")
                .orElse("");
        return table.text("") + "\nN_opt and loss are told at C = " + Numbers.power(flops, 3)
                + " FLOPs, ten times the largest fitted, under another convention ten times its own largest: an extrapolation.\n"
                + spread
                + String.join("", refused);
    }
}
