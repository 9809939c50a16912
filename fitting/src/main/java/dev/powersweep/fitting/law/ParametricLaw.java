package dev.powersweep.fitting.law;

import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.FitRefusal.Reason;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import java.io.Serializable;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A law that says in closed form what one column is, given others. Subclasses state the form alone; search, intervals and
 * hold-out are the same for all of them. Immutable.
 */
public abstract non-sealed class ParametricLaw implements Law, Serializable {
    /** Published parameters in order. */
    public abstract List<Parameter> parameters();

    /** The law bound to the columns of these runs. */
    public abstract BoundLaw bind(Observations runs);

    /** The law's value at a point, for published parameters. */
    public abstract double predict(double[] published, Point at);

    /**
     * The law's value at every row of some runs. A law of whole curves makes it of the run, any other of the row alone.
     *
     * @return one prediction a row
     */
    public double[] predictions(double[] published, Observations runs) {
        double[] values = new double[runs.size()];
        Arrays.setAll(values, row -> predict(published, runs.point(row)));
        return values;
    }

    /** What follows from the parameters; empty by default. Keys keep their order, low and high are left open. */
    public Map<String, Estimate> derived(double[] published) {
        return new LinkedHashMap<>();
    }

    /** The column that the law predicts. */
    public Quantity response() {
        return Quantity.LOSS;
    }

    /** The column whose largest values are held out when the law is tried on a scale it has not seen. */
    public abstract Quantity scale();

    /** Columns that must take at least so many different values, with the reason in words. */
    protected abstract Map<Quantity, Integer> sizesNeeded();

    @Override
    public Optional<FitRefusal> refusal(Observations runs) {
        for (Quantity column : needs()) {
            if (!runs.has(column)) {
                return refuse(
                        Reason.MISSING_COLUMN,
                        name() + " needs column " + column.described()
                                + ", which the runs do not have; name the column that holds it.");
            }
        }
        for (Map.Entry<Quantity, Integer> need : sizesNeeded().entrySet()) {
            int found = runs.distinct(need.getKey());
            if (found < need.getValue()) {
                return refuse(
                        Reason.TOO_FEW_SIZES,
                        name() + " needs at least " + need.getValue() + " different values of "
                                + need.getKey().described() + ", and the runs have " + found
                                + "; add runs that vary it.");
            }
        }
        int least = parameters().size() + 1;
        if (runs.size() < least) {
            return refuse(
                    Reason.TOO_FEW_POINTS,
                    name() + " has " + parameters().size() + " parameters and needs at least " + least
                            + " rows, and there are " + runs.size()
                            + "; add runs or choose a law with fewer parameters.");
        }
        return Optional.empty();
    }

    /** A refusal as an optional. */
    protected static Optional<FitRefusal> refuse(Reason reason, String sentence) {
        return Optional.of(new FitRefusal(reason, sentence));
    }
}
