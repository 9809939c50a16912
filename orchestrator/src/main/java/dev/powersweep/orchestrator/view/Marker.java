package dev.powersweep.orchestrator.view;

import java.util.List;

/** A form of dot, so that series differ without their colours, too. */
enum Marker {
    CIRCLE,
    SQUARE,
    TRIANGLE,
    DIAMOND,
    CROSS;

    private static final List<Marker> ALL = List.of(values());

    static Marker of(int series) {
        return ALL.get(series % ALL.size());
    }
}
