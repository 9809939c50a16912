package dev.powersweep.orchestrator.spec;

import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/** Everything wrong with a specification, told at once. */
final class Problems {
    private record Problem(Place place, String sentence) {}

    private final List<Problem> found = new ArrayList<>();

    /** "FILE:LINE: KEY = VALUE must be BOUND". */
    void value(Place place, String value, String bound) {
        sentence(place, place.path() + " = " + shortened(value) + " must be " + bound);
    }

    void sentence(Place place, String sentence) {
        found.add(new Problem(place, sentence));
    }

    void addAll(Problems others) {
        found.addAll(others.found);
    }

    boolean none() {
        return found.isEmpty();
    }

    /** Throws {@link UserError} with every problem, in the order of the file, when there is any. */
    void throwIfAny(String source) {
        if (found.isEmpty()) {
            return;
        }
        List<String> lines = found.stream()
                .sorted(Comparator.comparingInt(problem -> problem.place.line()))
                .map(problem -> problem.place.label() + ": " + problem.sentence)
                .distinct()
                .toList();
        throw new UserError(
                lines.size() == 1
                        ? lines.get(0)
                        : source + " has " + lines.size() + " problems:\n"
                                + lines.stream().map(line -> "  " + line).collect(Collectors.joining("\n")));
    }

    private static String shortened(String value) {
        return value.length() <= 60 ? value : value.substring(0, 57) + "...";
    }
}
