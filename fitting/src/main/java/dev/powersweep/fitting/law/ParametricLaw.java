package dev.powersweep.fitting.law;

import dev.powersweep.fitting.Estimate;
import dev.powersweep.fitting.FitOptions;
import dev.powersweep.fitting.FitResult;
import dev.powersweep.fitting.runs.Column;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.FitRefusal.Reason;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.uncertainty.ParametricFit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A law that says in closed form what one column is, given others. Subclasses state the form; search, intervals, hold-out and
 * verdicts come from here. Immutable.
 */
public abstract class ParametricLaw implements Law {
    /** Published parameters in order. */
    public abstract List<Parameter> parameters();

    /** The law bound to the columns of these runs. */
    public abstract BoundLaw bind(Observations runs);

    /** The law's value at a point, for published parameters. */
    public abstract double predict(double[] published, Point at);

    /** What follows from the parameters; empty by default. Keys keep their order, low and high are left open. */
    public Map<String, Estimate> derived(double[] published) {
        return new LinkedHashMap<>();
    }

    /** The column that the law predicts. */
    public Column response() {
        return Column.LOSS;
    }

    /** The column whose largest values are held out when the law is tried on a scale it has not seen. */
    public abstract Column scale();

    /** Columns that must take at least so many different values, with the reason in words. */
    protected abstract Map<Column, Integer> sizesNeeded();

    @Override
    public Optional<FitRefusal> refusal(Observations runs) {
        for (Column column : needs()) {
            if (!runs.has(column)) {
                return refuse(
                        Reason.MISSING_COLUMN,
                        name() + " needs column " + column.label() + " (" + column.unit()
                                + "), which the runs do not have; name the column that holds it.");
            }
        }
        for (Map.Entry<Column, Integer> need : sizesNeeded().entrySet()) {
            int found = runs.distinct(need.getKey());
            if (found < need.getValue()) {
                return refuse(
                        Reason.TOO_FEW_SIZES,
                        name() + " needs at least " + need.getValue() + " different values of "
                                + need.getKey().label() + " (" + need.getKey().unit() + "), and the runs have " + found
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

    @Override
    public FitResult fit(Observations runs, FitOptions options) {
        refusal(runs.weighted()).ifPresent(refused -> {
            throw refused;
        });
        return new ParametricFit(this, runs, options).run();
    }
}
