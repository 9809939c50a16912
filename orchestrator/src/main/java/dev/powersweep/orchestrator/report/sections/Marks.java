package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.orchestrator.report.Chart;

/** A second sign beside the colour, for readers and printers that see none. */
final class Marks {
    private static final Chart.Symbol[] SYMBOLS = {
        Chart.Symbol.CIRCLE, Chart.Symbol.SQUARE, Chart.Symbol.TRIANGLE, Chart.Symbol.DIAMOND, Chart.Symbol.HOLLOW
    };

    private Marks() {}

    static Chart.Symbol symbol(int level) {
        return SYMBOLS[level % SYMBOLS.length];
    }
}
