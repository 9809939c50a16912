package dev.powersweep.orchestrator.spec;

import java.util.Collections;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;

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

    /**
     * A model of a program that is not ours, named by what tells the program which one is meant.
     *
     * @param parameters N, non-embedding; empty where the program is to report it
     * @param arguments by name
     */
    record Point(OptionalLong parameters, Map<String, String> arguments) implements ModelSize {
        public Point {
            arguments = Collections.unmodifiableSortedMap(new TreeMap<>(arguments));
        }
    }
}
