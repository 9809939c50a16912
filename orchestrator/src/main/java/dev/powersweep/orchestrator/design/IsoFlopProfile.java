package dev.powersweep.orchestrator.design;

import dev.powersweep.orchestrator.grid.Rung;
import java.util.List;

/**
 * Sizes to be trained with one budget.
 *
 * @param flops C = 6·N·D of each
 * @param rungs their shapes, smallest first; at least three
 * @param centre place of the size that is expected to be the best
 */
record IsoFlopProfile(double flops, List<Rung> rungs, int centre) {
    IsoFlopProfile {
        rungs = List.copyOf(rungs);
    }

    Rung best() {
        return rungs.get(centre);
    }

    double tokens(Rung rung) {
        return flops / (6 * rung.parameters());
    }
}
