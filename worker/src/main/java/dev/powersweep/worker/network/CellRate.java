package dev.powersweep.worker.network;

import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonIgnore;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/** A cell's learning rate by step, as the schedule of its network's updater; iterations count from 0, steps from 1. */
public final class CellRate implements ISchedule {

    private static final long serialVersionUID = 1L;

    @JsonProperty
    private final double peak;

    @JsonProperty
    private final long warmupSteps;

    /** As JSON. */
    @JsonProperty
    private final String schedule;

    @JsonProperty
    private final long steps;

    @JsonIgnore
    private final transient Schedule afterWarmup;

    /** @param steps of the whole run */
    public CellRate(TrainingRule rule, long steps) {
        this(rule.peakLearningRate(), rule.warmupSteps(), CellJson.line(rule.schedule()), steps);
    }

    /**
     * @param peak rate after warm-up
     * @param warmupSteps steps of linear warm-up from 0
     * @param schedule what follows, a {@link Schedule} as JSON
     * @param steps of the whole run
     */
    public CellRate(
            @JsonProperty("peak") double peak,
            @JsonProperty("warmupSteps") long warmupSteps,
            @JsonProperty("schedule") String schedule,
            @JsonProperty("steps") long steps) {
        this.peak = peak;
        this.warmupSteps = warmupSteps;
        this.schedule = schedule;
        this.steps = steps;
        afterWarmup = CellJson.read(schedule, Schedule.class);
    }

    /**
     * During warm-up step t has t/warmupSteps of the schedule's rate.
     *
     * @param step 1 for the first step, {@code steps} for the last
     */
    public double at(long step) {
        double warmup = step < warmupSteps ? (double) step / warmupSteps : 1;
        return peak * warmup * factor(step);
    }

    @Override
    public double valueAt(int iteration, int epoch) {
        return at(iteration + 1L);
    }

    private double factor(long step) {
        double span = Math.max(1, steps - warmupSteps);
        double progress = Math.min(1, Math.max(0, (step - warmupSteps) / span));
        if (afterWarmup instanceof Schedule.Cosine cosine) {
            double wave = (1 + StrictMath.cos(Math.PI * progress)) / 2;
            return cosine.finalFraction() + (1 - cosine.finalFraction()) * wave;
        }
        if (afterWarmup instanceof Schedule.Linear linear) {
            return 1 - (1 - linear.finalFraction()) * progress;
        }
        long length = afterWarmup.cooldownSteps(steps);
        if (length > 0) {
            long done = step - 1 - (steps - length);
            return done <= 0 ? 1 : 1 - Math.sqrt(Math.min(1, (double) done / length));
        }
        return 1;
    }

    @Override
    public ISchedule clone() {
        return new CellRate(peak, warmupSteps, schedule, steps);
    }

    /** A transient field would be empty after Java's own serialisation. */
    private Object readResolve() {
        return clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof CellRate that
                && peak == that.peak
                && warmupSteps == that.warmupSteps
                && steps == that.steps
                && schedule.equals(that.schedule);
    }

    @Override
    public int hashCode() {
        return Double.hashCode(peak) + schedule.hashCode() + Long.hashCode(steps);
    }
}
