package dev.powersweep.orchestrator.program;

import dev.powersweep.worker.cell.Frame;
import java.util.Arrays;

/** Consecutive steps on their way into one frame. */
final class StepRows {
    private static final int COLUMNS = 6;

    private final int most;
    private double[][] columns = new double[COLUMNS][64];
    private long firstStep;
    private int rows;

    /** @param most rows after which it is full; more are taken all the same */
    StepRows(int most) {
        this.most = most;
    }

    boolean isEmpty() {
        return rows == 0;
    }

    boolean isFull() {
        return rows >= most;
    }

    /** Whether these steps follow those here. */
    boolean continues(Frame.Steps more) {
        return rows == 0 || more.firstStep() == firstStep + rows;
    }

    void add(Frame.Steps more) {
        if (rows == 0) {
            firstStep = more.firstStep();
        }
        int length = rows + more.rows();
        if (length > columns[0].length) {
            for (int i = 0; i < COLUMNS; i++) {
                columns[i] = Arrays.copyOf(columns[i], Math.max(length, 2 * columns[i].length));
            }
        }
        double[][] added = columns(more);
        for (int i = 0; i < COLUMNS; i++) {
            System.arraycopy(added[i], 0, columns[i], rows, more.rows());
        }
        rows = length;
    }

    /** All of them; none are here afterwards. */
    Frame.Steps drain(String cell) {
        Frame.Steps all = of(cell, firstStep, columns, rows);
        rows = 0;
        return all;
    }

    /** The first {@code count} steps of a frame. */
    static Frame.Steps head(Frame.Steps steps, int count) {
        return of(steps.cell(), steps.firstStep(), columns(steps), count);
    }

    private static double[][] columns(Frame.Steps steps) {
        return new double[][] {
            steps.loss(),
            steps.learningRate(),
            steps.gradientNorm(),
            steps.gradientSquareSmall(),
            steps.gradientSquareBig(),
            steps.seconds()
        };
    }

    private static Frame.Steps of(String cell, long firstStep, double[][] columns, int count) {
        double[][] cut = new double[COLUMNS][];
        for (int i = 0; i < COLUMNS; i++) {
            cut[i] = Arrays.copyOf(columns[i], count);
        }
        return new Frame.Steps(cell, firstStep, cut[0], cut[1], cut[2], cut[3], cut[4], cut[5]);
    }
}
