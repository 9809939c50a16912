package dev.powersweep.fitting.isoflop;

import dev.powersweep.fitting.law.Parameter;
import dev.powersweep.fitting.law.StagedLaw;
import dev.powersweep.fitting.optimise.Workers;
import dev.powersweep.fitting.result.Convergence;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Identifiability;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.fitting.uncertainty.Bootstrap;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * {@code envelope}: approach 1 of Hoffmann et al. 2022 (section 3.1). At each of 1,500 budgets the training curve of lowest
 * loss, and power laws through the sizes and tokens of these curves, see {@link Envelope}.
 *
 * <p>Needs runs of several records each: a run id, N, D (or C) and the loss along training. The learning rate must be constant
 * along what is read: intermediate points of a cosine schedule are not what a run of that length would reach. Bootstrap by
 * whole runs. Records of weight zero are left out; a run weighs the mean of its records.
 */
public final class EnvelopeLaw implements StagedLaw {
    private static final int FEWEST_RECORDS = 2;
    private static final int BOOTSTRAP_GRID = 300;

    /** Profiles are of the line through the middles of the treads: points of one tread are not independent. */
    private static final List<Parameter> MIDDLES = OptimaReport.PARAMETERS.stream()
            .map(parameter -> new Parameter(parameter.name() + "_middles", parameter.unit()))
            .toList();

    @Override
    public String name() {
        return "envelope";
    }

    @Override
    public String title() {
        return "Hoffmann et al. 2022, approach 1 (lower envelope of training curves)";
    }

    @Override
    public String formula() {
        return "N_opt(C) = k_N*C^a, D_opt(C) = k_D*C^b, L_opt(C) = k_L*C^(-c)";
    }

    @Override
    public String source() {
        return "Hoffmann et al. 2022, arXiv 2203.15556, section 3.1";
    }

    @Override
    public Set<Quantity> needs() {
        return new LinkedHashSet<>(List.of(Quantity.N, Quantity.D, Quantity.LOSS));
    }

    @Override
    public Optional<FitRefusal> refusal(Observations runs) {
        for (Quantity column : needs()) {
            if (!runs.has(column)) {
                return Optional.of(new FitRefusal(
                        FitRefusal.Reason.MISSING_COLUMN,
                        "envelope needs column " + column.described()
                                + ", which the runs do not have; name the column that holds it."));
            }
        }
        List<TrainingCurve> curves = curves(runs);
        long sizes = curves.stream().mapToDouble(TrainingCurve::n).distinct().count();
        if (sizes < 4) {
            return Optional.of(new FitRefusal(
                    FitRefusal.Reason.TOO_FEW_SIZES,
                    "envelope needs training curves (a run column, and at least 2 records a run) of at least 4 model"
                            + " sizes, and the runs have "
                            + sizes + "; give the loss along training, or fit isoflop or chinchilla to final losses."));
        }
        return Optional.empty();
    }

