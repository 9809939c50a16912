package dev.powersweep.worker.kernels;

/** Whether elements are dropped: {@link #NONE} of them, or those that a {@link DropoutMask} says. */
public sealed interface Dropout permits Dropout.None, DropoutMask {

    /** Every element stays as it is, at any site. */
    Dropout NONE = new None();

    /** @param rate share dropped, in [0, 1) */
    static Dropout of(double rate) {
        return rate == 0 ? NONE : new DropoutMask(rate);
    }

    /** Points it at a site, step and place in the batch. */
    Dropout at(long key, long firstElement);

    /** See {@link #NONE}. */
    record None() implements Dropout {

        @Override
        public Dropout at(long key, long firstElement) {
            return this;
        }
    }
}
