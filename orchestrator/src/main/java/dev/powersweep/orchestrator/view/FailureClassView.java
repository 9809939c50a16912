package dev.powersweep.orchestrator.view;

import dev.powersweep.orchestrator.view.SweepEvent.CellChange;
import dev.powersweep.worker.cell.CellState;
import java.util.List;
import java.util.Map;

/**
 * Failed attempts of a class.
 *
 * @param more says so where there were more than are shown; else empty
 */
record FailureClassView(String name, int count, List<Failed> attempts, String more) {

    /** @param then what became of the cell */
    record Failed(
            String id,
            String name,
            int attempt,
            String message,
            String detail,
            boolean anyDetail,
            String log,
            String host,
            String at,
            String then) {}

    /** Most frequent first. */
    static List<FailureClassView> of(SweepPicture picture) {
        return picture.failures().entrySet().stream()
                .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
                .map(entry -> of(entry.getKey(), entry.getValue(), picture))
                .toList();
    }

    private static FailureClassView of(String name, int count, SweepPicture picture) {
        List<CellChange> changes = picture.failed().getOrDefault(name, List.of());
        return new FailureClassView(
                name,
                count,
                changes.stream().map(change -> failed(change, picture)).toList(),
                changes.size() < count ? "the newest " + changes.size() + " of " + count : "");
    }

    private static Failed failed(CellChange change, SweepPicture picture) {
        SweepEvent.CellPlan plan = picture.cells().get(change.cell()).plan();
        return new Failed(
                plan.id(),
                plan.name(),
                change.attempt(),
                CellLine.shortened(change.message()),
                change.detail(),
                !change.detail().isEmpty(),
                CellLine.path(picture, change.log()),
                change.host(),
                PageFrame.clock(change.atMillis()),
                change.state().equals(CellState.FAILED.name()) ? "gave up" : "tried again");
    }
}
