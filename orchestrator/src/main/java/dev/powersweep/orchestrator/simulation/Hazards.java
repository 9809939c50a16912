package dev.powersweep.orchestrator.simulation;

/**
 * What goes wrong in a simulated sweep.
 *
 * @param secondsBetweenLosses mean time between losses of one slot's executor
 * @param nativeCrash probability per attempt of ending by a signal before its end
 * @param hostMemory probability that a cell does not fit with its first micro-batch
 * @param diverges probability that a cell diverges
 * @param bug probability that a cell cannot be trained at all
 * @param durationSigma spread of the log of true over predicted time
 */
public record Hazards(
        double secondsBetweenLosses,
        double nativeCrash,
        double hostMemory,
        double diverges,
        double bug,
        double durationSigma) {

    /** Every slot lost once a day, half a per cent of attempts crash, times within some 15 % of their prediction. */
    public static final Hazards USUAL = new Hazards(86_400, 0.005, 0.003, 0.01, 0.0005, 0.15);

    /** Times as predicted and nothing going wrong. */
    public static final Hazards NONE = new Hazards(Double.POSITIVE_INFINITY, 0, 0, 0, 0, 0);
}