    @Override
    public FitResult fit(Observations runs, FitOptions options) {
        refusal(runs).ifPresent(refused -> {
            throw refused;
        });
        List<TrainingCurve> curves = curves(runs);
        Envelope envelope = Envelope.of(curves, Envelope.DEFAULT_GRID)
                .orElseThrow(() -> new FitRefusal(
                        FitRefusal.Reason.EDGE_MINIMUM,
                        "At every budget the smallest or the largest size has the lowest loss, so the envelope has fewer"
                                + " than two sizes inside the range; add smaller and larger models."));
        double[][] replicas = new double[options.bootstrap()][];
        Workers.run(
                options.threads(),
                replicas.length,
                () -> this,
                (self, k) -> replicas[k] = Envelope.of(
                                redrawn(curves, Bootstrap.generator(options.seed(), k)), BOOTSTRAP_GRID)
                        .map(drawn -> OptimaReport.values(drawn.staircase()))
                        .orElseGet(IsoFlopLaw::failed));
        OptimaFit tread = thinned(envelope);
        FitResult.Builder result = OptimaReport.start(name(), formula(), envelope.staircase(), replicas, options)
                .data(runs.size(), curves.size())
                .residuals(OptimaReport.residuals(
                        tread.optima(), envelope.staircase().n()))
                .rollOut(OptimaReport.rollOut(tread.optima()))
                .profiles(
                        options.extras() == FitOptions.Extras.PROFILES
                                ? OptimaReport.profiles(tread.optima(), MIDDLES, options)
                                : List.of())
                .convergence(Convergence.closedForm("lowest curve at each of " + Envelope.DEFAULT_GRID
                        + " budgets, then least squares: closed form"))
                .identifiability(new Identifiability(
                        String.format(
                                Locale.ROOT,
                                "%d sizes form the envelope between %.3g and %.3g FLOPs.",
                                envelope.winners(),
                                envelope.points().get(0).flops(),
                                envelope.points()
                                        .get(envelope.points().size() - 1)
                                        .flops()),
                        List.of()));
        envelope.middles().ifPresent(middles -> {
            result.derived("a_middles", Estimate.of(middles.n().exponent(), "1"));
            result.derived("b_middles", Estimate.of(middles.d().exponent(), "1"));
        });
        result.warn(String.format(
                Locale.ROOT,
                "The envelope is a staircase of %d sizes, which flattens a by a factor of about %.3f; a_middles is free"
                        + " of this.",
                envelope.winners(),
                1 - 1.0 / (envelope.winners() * envelope.winners())));
        result.warn(
                "Intermediate points count as finished runs here: right for a constant learning rate, too high a loss"
                        + " under a schedule that still has to fall.");
        return result.build();
    }

    private static OptimaFit thinned(Envelope envelope) {
        return envelope.middles().orElse(envelope.staircase());
    }

    private static List<TrainingCurve> curves(Observations runs) {
        double[] n = runs.column(Quantity.N);
        double[] d = runs.column(Quantity.D);
        double[] c = new double[n.length];
        for (int i = 0; i < c.length; i++) {
            c[i] = runs.has(Quantity.C) ? runs.at(Quantity.C, i) : 6 * n[i] * d[i];
        }
        double[] loss = runs.column(Quantity.LOSS);
        double[] weight = runs.weights();
        TreeMap<Integer, List<Integer>> rows = new TreeMap<>();
        for (int i = 0; i < n.length; i++) {
            if (weight[i] > 0) {
                rows.computeIfAbsent(runs.runOf(i), run -> new ArrayList<>()).add(i);
            }
        }
        List<TrainingCurve> curves = new ArrayList<>();
        for (List<Integer> run : rows.values()) {
            run.sort(Comparator.comparingDouble(i -> c[i]));
            List<Integer> rising = new ArrayList<>();
            for (int i : run) {
                if (rising.isEmpty() || c[i] > c[rising.get(rising.size() - 1)]) {
                    rising.add(i);
                }
            }
            if (rising.size() >= FEWEST_RECORDS) {
                curves.add(new TrainingCurve(
                                n[rising.get(0)],
                                pick(c, rising),
                                pick(d, rising),
                                pick(loss, rising),
                                rising.stream()
                                        .mapToDouble(i -> weight[i])
                                        .average()
                                        .orElseThrow())
                        .smoothed(TrainingCurve.window(rising.size())));
            }
        }
        return curves;
    }

    private static double[] pick(double[] values, List<Integer> rows) {
        return rows.stream().mapToDouble(i -> values[i]).toArray();
    }

    private static List<TrainingCurve> redrawn(List<TrainingCurve> curves, SplittableRandom random) {
        List<TrainingCurve> drawn = new ArrayList<>();
        for (int i = 0; i < curves.size(); i++) {
            drawn.add(curves.get(random.nextInt(curves.size())));
        }
        return drawn;
    }
}
