package dev.powersweep.worker.network;

import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.LearningRate;
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
    private final transient LearningRate rate;

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
        rate = new LearningRate(peak, warmupSteps, CellJson.read(schedule, Schedule.class), steps);
    }

    /** As {@link LearningRate#at}. */
    public double at(long step) {
        return rate.at(step);
    }

    @Override
    public double valueAt(int iteration, int epoch) {
        return at(iteration + 1L);
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
