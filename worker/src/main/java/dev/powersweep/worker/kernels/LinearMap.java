package dev.powersweep.worker.kernels;

/**
 * {@code y = x·W} and its backward pass, on weights that change between steps. A set may keep the weights, and what the
 * forward pass read, in a form of its own, so that a backward pass belongs to the latest forward pass.
 */
public interface LinearMap {

    /** How W[inputs, outputs] lies in memory. */
    enum Layout {
        /** Row-major [inputs, outputs]. */
        BY_INPUT,
        /** Row-major [outputs, inputs]. */
        BY_OUTPUT
    }

    /** @param mostRows of a pass */
    record Shape(int inputs, int outputs, Layout layout, int mostRows) {}

    /** Renews what is derived from the weights; called after every change of them. */
    void refresh();

    /** {@code y[rows, outputs] = x[rows, inputs]·W}. */
    void forward(Matrix x, Matrix y);

    /**
     * {@code dx[rows, inputs] = dy[rows, outputs]·Wᵀ}, and adds {@code xᵀ·dy} to the weights' gradient.
     *
     * @param x what the latest {@link #forward} read
     */
    void backward(Matrix x, Matrix dy, Matrix dx);
}
