package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.storage.UserError;
import java.nio.file.FileSystems;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** The one cell that a user means by its name, its id, or a pattern that only one name matches. */
final class OneCell {
    private static final int NAMED = 3;

    private OneCell() {}

    /** @throws UserError when none is meant, or several are */
    static CellRecord of(SweepState state, String text) {
        List<CellRecord> all = state.cells().stream().toList();
        List<CellRecord> exact = matching(
                all, cell -> cell.name().equals(text) || cell.cell().id().equals(text));
        List<CellRecord> found = exact.isEmpty() ? matching(all, pattern(text)) : exact;
        if (found.size() == 1) {
            return found.get(0);
        }
        if (found.isEmpty()) {
            throw new UserError(text + " is none of the sweep's " + all.size() + " cells, which are named like "
                    + names(all) + "; powersweep query DIR \"select name from cells\" lists them");
        }
        throw new UserError(
                text + " matches " + found.size() + " cells, such as " + names(found) + "; give the name of one");
    }

    private static Predicate<CellRecord> pattern(String text) {
        try {
            PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + text);
            return cell -> matches(matcher, cell.name());
        } catch (IllegalArgumentException noPattern) {
            return cell -> false;
        }
    }

    /** A directory may name a cell as no file can be named. */
    private static boolean matches(PathMatcher matcher, String name) {
        try {
            return matcher.matches(Path.of(name));
        } catch (InvalidPathException e) {
            return false;
        }
    }

    private static List<CellRecord> matching(List<CellRecord> cells, Predicate<CellRecord> wanted) {
        return cells.stream().filter(wanted).toList();
    }

    private static String names(List<CellRecord> cells) {
        return cells.stream().limit(NAMED).map(CellRecord::name).collect(Collectors.joining(", "));
    }
}
