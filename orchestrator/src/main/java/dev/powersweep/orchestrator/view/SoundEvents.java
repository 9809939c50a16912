package dev.powersweep.orchestrator.view;

import dev.powersweep.orchestrator.view.SweepEvent.CellChange;
import dev.powersweep.worker.cell.CellState;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.Collection;
import java.util.Map;

/**
 * What an event of a log may hold before it reaches a board. A History Server reads logs that any user of the cluster has
 * written, and one event that no driver wrote would otherwise make every page of its application fail.
 */
final class SoundEvents {
    /** The year 10000, which dates of four digits end before. */
    private static final long LATEST_MILLIS = 253_402_300_800_000L;

    private SoundEvents() {}

    /** Whether nothing of the event is absent, states and places are those of cells, and times can be told. */
    static boolean sound(SweepEvent event) {
        return whole(event);
    }

    private static boolean whole(Object value) {
        if (value instanceof Collection<?> all) {
            return all.stream().allMatch(SoundEvents::whole);
        }
        if (value instanceof Map<?, ?> map) {
            return whole(map.keySet()) && whole(map.values());
        }
        if (!(value instanceof Record record)) {
            return value != null;
        }
        return Arrays.stream(record.getClass().getRecordComponents()).allMatch(part -> whole(part, value(part, record)))
                && (!(record instanceof CellChange change) || possible(change));
    }

    private static boolean whole(RecordComponent part, Object value) {
        return switch (part.getName()) {
            case "atMillis" -> (long) value >= 0 && (long) value < LATEST_MILLIS;
            // Places and counts; a Fitted event's is a number of cells, a Planned event's a list of them.
            case "cell", "cells", "slots" -> value instanceof Integer number ? number >= 0 : whole(value);
            default -> whole(value);
        };
    }

    private static boolean possible(CellChange change) {
        return Arrays.stream(CellState.values()).anyMatch(state -> state.name().equals(change.state()))
                && change.curveTokens().length == change.curveLoss().length;
    }

    private static Object value(RecordComponent part, Record record) {
        try {
            return part.getAccessor().invoke(record);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(part + " of an event cannot be read", e);
        }
    }
}
