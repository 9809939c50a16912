package dev.powersweep.orchestrator.grid;

import dev.powersweep.orchestrator.spec.ModelSize;
import dev.powersweep.orchestrator.spec.ModelSpec;
import dev.powersweep.worker.cell.ModelShape;
import java.util.OptionalInt;

/**
 * Shapes for model sizes.
 *
 * <p>For a target N the nearest shape, by the ratio of N, of one ladder is taken ({@link Rung}). Heads have one width, so
 * that models differ in size alone.
 */
public final class ShapeChooser {
    static final int FEWEST_LAYERS = Rung.FEWEST_LAYERS;
    private static final int MOST_LAYERS = 1000;
    private static final int NARROW_HEAD = 16;
    private static final int WIDE_HEAD = 64;
    /** From this width on heads are wide, unless the specification says how wide they are. */
    private static final int WIDE = 256;

    private final ModelSpec model;
    private final int context;
    private final int vocabulary;

    public ShapeChooser(ModelSpec model, int context, int vocabulary) {
        this.model = model;
        this.context = context;
        this.vocabulary = vocabulary;
    }

    /** Throws {@link IllegalArgumentException} in a sentence where no model can have the given shape. */
    public ModelShape shape(ModelSize size) {
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
        Rung nearest = Rung.first(step(0));
        while (nearest.layers() <= MOST_LAYERS && nearest.parameters() < target) {
            Rung next = nearest.next(step(nearest.width()));
            if (distance(next.parameters(), target) >= distance(nearest.parameters(), target)) {
                break;
            }
            nearest = next;
        }
        return shape(nearest.layers(), nearest.width(), heads(nearest.width(), model.headWidth()), 4 * nearest.width());
    }

    /** What a rung of this width adds to it, so that every width is a multiple of its head's. */
    private int step(int width) {
        return model.headWidth().orElse(width < WIDE ? NARROW_HEAD : WIDE_HEAD);
    }

    static double distance(double value, double from) {
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
