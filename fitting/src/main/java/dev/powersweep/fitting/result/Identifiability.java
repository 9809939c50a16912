package dev.powersweep.fitting.result;

import java.util.List;
import java.util.Map;

/**
 * What the data can and cannot tell.
 *
 * @param verdict one sentence for people
 * @param rivals minima far from the best with nearly the same objective
 */
public record Identifiability(String verdict, List<Rival> rivals) {
    /** Copies the list. */
    public Identifiability {
        rivals = List.copyOf(rivals);
    }

    /**
     * Another minimum.
     *
     * @param parameters where it lies
     * @param objective its objective, sum
     * @param excess by how much that lies above the best, relative
     */
    public record Rival(Map<String, Double> parameters, double objective, double excess) {}
}
