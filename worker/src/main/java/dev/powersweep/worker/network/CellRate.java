package dev.powersweep.worker.network;

import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.train.LearningRate;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonIgnore;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/** A cell's learning rate as Deeplearning4j writes schedules into a network's configuration. */
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
    private final LearningRate rate;

    /** @param schedule a {@link Schedule} as JSON */
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

    @Override
    public double valueAt(int iteration, int epoch) {
        return rate.valueAt(iteration, epoch);
    }

    @Override
    public ISchedule clone() {
        return new CellRate(peak, warmupSteps, schedule, steps);
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
