package dev.powersweep.orchestrator.results;

import dev.powersweep.worker.cell.CellState;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.function.Predicate;

/**
 * A sweep whose losses follow a known law with seeded noise: L = E + A/N^α + K/S_eff^β with S_eff = D/(B + B_crit). Two
 * cells went wrong, as happens.
 */
public final class KnownSweep {
    public static final double E = 1.2;
    public static final double ALPHA = 0.34;
    public static final double BETA = 0.36;
    public static final double A = 28;
    public static final double B = 190;
    public static final double CRITICAL_BATCH = 1800;

    private static final double[] MODELS = {25e3, 98e3, 393e3, 786e3, 3.1e6};
    private static final double[] DATA = {0.5e6, 1e6, 2e6, 4e6};
    private static final double[] BATCHES = {512, 1024, 4096};

    private KnownSweep() {}

    public static double loss(double n, double d, double b) {
        return E + A / Math.pow(n, ALPHA) + B / Math.pow(d / (1 + b / CRITICAL_BATCH), BETA);
    }

    public static SweepResults results(double noise, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<CellResult> cells = new ArrayList<>();
        List<LossCurve> training = new ArrayList<>();
        List<LossCurve> validation = new ArrayList<>();
        List<GradientNorms> gradients = new ArrayList<>();
        for (double n : MODELS) {
            for (double d : DATA) {
                for (double b : BATCHES) {
                    int index = cells.size();
                    CellState state =
                            index == 27 ? CellState.FAILED : index == 52 ? CellState.DIVERGED : CellState.FINISHED;
                    double steps = Math.round(d / b);
                    double end = loss(n, steps * b, b) * Math.exp(noise * gaussian(random));
                    double reached = state == CellState.FINISHED ? 1 : 0.4;
                    String id = String.format(java.util.Locale.ROOT, "%016x", index);
                    cells.add(cell(id, n, steps * b, b, state, end, index));
                    training.add(curve(id, n, b, (int) (steps * reached), 1, end, random, 0.06));
                    validation.add(curve(
                            id, n, b, (int) (steps * reached), (int) Math.max(1, steps / 12), end, random, 0.004));
                    gradients.add(gradients(id, b, (int) (steps * reached), random));
                }
            }
        }
        return new SweepResults(
                "known <b>law</b>",
                "file:/sweeps/known",
                Optional.of("name: known\n# </script><script>alert(1)</script>\n"),
                cells,
                training,
                validation,
                gradients,
                Map.of("corpus", "wordnet, 8.9 MB", "git commit", "0123456789ab"));
    }

    /** A finished cell of this size, with the law's loss. */
    public static CellResult ofSize(double n, double d, double b) {
        return cell("n" + n + "-d" + d + "-b" + b, n, d, b, CellState.FINISHED, loss(n, d, b), 0);
    }

    private static CellResult cell(String id, double n, double d, double b, CellState state, double loss, int index) {
        boolean finished = state == CellState.FINISHED;
        return new CellResult(
                id,
                "n" + Math.round(n / 1e3) + "k-d" + d / 1e6 + "M-b" + Math.round(b) + (index == 27 ? "-<i>x</i>" : ""),
                state,
                switch (state) {
                    case FAILED -> Optional.of("NATIVE_CRASH: the trainer died of signal 11 at step 203");
                    case DIVERGED -> Optional.of("the loss became NaN at step 90");
                    default -> Optional.empty();
                },
                finished ? 1 : 3,
                n,
                n * 1.4,
                d,
                finished ? d : 0.4 * d,
                8e6,
                b,
                6 * n * d,
                7 * n * d,
                0,
                3e-3,
                "COSINE",
                20,
                finished ? OptionalDouble.of(loss) : OptionalDouble.empty(),
                finished ? OptionalDouble.of(0.004) : OptionalDouble.empty(),
                finished ? OptionalDouble.of(loss / Math.log(2)) : OptionalDouble.empty(),
                finished ? OptionalDouble.of(loss - 0.03) : OptionalDouble.empty(),
                OptionalDouble.of(d / 50_000),
                OptionalDouble.of(50_000),
                false,
                Map.of());
    }

    private static LossCurve curve(
            String id, double n, double b, int steps, int stride, double end, SplittableRandom random, double noise) {
        int count = steps / stride;
        double[] step = new double[count];
        double[] tokens = new double[count];
        double[] loss = new double[count];
        double shift = end / loss(n, (double) steps * b, b);
        for (int i = 0; i < count; i++) {
            step[i] = (i + 1.0) * stride;
            tokens[i] = step[i] * b;
            double smooth = Math.pow(Math.pow(5.55, -8) + Math.pow(shift * loss(n, tokens[i], b) * 1.04, -8), -1 / 8.0);
            double cooled = 1 - 0.04 * Math.pow(step[i] / steps, 3);
            double mixed = smooth * cooled;
            loss[i] = mixed * Math.exp(noise * gaussian(random));
        }
        return new LossCurve(id, step, tokens, loss);
    }

