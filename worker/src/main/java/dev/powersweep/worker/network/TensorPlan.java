package dev.powersweep.worker.network;

import java.util.List;

/**
 * The tensors of one layer in the order of its flat parameters.
 *
 * @param name as in Deeplearning4j's parameter tables
 * @param rows 1 for a vector
 * @param deviation of the initial normal weights; 0 for {@code fill}
 * @param fill initial value where the deviation is 0
 * @param weight whether weight decay applies
 */
record TensorPlan(String name, long rows, long columns, double deviation, double fill, boolean weight) {

    static TensorPlan matrix(String name, long rows, long columns, double deviation) {
        return new TensorPlan(name, rows, columns, deviation, 0, true);
    }

    static TensorPlan vector(String name, long length, double fill) {
        return new TensorPlan(name, 1, length, 0, fill, false);
    }

    long length() {
        return rows * columns;
    }

    /** Where a tensor begins in its layer's parameters. */
    static long offset(List<TensorPlan> plan, String name) {
        long offset = 0;
        for (TensorPlan tensor : plan) {
            if (tensor.name().equals(name)) {
                return offset;
            }
            offset += tensor.length();
        }
        throw new IllegalArgumentException("no parameter " + name);
    }
}
