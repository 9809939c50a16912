package dev.powersweep.fitting.law;

import dev.powersweep.fitting.optimise.Box;
import dev.powersweep.fitting.optimise.HeldModel;
import dev.powersweep.fitting.optimise.LossModel;
import dev.powersweep.fitting.optimise.NonNegative;
import dev.powersweep.fitting.optimise.RepeatedDataModel;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Training on repeated tokens, Muennighoff et al. 2023 (arXiv 2305.16264, equations 5 and 6): {@code L = E + A/N'^α + B/D'^β} with
 * {@code D' = U + U·R_D·(1 − exp(−(D/U − 1)/R_D))}, D tokens seen, U unique ones, and {@code N' = U_N + U_N·R_N·(1 − exp(−(N/U_N −
 * 1)/R_N))}, U_N the model size that is compute-optimal for U tokens, at most N.
 *
 * <p>As published, E, A, B, α and β are those of single-epoch runs on C4 (ln A 6.255414, ln B 7.3049974, ln E 0.6254804, α = β
 * 0.3526596) and only R_D and R_N are fitted: 15.387756 and 5.309743. On the authors' own 182 runs these are not the minimum.
 * For another corpus or tokenizer fit everything jointly.
 */
public final class Muennighoff extends ParametricLaw {
    /** What is fitted. */
    public enum Fitted {
        /** R_D and R_N; the rest as published for C4. */
        REPETITION,
        /** All seven parameters. */
        EVERYTHING
    }

    private static final double[] C4 = {
        Math.exp(0.6254804), Math.exp(6.255414), Math.exp(7.3049974), 0.3526596, 0.3526596
    };
    private static final List<Parameter> ALL = List.of(
            new Parameter("E", "nats/token"),
            new Parameter("A", "nats/token·parameters^alpha"),
            new Parameter("B", "nats/token·tokens^beta"),
            new Parameter("alpha", "1"),
            new Parameter("beta", "1"),
            new Parameter("R_D", "repetitions"),
            new Parameter("R_N", "repetitions"));

    private final Fitted fitted;

    /** The law. */
    public Muennighoff(Fitted fitted) {
        this.fitted = fitted;
    }

    @Override
    public String name() {
        return fitted == Fitted.REPETITION ? "muennighoff" : "muennighoff-joint";
    }

    @Override
    public String title() {
        return "Muennighoff et al. 2023, data-constrained"
                + (fitted == Fitted.REPETITION ? " (published single-epoch constants)" : " (all constants fitted)");
    }

    @Override
    public String formula() {
        return "L(N,D,U) = E + A/N'^alpha + B/D'^beta, D' = U + U*R_D*(1 - exp(-(D/U - 1)/R_D)), N' alike with U_N, R_N";
    }

    @Override
    public String source() {
        return "Muennighoff et al. 2023, arXiv 2305.16264, equations 5 and 6";
    }

    @Override
    public Set<Quantity> needs() {
        return Set.of(Quantity.N, Quantity.D, Quantity.U, Quantity.LOSS);
    }

    @Override
    public Quantity scale() {
        return Quantity.C;
    }

    @Override
    protected Map<Quantity, Integer> sizesNeeded() {
        return Map.of(Quantity.N, 3, Quantity.D, 3);
    }

    @Override
    public Optional<FitRefusal> refusal(Observations runs) {
        return super.refusal(runs).or(() -> {
            for (int i = 0; i < runs.size(); i++) {
                if (runs.at(Quantity.U, i) < runs.at(Quantity.D, i) * (1 - 1e-6)) {
                    return Optional.empty();
                }
            }
            return refuse(
                    FitRefusal.Reason.TOO_FEW_SIZES,
                    name() + " needs runs that repeat tokens, and here no run sees more tokens than its u unique ones;"
                            + " add runs of several epochs, or give the column u.");
        });
    }

    @Override
    public List<Parameter> parameters() {
        return fitted == Fitted.REPETITION ? ALL.subList(5, 7) : ALL;
    }

    /** The constants that are held, among the derived quantities; and the tokens that are worth training on. */
    @Override
    public Map<String, Estimate> derived(double[] published) {
        Map<String, Estimate> derived = new LinkedHashMap<>();
        if (fitted == Fitted.REPETITION) {
            for (int j = 0; j < C4.length; j++) {
                derived.put(ALL.get(j).name(), Estimate.of(C4[j], ALL.get(j).unit()));
            }
        }
        return derived;
    }

    private double[] all(double[] published) {
        if (fitted == Fitted.EVERYTHING) {
            return published;
        }
        double[] all = Arrays.copyOf(C4, 7);
        all[5] = published[0];
        all[6] = published[1];
        return all;
    }

    @Override
    public double predict(double[] published, Point at) {
        double[] v = all(published);
        double tokens = at.get(Quantity.D);
        double unique = Math.min(at.get(Quantity.U), tokens);
        double optimal = Math.exp((Math.log(v[3] * v[1] / (v[4] * v[2])) + v[4] * Math.log(unique)) / v[3]);
        double size = RepeatedDataModel.effective(at.get(Quantity.N), optimal, v[6]);
        double data = RepeatedDataModel.effective(tokens, unique, v[5]);
        return v[0] + v[1] / Math.pow(size, v[3]) + v[2] / Math.pow(data, v[4]);
    }

