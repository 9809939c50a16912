package dev.powersweep.fitting.isoflop;

/** What one budget says about the compute-optimal size. */
public sealed interface IsoFlopMinimum {

    /** The budget C. */
    double flops();

    /**
     * A minimum inside the range of sizes.
     *
     * @param flops the budget C
     * @param n the size N* of lowest loss
     * @param d tokens D* at that size
     * @param loss the loss there
     * @param weight of the budget in the laws through the minima: the mean weight of its runs
     */
    record Found(double flops, double n, double d, double loss, double weight) implements IsoFlopMinimum {
        /** A minimum of weight one. */
        public Found(double flops, double n, double d, double loss) {
            this(flops, n, d, loss, 1);
        }
    }

    /**
     * No usable minimum.
     *
     * @param flops the budget C
     * @param reason which kind of failure
     * @param detail one sentence with the values and the remedy
     */
    record Rejected(double flops, Reason reason, String detail) implements IsoFlopMinimum {}

    /** Why a budget gives no minimum. */
    enum Reason {
        /** Fewer than three sizes. */
        TOO_FEW_SIZES("they have fewer than three sizes"),
        /** The loss is still falling at the smallest size. */
        LOWER_EDGE("their smallest size does best"),
        /** The loss is still falling at the largest size. */
        UPPER_EDGE("their largest size does best"),
        /** The parabola opens downwards. */
        NOT_CONVEX("their loss does not curve upwards in ln N");

        private final String words;

        Reason(String words) {
            this.words = words;
        }

        /** The reason as the end of a sentence about several budgets. */
        String words() {
            return words;
        }
    }
}
