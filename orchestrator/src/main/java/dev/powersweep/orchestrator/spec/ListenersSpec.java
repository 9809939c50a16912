package dev.powersweep.orchestrator.spec;

import java.util.List;

/**
 * Training listeners that see the steps of all cells.
 *
 * @param classes names of their classes
 * @param files paths of jars, beside the specification or on any Hadoop file system; a directory stands for all below it
 */
public record ListenersSpec(List<String> classes, List<String> files) {
    public ListenersSpec {
        classes = List.copyOf(classes);
        files = List.copyOf(files);
    }
}
