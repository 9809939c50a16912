package dev.powersweep.worker.cell;

import java.util.List;

/**
 * Training listeners of Deeplearning4j's kind that see the steps of a sweep's cells. They look on and change no number, so
 * that they are no part of a cell's identity.
 *
 * @param classes names of their classes, at least one; of the trainer's own class path or of {@code files}
 * @param files jars that are shipped to where cells are trained, by their content
 */
public record CellListeners(List<String> classes, List<Program.File> files) {
    /** Of a class's name, with {@code $} before that of a nested one. */
    public static final String CLASS = "([A-Za-z_$][A-Za-z0-9_$]*\\.)*[A-Za-z_$][A-Za-z0-9_$]*";

    private static final int LONGEST_NAME = 250;

    public CellListeners {
        if (classes.isEmpty()) {
            throw new IllegalArgumentException("listeners.classes is empty; name a class");
        }
        for (String name : classes) {
            if (name.length() > LONGEST_NAME || !name.matches(CLASS)) {
                throw new IllegalArgumentException("listeners.classes holds what is not the name of a class");
            }
        }
        classes = List.copyOf(classes);
        files = List.copyOf(files);
    }
}
