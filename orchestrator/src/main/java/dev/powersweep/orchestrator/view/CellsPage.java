package dev.powersweep.orchestrator.view;

import com.samskivert.mustache.Template;
import dev.powersweep.worker.cell.CellState;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The page of all cells, or of those in one state.
 *
 * @param all cells of the sweep
 * @param count cells that were asked for
 * @param page of these, from 1
 * @param state that was asked for; empty for all
 * @param before number of the page before; 0 for none
 * @param after number of the page after; 0 for none
 */
record CellsPage(
        PageFrame frame,
        List<StateShare> states,
        int all,
        List<CellLine> cells,
        int count,
        int page,
        int pages,
        String state,
        int before,
        int after) {
    private static final int ROWS = 100;
    private static final Template TEMPLATE = Templates.named("cells.html");

    static String html(PageRequest request) {
        return TEMPLATE.execute(of(request));
    }

    private static CellsPage of(PageRequest request) {
        SweepPicture picture = request.picture();
        List<CellView> chosen = chosen(request);
        int pages = Math.max(1, (chosen.size() + ROWS - 1) / ROWS);
        int page = Math.min(pages, Math.max(1, request.number("page", 1)));
        return new CellsPage(
                PageFrame.of(request),
                StateShare.of(picture.states()),
                picture.cells().size(),
                chosen.stream()
                        .skip((long) (page - 1) * ROWS)
                        .limit(ROWS)
                        .map(cell -> CellLine.of(cell, picture))
                        .toList(),
                chosen.size(),
                page,
                pages,
                state(request).map(Enum::name).orElse(""),
                page - 1,
                page < pages ? page + 1 : 0);
    }

    /** The cells of the state that was asked for, or all. */
    static List<CellView> chosen(PageRequest request) {
        Optional<CellState> state = state(request);
        return request.picture().cells().stream()
                .filter(cell -> state.isEmpty() || cell.state() == state.get())
                .toList();
    }

    private static Optional<CellState> state(PageRequest request) {
        return request.parameter().apply("state").flatMap(text -> Arrays.stream(CellState.values())
                .filter(state -> state.name().equalsIgnoreCase(text))
                .findFirst());
    }
}
