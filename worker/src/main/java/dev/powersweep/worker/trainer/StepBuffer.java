package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.train.StepRecord;
import java.util.Arrays;

/** Step records on their way into one frame. */
final class StepBuffer {
    /** Rows of a frame at most: a line of about a megabyte. */
    private static final int CAPACITY = 8192;

    private final double[] loss = new double[CAPACITY];
    private final double[] learningRate = new double[CAPACITY];
    private final double[] gradientNorm = new double[CAPACITY];
    private final double[] gradientSquareSmall = new double[CAPACITY];
    private final double[] gradientSquareBig = new double[CAPACITY];
    private final double[] seconds = new double[CAPACITY];
    private long firstStep;
    private int rows;

    void add(StepRecord step, double stepSeconds) {
        if (rows == 0) {
            firstStep = step.step();
        }
        loss[rows] = step.loss();
        learningRate[rows] = step.learningRate();
        gradientNorm[rows] = step.gradientNorm();
        gradientSquareSmall[rows] = step.gradientSquareSmall();
        gradientSquareBig[rows] = step.gradientSquareBig();
        seconds[rows] = stepSeconds;
        rows++;
    }

    boolean isEmpty() {
        return rows == 0;
    }

    boolean isFull() {
        return rows == CAPACITY;
    }

    /** The buffered rows; the buffer is empty afterwards. */
    Frame.Steps drain(String cell) {
        Frame.Steps frame = new Frame.Steps(
                cell,
                firstStep,
                Arrays.copyOf(loss, rows),
                Arrays.copyOf(learningRate, rows),
                Arrays.copyOf(gradientNorm, rows),
                Arrays.copyOf(gradientSquareSmall, rows),
                Arrays.copyOf(gradientSquareBig, rows),
                Arrays.copyOf(seconds, rows));
        rows = 0;
        return frame;
    }
}
