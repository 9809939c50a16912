package dev.powersweep.orchestrator.dispatch;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Tells executors that are lost for reasons of their own from a cell that ends its executors. A loss is fruitless when
 * the cell got no further in its attempt. Fruitless losses have a common cause while others suffer them, too, and none
 * gets further.
 */
final class Losses {
    /** Fruitless losses in a row after which a cell that is alone with them is given up. */
    static final int ALONE = 5;
    /** Fruitless losses in a row after which any cell is given up, so that a sweep ends. */
    static final int MOST = 20;

    private static final class Streak {
        private int losses;
        private boolean othersGotFurther;
        private final Set<String> othersLost = new HashSet<>();
    }

    private final Map<String, Streak> streaks = new HashMap<>();

    /** What the losses of a cell say. */
    record Verdict(int losses, boolean suspicious, boolean alone) {
        static final Verdict INNOCENT = new Verdict(0, false, false);
    }

    /** Takes in that an attempt got further, or ended in its own way. */
    void gotFurther(String cell) {
        streaks.remove(cell);
        streaks.values().forEach(streak -> streak.othersGotFurther = true);
    }

    /** Takes in that an attempt was lost and the cell got no further. */
    Verdict fruitless(String cell) {
        streaks.forEach((other, streak) -> {
            if (!other.equals(cell)) {
                streak.othersLost.add(cell);
            }
        });
        Streak streak = streaks.computeIfAbsent(cell, any -> new Streak());
        streak.losses++;
        boolean commonCause = !streak.othersLost.isEmpty() && !streak.othersGotFurther;
        boolean alone = streak.losses >= ALONE && !commonCause;
        return new Verdict(streak.losses, alone || streak.losses >= MOST, alone && streak.othersGotFurther);
    }
}
