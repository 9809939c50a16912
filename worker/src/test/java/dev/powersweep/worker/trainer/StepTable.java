package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.Frame;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The rows of a run as its supervisor would store them, times left out: a later attempt's rows replace earlier ones. */
record StepTable(Map<Long, List<Long>> rows, Map<String, List<Long>> evaluations) {
    StepTable() {
        this(new TreeMap<>(), new TreeMap<>());
    }

    void add(List<Frame> frames) {
        for (Frame frame : frames) {
            if (frame instanceof Frame.Steps steps) {
                for (int i = 0; i < steps.rows(); i++) {
                    rows.put(
                            steps.firstStep() + i,
                            bits(
                                    steps.loss()[i],
                                    steps.learningRate()[i],
                                    steps.gradientNorm()[i],
                                    steps.gradientSquareSmall()[i],
                                    steps.gradientSquareBig()[i]));
                }
            } else if (frame instanceof Frame.Evaluation evaluation) {
                evaluations.put(
                        evaluation.step() + " " + evaluation.set(),
                        bits(evaluation.loss(), evaluation.standardError(), evaluation.tokens()));
            }
        }
    }

    private static List<Long> bits(double... values) {
        return Arrays.stream(values).mapToLong(Double::doubleToLongBits).boxed().toList();
    }
}
