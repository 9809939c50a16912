package dev.powersweep.worker.network;

import dev.powersweep.worker.cell.BatchWarmup;
import dev.powersweep.worker.cell.Branch;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.LearningRate;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import java.util.Optional;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonIgnore;
import org.nd4j.shade.jackson.annotation.JsonInclude;
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

    /** As JSON; nothing, also in stored networks, for one batch size throughout. */
    @JsonProperty
    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    private final String batchWarmup;

    /** As JSON; nothing, also in stored networks, for a run of its own. */
    @JsonProperty
    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    private final String branch;

    @JsonIgnore
    private final transient LearningRate rate;

    public CellRate(TrainingRule rule, DataRule data) {
        this(
                rule.peakLearningRate(),
                rule.warmupSteps(),
                CellJson.line(rule.schedule()),
                data.steps(),
                data.batchWarmup().map(CellJson::line).orElse(""),
                data.branch().map(CellJson::line).orElse(""));
    }

    /**
     * @param peak rate after warm-up
     * @param warmupSteps steps of linear warm-up from 0
     * @param schedule what follows, a {@link Schedule} as JSON
     * @param steps of the whole run
     * @param batchWarmup a {@link BatchWarmup} as JSON; empty for none. Deeplearning4j gives null for what a stored
     *     network does not have
     * @param branch a {@link Branch} as JSON, likewise
     */
    public CellRate(
            @JsonProperty("peak") double peak,
            @JsonProperty("warmupSteps") long warmupSteps,
            @JsonProperty("schedule") String schedule,
            @JsonProperty("steps") long steps,
            @JsonProperty("batchWarmup") String batchWarmup,
            @JsonProperty("branch") String branch) {
        this.peak = peak;
        this.warmupSteps = warmupSteps;
        this.schedule = schedule;
        this.steps = steps;
        this.batchWarmup = batchWarmup == null ? "" : batchWarmup;
        this.branch = branch == null ? "" : branch;
        rate = new LearningRate(
                peak,
                warmupSteps,
                CellJson.read(schedule, Schedule.class),
                steps,
                read(this.batchWarmup, BatchWarmup.class),
                read(this.branch, Branch.class));
    }

    private static <T> Optional<T> read(String json, Class<T> type) {
        return json.isEmpty() ? Optional.empty() : Optional.of(CellJson.read(json, type));
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
        return new CellRate(peak, warmupSteps, schedule, steps, batchWarmup, branch);
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
                && schedule.equals(that.schedule)
                && batchWarmup.equals(that.batchWarmup)
                && branch.equals(that.branch);
    }

    @Override
    public int hashCode() {
        return Double.hashCode(peak) + schedule.hashCode() + Long.hashCode(steps);
    }
}