    private static GradientNorms gradients(String id, double b, int steps, SplittableRandom random) {
        double[] step = new double[steps];
        double[] small = new double[steps];
        double[] big = new double[steps];
        double smallTokens = b / 4;
        for (int i = 0; i < steps; i++) {
            step[i] = i + 1;
            double square = 0.04 / Math.sqrt(1 + i);
            double trace = square * 300 * (1 + 0.4 * Math.log(1 + i));
            small[i] = (square + trace / smallTokens) * Math.exp(0.1 * gaussian(random));
            big[i] = (square + trace / b) * Math.exp(0.1 * gaussian(random));
        }
        return new GradientNorms(id, step, small, big, smallTokens, b);
    }

    private static double gaussian(SplittableRandom random) {
        return Math.sqrt(-2 * Math.log(1 - random.nextDouble())) * Math.cos(2 * Math.PI * random.nextDouble());
    }

    /** The same cells, those of a kind as if a tenth of their tokens had been trained on in batches of half the size. */
    public static SweepResults warmedUp(SweepResults sweep, Predicate<CellResult> which) {
        return new SweepResults(
                sweep.name(),
                sweep.place(),
                sweep.specification(),
                sweep.cells().stream()
                        .map(cell -> which.test(cell) ? warmedUp(cell) : cell)
                        .toList(),
                sweep.training(),
                sweep.validation(),
                sweep.noise(),
                sweep.provenance());
    }

    /**
     * The same with branches of its cell of N = 25e3, D = 4e6 and B = 512, two seeds of it: at each place six batches, whose excess
     * over the smallest reaches .01 nats about a critical size.
     *
     * @param critical by tokens of the trunk
     */
    public static SweepResults branched(SweepResults sweep, Map<Double, Double> critical) {
        List<BranchResult> branches = new ArrayList<>();
        CellResult parent = sweep.cells().stream()
                .filter(cell -> cell.parameters() == 25e3 && cell.tokens() > 3.9e6 && cell.batchTokens() == 512)
                .findFirst()
                .orElseThrow();
        critical.forEach((at, size) -> {
            for (int seed = 0; seed < 2; seed++) {
                for (double batch = 512; batch <= 16_384; batch *= 2) {
                    double excess = 0.01 * (Math.pow(batch / size, 1.5) - Math.pow(512 / size, 1.5));
                    double noise = 1e-5 * ((branches.size() * 7) % 5 - 2);
                    branches.add(new BranchResult(
                            cell(
                                    "branch-" + branches.size(),
                                    25e3,
                                    at + 130e3,
                                    batch,
                                    CellState.FINISHED,
                                    3 + 0.02 * seed + excess + noise,
                                    0),
                            at,
                            "trunk-" + seed,
                            "setup",
                            512,
                            Math.sqrt(batch / 512),
                            Optional.of(parent.id())));
                }
            }
        });
        return branched(sweep, branches);
    }

    private static SweepResults branched(SweepResults sweep, List<BranchResult> branches) {
        return new SweepResults(
                sweep.name(),
                sweep.place(),
                sweep.specification(),
                sweep.cells(),
                sweep.training(),
                sweep.validation(),
                sweep.noise(),
                sweep.clippedShares(),
                branches,
                sweep.provenance());
    }

    /** The same, with branches of this batch that diverged after so many tokens: of this many seeds, from the first on. */
    public static SweepResults diverged(SweepResults branched, double at, double batch, int seeds) {
        List<BranchResult> branches = new ArrayList<>();
        int diverged = 0;
        for (BranchResult branch : branched.branches()) {
            boolean diverges = branch.at() == at && branch.cell().batchTokens() == batch && diverged < seeds;
            branches.add(
                    diverges
                            ? new BranchResult(
                                    cell(
                                            branch.cell().id(),
                                            25e3,
                                            branch.cell().tokens(),
                                            batch,
                                            CellState.DIVERGED,
                                            Double.NaN,
                                            0),
                                    at,
                                    branch.trunk(),
                                    branch.setup(),
                                    branch.trunkBatchTokens(),
                                    branch.rateFactor(),
                                    branch.parent())
                            : branch);
            diverged += diverges ? 1 : 0;
        }
        return branched(branched, branches);
    }

    private static CellResult warmedUp(CellResult cell) {
        CellResult.BatchWarmup warmup =
                new CellResult.BatchWarmup(Math.round(0.2 * cell.tokens() / cell.batchTokens()), 0.1 * cell.tokens());
        return Changed.copy(cell, Map.of("batchWarmup", Optional.of(warmup)));
    }

    /** Another cell that differs from one in its learning rate. */
    public static CellResult twin(CellResult cell, double rate, double loss) {
        return Changed.copy(
                cell,
                Map.of(
                        "id",
                        cell.id() + "-" + rate,
                        "name",
                        cell.name() + "-lr" + rate,
                        "learningRate",
                        rate,
                        "validationLoss",
                        OptionalDouble.of(loss)));
    }
}
