package dev.powersweep.worker.train;

import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import org.nd4j.linalg.schedule.ISchedule;

/** A cell's learning rate by step, also as ND4J's {@link ISchedule} (whose iterations begin at 0). */
public final class LearningRate implements ISchedule {

    private static final long serialVersionUID = 1L;

    private final double peak;
    private final long warmupSteps;
    private final transient Schedule schedule;
    private final long steps;

    public LearningRate(TrainingRule rule, long steps) {
        this(rule.peakLearningRate(), rule.warmupSteps(), rule.schedule(), steps);
    }

    /**
     * @param peak rate after warm-up
     * @param warmupSteps steps of linear warm-up from 0
     * @param schedule what follows
     * @param steps of the whole run
     */
    public LearningRate(double peak, long warmupSteps, Schedule schedule, long steps) {
        this.peak = peak;
        this.warmupSteps = warmupSteps;
        this.schedule = schedule;
        this.steps = steps;
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

    @Override
    public LearningRate clone() {
        return new LearningRate(peak, warmupSteps, schedule, steps);
    }

    private double factor(long step) {
        double span = Math.max(1, steps - warmupSteps);
        double progress = Math.min(1, Math.max(0, (step - warmupSteps) / span));
        if (schedule instanceof Schedule.Cosine cosine) {
            double wave = (1 + StrictMath.cos(Math.PI * progress)) / 2;
            return cosine.finalFraction() + (1 - cosine.finalFraction()) * wave;
        }
        if (schedule instanceof Schedule.Linear linear) {
            return 1 - (1 - linear.finalFraction()) * progress;
        }
        long length = schedule.cooldownSteps(steps);
        if (length > 0) {
            long done = step - 1 - (steps - length);
            return done <= 0 ? 1 : 1 - Math.sqrt(Math.min(1, (double) done / length));
        }
        return 1;
    }
}
