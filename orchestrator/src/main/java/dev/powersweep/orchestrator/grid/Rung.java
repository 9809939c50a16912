package dev.powersweep.orchestrator.grid;

/**
 * A rung of the ladder of shapes.
 *
 * <p>The ladder begins at two layers (one-layer models do not follow the laws, Kaplan et al. 2020, section 3.2) and one step
 * of width; each rung adds a layer or a step of width, whichever leaves width / layers nearer to 40. So neither depth nor
 * width ever falls as N grows, and the aspect settles within the range in which loss hardly depends on it (ibid., figure 5).
 */
public record Rung(int layers, int width) {
    static final int FEWEST_LAYERS = 2;
    private static final double ASPECT = 40;

    /** @param step width of a head */
    public static Rung first(int step) {
        return new Rung(FEWEST_LAYERS, step);
    }

    /** @param step what a wider rung adds to the width */
    public Rung next(int step) {
        double wider = ShapeChooser.distance((double) (width + step) / layers, ASPECT);
        double deeper = ShapeChooser.distance((double) width / (layers + 1), ASPECT);
        return wider <= deeper ? new Rung(layers, width + step) : new Rung(layers + 1, width);
    }

    /** N = 12·layers·width². */
    public double parameters() {
        return 12.0 * layers * width * width;
    }
}
