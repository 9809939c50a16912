package dev.powersweep.orchestrator.view;

import dev.powersweep.orchestrator.report.Palette;
import dev.powersweep.worker.cell.CellState;

/**
 * How a state looks: a colour of Okabe and Ito's palette and a sign of its own, so that nothing rests on colour alone.
 *
 * @param ink of the sign on the colour
 */
record StateStyle(String name, String colour, String ink, String sign) {

    static StateStyle of(CellState state) {
        return switch (state) {
            case PLANNED -> new StateStyle("planned", "#e4e8ed", "#5a6472", "·");
            case RUNNING -> new StateStyle("running", Palette.ORANGE, "#1b1f24", "▶");
            case FINISHED -> new StateStyle("finished", Palette.BLUE, "#ffffff", "✓");
            case DIVERGED -> new StateStyle("diverged", Palette.PURPLE, "#1b1f24", "∞");
            case FAILED -> new StateStyle("failed", Palette.VERMILION, "#ffffff", "×");
            case INTERRUPTED -> new StateStyle("interrupted", Palette.SKY, "#1b1f24", "…");
        };
    }
}
