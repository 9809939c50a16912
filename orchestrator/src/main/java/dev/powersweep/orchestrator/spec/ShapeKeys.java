package dev.powersweep.orchestrator.spec;

import static dev.powersweep.orchestrator.spec.SpecKey.optional;
import static dev.powersweep.orchestrator.spec.SpecKey.required;

import dev.powersweep.orchestrator.spec.ValueKind.Numeric;
import dev.powersweep.orchestrator.spec.ValueKind.Section;

/** The keys of a shape in {@code grid.modelSizes}. */
final class ShapeKeys {
    private static final SpecKey<Integer> LAYERS = required("layers", Numeric.whole(1, 1000), "Blocks, n_layer.");
    private static final SpecKey<Integer> WIDTH =
            required("width", Numeric.whole(1, 65_536), "Residual width, d_model.");
    private static final SpecKey<Integer> HEADS =
            optional("heads", Numeric.whole(1, 1024), "by width", "Attention heads; a divisor of width.");
    private static final SpecKey<Integer> FEED_FORWARD = optional(
            "feedForward", Numeric.whole(1, 1_000_000), "4 · width", "Inner width of the feed-forward map, d_ff.");

    static final Section<ModelSize> SECTION = Section.of(ShapeKeys::shape, LAYERS, WIDTH, HEADS, FEED_FORWARD);

    private ShapeKeys() {}

    private static ModelSize shape(Settings shape) {
        int width = shape.get(WIDTH);
        shape.find(HEADS).filter(heads -> width % heads != 0).ifPresent(heads -> shape.problems()
                .value(shape.place(HEADS), Integer.toString(heads), "a divisor of width = " + width));
        return new ModelSize.Shape(shape.get(LAYERS), width, shape.findInt(HEADS), shape.findInt(FEED_FORWARD));
    }
}
