package dev.powersweep.orchestrator.grid;

import dev.powersweep.orchestrator.spec.ModelSize;
import dev.powersweep.orchestrator.spec.ModelSpec;
import dev.powersweep.worker.cell.ModelShape;

/**
 * Shapes for model sizes.
 *
 * <p>For a target N the shape with the least 16·ln²(N/target) + ln²(aspect/nearest of 32 … 64) is taken, over at least
 * two layers (one-layer models do not follow the laws, Kaplan et al. 2020, section 3.2) and widths that are multiples of
 * 16 (the kernels' vector width). Loss hardly depends on the aspect ratio within that range (ibid., figure 5).
 */
final class ShapeChooser {
    static final int FEWEST_LAYERS = 2;
    static final int WIDTH_STEP = 16;
    private static final int MOST_LAYERS = 512;
    private static final double LOWEST_ASPECT = 32;
    private static final double HIGHEST_ASPECT = 64;
    private static final double SIZE_WEIGHT = 16;
    private static final double ODD_DIMENSION = 100;

    private final ModelSpec model;
    private final int context;
    private final int vocabulary;

    ShapeChooser(ModelSpec model, int context, int vocabulary) {
        this.model = model;
        this.context = context;
        this.vocabulary = vocabulary;
    }

    ModelShape shape(ModelSize size) {
        if (size instanceof ModelSize.Shape shape) {
            return shape(
                    shape.layers(),
                    shape.width(),
                    shape.heads().orElseGet(() -> heads(shape.width())),
                    shape.feedForward().orElse(4 * shape.width()));
        }
        return nearest(((ModelSize.Target) size).nonEmbeddingParameters());
    }

    private ModelShape nearest(long target) {
        int bestLayers = FEWEST_LAYERS;
        int bestWidth = WIDTH_STEP;
        double least = Double.POSITIVE_INFINITY;
        for (int layers = FEWEST_LAYERS; layers <= MOST_LAYERS; layers++) {
            int below = (int) (StrictMath.sqrt(target / (12.0 * layers)) / WIDTH_STEP) * WIDTH_STEP;
            for (int width : new int[] {below, below + WIDTH_STEP}) {
                if (width < WIDTH_STEP) {
                    continue;
                }
                double cost = cost(layers, width, target);
                if (cost < least) {
                    least = cost;
                    bestLayers = layers;
                    bestWidth = width;
                }
            }
        }
        return shape(bestLayers, bestWidth, heads(bestWidth), 4 * bestWidth);
    }

    private static double cost(int layers, int width, long target) {
        double size = StrictMath.log(12.0 * layers * width * width / target);
        double aspect = (double) width / layers;
        double nearest = Math.min(HIGHEST_ASPECT, Math.max(LOWEST_ASPECT, aspect));
        double shape = StrictMath.log(aspect / nearest);
        return SIZE_WEIGHT * size * size + shape * shape;
    }

    /**
     * Heads of 16, 32 or 64 dimensions as the width grows, or of the nearest dimension that divides it; multiples of 16
     * come before even ones and those before odd ones.
     */
    static int heads(int width) {
        int wanted = width < 64 ? 16 : width < 256 ? 32 : 64;
        int best = width;
        double least = Double.POSITIVE_INFINITY;
        for (int dimension = 1; dimension <= width; dimension++) {
            if (width % dimension != 0) {
                continue;
            }
            double penalty = dimension % WIDTH_STEP == 0 ? 0 : dimension % 2 == 0 ? ODD_DIMENSION : 2 * ODD_DIMENSION;
            double distance = Math.abs(StrictMath.log((double) dimension / wanted)) + penalty;
            if (distance < least) {
                least = distance;
                best = dimension;
            }
        }
        return width / best;
    }

    private ModelShape shape(int layers, int width, int heads, int feedForward) {
        return new ModelShape(
                layers,
                width,
                heads,
                feedForward,
                context,
                vocabulary,
                model.activation(),
                model.positions(),
                model.normalization(),
                model.embeddings());
    }
}
