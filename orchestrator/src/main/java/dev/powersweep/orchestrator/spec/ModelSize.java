package dev.powersweep.orchestrator.spec;

import java.util.OptionalInt;

/** One entry of the model-size axis. */
public sealed interface ModelSize {

    /**
     * Named by its shape.
     *
     * @param heads chosen by width where absent
     * @param feedForward 4·width where absent
     */
    record Shape(int layers, int width, OptionalInt heads, OptionalInt feedForward) implements ModelSize {}

    /**
     * Named by the non-embedding parameters it should have; the nearest sensible shape is taken.
     *
     * @param nonEmbeddingParameters N = 12·layers·width²
     */
    record Target(long nonEmbeddingParameters) implements ModelSize {}
}
