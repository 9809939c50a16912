package dev.powersweep.orchestrator.view;

import dev.powersweep.worker.cell.CellState;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** How many cells are in a state, with how the state looks. */
record StateShare(String name, String key, String colour, String ink, String sign, String count) {
    private static final List<CellState> ORDER = List.of(
            CellState.FINISHED,
            CellState.RUNNING,
            CellState.PLANNED,
            CellState.INTERRUPTED,
            CellState.DIVERGED,
            CellState.FAILED);
    /** Ended ones to the left. */
    private static final List<CellState> BAR = List.of(
            CellState.FINISHED,
            CellState.DIVERGED,
            CellState.FAILED,
            CellState.RUNNING,
            CellState.INTERRUPTED,
            CellState.PLANNED);

    static List<StateShare> of(Map<CellState, Integer> states) {
        return ORDER.stream()
                .map(state -> {
                    StateStyle style = StateStyle.of(state);
                    return new StateShare(
                            style.name(),
                            state.name(),
                            style.colour(),
                            style.ink(),
                            style.sign(),
                            String.format(Locale.ROOT, "%,d", states.get(state)));
                })
                .toList();
    }

    /** One bar, a part for each state. */
    static String bar(Map<CellState, Integer> states, int cells) {
        Svg svg = Svg.stretched(1000, 12, "cells by state");
        double x = 0;
        for (CellState state : BAR) {
            double width = 1000.0 * states.get(state) / Math.max(1, cells);
            if (width > 0) {
                StateStyle style = StateStyle.of(state);
                svg.group(style.name() + " " + states.get(state));
                svg.rect(x, 0, width - 1, 12, "fill=\"" + style.colour() + "\"");
                svg.endGroup();
                x += width;
            }
        }
        return svg.end();
    }
}
