package dev.powersweep.orchestrator.grid;

import dev.powersweep.orchestrator.spec.ModelSize;
import dev.powersweep.orchestrator.spec.ModelSpec;
import dev.powersweep.worker.cell.ModelShape;
import java.util.OptionalInt;

/**
 * Shapes for model sizes.
 *
 * <p>For a target N the nearest shape, by the ratio of N, of one ladder is taken. The ladder begins at two layers
 * (one-layer models do not follow the laws, Kaplan et al. 2020, section 3.2) and one step of width; each rung adds a layer
 * or a step of width, whichever leaves width / layers nearer to 40. So neither depth nor width ever falls as N grows, and
 * the aspect settles within the range in which loss hardly depends on it (ibid., figure 5). Heads have one width, so that
 * models differ in size alone.
 */
final class ShapeChooser {
    static final int FEWEST_LAYERS = 2;
    private static final int MOST_LAYERS = 1000;
    private static final double ASPECT = 40;
    private static final int NARROW_HEAD = 16;
    private static final int WIDE_HEAD = 64;
    /** From this width on heads are wide, unless the specification says how wide they are. */
    private static final int WIDE = 256;

    private final ModelSpec model;
    private final int context;
    private final int vocabulary;

    ShapeChooser(ModelSpec model, int context, int vocabulary) {
        this.model = model;
        this.context = context;
        this.vocabulary = vocabulary;
    }

    /** Throws {@link IllegalArgumentException} in a sentence where no model can have the given shape. */
    ModelShape shape(ModelSize size) {
        if (size instanceof ModelSize.Shape shape) {
            return shape(
                    shape.layers(),
                    shape.width(),
                    shape.heads().orElseGet(() -> heads(shape.width(), model.headWidth())),
                    shape.feedForward().orElse(4 * shape.width()));
        }
        return nearest(((ModelSize.Target) size).nonEmbeddingParameters());
    }

    private ModelShape nearest(long target) {
        int layers = FEWEST_LAYERS;
        int width = step(0);
        int nearestLayers = layers;
        int nearestWidth = width;
        while (layers <= MOST_LAYERS && parameters(nearestLayers, nearestWidth) < target) {
            int wider = width + step(width);
            if (distance((double) wider / layers, ASPECT) <= distance((double) width / (layers + 1), ASPECT)) {
                width = wider;
            } else {
                layers++;
            }
            if (distance(parameters(layers, width), target)
                    >= distance(parameters(nearestLayers, nearestWidth), target)) {
                break;
            }
            nearestLayers = layers;
            nearestWidth = width;
        }
        return shape(nearestLayers, nearestWidth, heads(nearestWidth, model.headWidth()), 4 * nearestWidth);
    }

    /** What a rung of this width adds to it, so that every width is a multiple of its head's. */
    private int step(int width) {
        return model.headWidth().orElse(width < WIDE ? NARROW_HEAD : WIDE_HEAD);
    }

    private static double parameters(int layers, int width) {
        return 12.0 * layers * width * width;
    }

    private static double distance(double value, double from) {
        return Math.abs(StrictMath.log(value / from));
    }

    /**
     * Heads of the given width; without one of 16 dimensions below width 256 and of 64 from there on, or of the nearest
     * even dimension that divides the width, or of the nearest one.
     */
    static int heads(int width, OptionalInt headWidth) {
        if (headWidth.isPresent()) {
            if (width % headWidth.getAsInt() != 0) {
                throw new IllegalArgumentException("a width of " + width + " is no multiple of model.headWidth = "
                        + headWidth.getAsInt() + "; change one of them");
            }
            return width / headWidth.getAsInt();
        }
        int wanted = width < WIDE ? NARROW_HEAD : WIDE_HEAD;
        int best = width;
        double least = Double.POSITIVE_INFINITY;
        for (int dimension = 1; dimension <= width; dimension++) {
            double odd = dimension % 2 == 0 ? 0 : width;
            if (width % dimension == 0 && distance(dimension, wanted) + odd < least) {
                least = distance(dimension, wanted) + odd;
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