    @Override
    public BoundLaw bind(Observations runs) {
        return new Bound(runs, -1);
    }

    private final class Bound implements BoundLaw {
        private final RepeatedDataModel whole;
        private final LossModel model;
        private final Observations runs;
        private final double middleN;
        private final double middleD;

        /** With ln A told at N = 1 where that is held, ln B likewise. */
        Bound(Observations runs, int held) {
            this.runs = runs;
            double[] logN = runs.log(Quantity.N);
            double[] logD = runs.log(Quantity.D);
            middleN = held == 1 ? 0 : Arrays.stream(logN).average().orElseThrow();
            middleD = held == 2 ? 0 : Arrays.stream(logD).average().orElseThrow();
            whole = new RepeatedDataModel(logN, logD, runs.log(Quantity.U), middleN, middleD);
            model = fitted == Fitted.EVERYTHING ? whole : new HeldModel(whole, inward(Arrays.copyOf(C4, 7)), 5, 6);
        }

        @Override
        public Optional<Pinned> pin(int parameter, double value) {
            Bound held = fitted == Fitted.REPETITION ? this : new Bound(runs, parameter);
            boolean[] frozen = new boolean[model.dimension()];
            frozen[parameter] = true;
            Box free = fitted == Fitted.REPETITION ? box() : Box.free(RepeatedDataModel.DIMENSION);
            return Optional.of(new Pinned(held.model, free, frozen, held, parameter, value));
        }

        private double[] inward(double[] all) {
            return new double[] {
                Math.log(all[0]),
                Math.log(all[1]) - all[3] * middleN,
                Math.log(all[2]) - all[4] * middleD,
                all[3],
                all[4],
                Math.log(all[5]),
                Math.log(all[6])
            };
        }

        @Override
        public LossModel model() {
            return model;
        }

        @Override
        public Box box() {
            double[] low = {-30, -30, -30, 1e-3, 1e-3, Math.log(1e-3), Math.log(1e-3)};
            double[] high = {6, 6, 6, 10, 10, Math.log(1e6), Math.log(1e6)};
            return fitted == Fitted.EVERYTHING
                    ? new Box(low, high)
                    : new Box(Arrays.copyOfRange(low, 5, 7), Arrays.copyOfRange(high, 5, 7));
        }

        @Override
        public int[] shape() {
            return fitted == Fitted.EVERYTHING ? new int[] {3, 4, 5, 6} : new int[] {0, 1};
        }

        @Override
        public double[] grid(int shapeSlot) {
            if (fitted == Fitted.REPETITION) {
                return logGrid(0.05, 2e3, 41);
            }
            return shapeSlot < 2 ? new double[] {0.08, 0.16, 0.3, 0.5, 0.8} : logGrid(0.3, 300, 6);
        }

        private double[] logGrid(double from, double to, int count) {
            double[] logs = PowerSumLaw.geometric(from, to, count);
            Arrays.setAll(logs, i -> Math.log(logs[i]));
            return logs;
        }

        @Override
        public double[] start(double[] shapeValues, double[] logTarget, double[] weights) {
            if (fitted == Fitted.REPETITION) {
                return shapeValues.clone();
            }
            // Where the compute-optimal size is not known yet, twenty tokens a parameter is the usual guess.
            double[][] columns = new double[3][logTarget.length];
            for (int i = 0; i < logTarget.length; i++) {
                double tokens = runs.at(Quantity.D, i);
                double unique = Math.min(runs.at(Quantity.U, i), tokens);
                double size =
                        RepeatedDataModel.effective(runs.at(Quantity.N, i), unique / 20, Math.exp(shapeValues[3]));
                double data = RepeatedDataModel.effective(tokens, unique, Math.exp(shapeValues[2]));
                columns[0][i] = Math.exp(-logTarget[i]);
                columns[1][i] = Math.exp(-shapeValues[0] * (Math.log(size) - middleN) - logTarget[i]);
                columns[2][i] = Math.exp(-shapeValues[1] * (Math.log(data) - middleD) - logTarget[i]);
            }
            double[] solution = NonNegative.solveOnes(columns, weights);
            double[] theta = new double[RepeatedDataModel.DIMENSION];
            for (int k = 0; k < 3; k++) {
                double share = Arrays.stream(columns[k]).sum() / logTarget.length;
                theta[k] = Math.log(Math.max(solution[k], 1e-3 / share));
            }
            System.arraycopy(shapeValues, 0, theta, 3, 4);
            return theta;
        }

        @Override
        public double[] published(double[] theta) {
            if (fitted == Fitted.REPETITION) {
                return new double[] {Math.exp(theta[0]), Math.exp(theta[1])};
            }
            return new double[] {
                Math.exp(theta[0]),
                Math.exp(theta[1] + theta[3] * middleN),
                Math.exp(theta[2] + theta[4] * middleD),
                theta[3],
                theta[4],
                Math.exp(theta[5]),
                Math.exp(theta[6])
            };
        }

        @Override
        public double[] internal(double[] published) {
            double[] theta = inward(all(published));
            return fitted == Fitted.REPETITION ? Arrays.copyOfRange(theta, 5, 7) : theta;
        }
    }
}
