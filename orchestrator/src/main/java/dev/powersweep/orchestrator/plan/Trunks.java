package dev.powersweep.orchestrator.plan;

import dev.powersweep.worker.cell.Cell;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Who trains what of the cells that are one run up to their cooldowns (Hägele et al. 2024, section 4): of each such
 * group the cell with most data trains the trunk as a part of itself, and the others branch off from its checkpoints. Branches
 * with other batches ({@link dev.powersweep.worker.cell.Branch}) are among the others.
 */
public final class Trunks {
    private static final Comparator<Cell> LARGEST_LAST = Comparator.comparingLong(Cell::trunkSteps)
            // A run of its own has to train the steps that its branches share.
            .thenComparing(cell -> cell.data().branch().isEmpty())
            .thenComparingLong(cell -> cell.data().steps())
            .thenComparing(Cell::id);

    /** By the identity of each cell that shares a trunk: the group's cells, least data first. */
    private final Map<String, List<Cell>> groups = new HashMap<>();

    private Trunks() {}

    /** Cells that share nothing are passed over. */
    public static Trunks of(Collection<Cell> cells) {
        Map<String, List<Cell>> byTrunk = new LinkedHashMap<>();
        for (Cell cell : cells) {
            if (cell.trunkSteps() > 0) {
                byTrunk.computeIfAbsent(cell.trunk(), trunk -> new java.util.ArrayList<>())
                        .add(cell);
            }
        }
        Trunks trunks = new Trunks();
        for (List<Cell> group : byTrunk.values()) {
            List<Cell> sorted = group.stream().sorted(LARGEST_LAST).toList();
            sorted.forEach(cell -> trunks.groups.put(cell.id(), sorted));
        }
        return trunks;
    }

    /** Identity of the cell whose training serves for the first steps of {@code cell}; empty where that is itself. */
    public Optional<String> trainedBy(String cell) {
        return Optional.ofNullable(groups.get(cell))
                .map(group -> group.get(group.size() - 1).id())
                .filter(largest -> !largest.equals(cell));
    }

    /** Steps that {@code cell} need not train itself. */
    public long sharedSteps(Cell cell) {
        return trainedBy(cell.id()).isPresent() ? cell.trunkSteps() : 0;
    }

    /** The other cells of the group of {@code cell}, least data first. */
    public List<Cell> others(String cell) {
        return groups.getOrDefault(cell, List.of()).stream()
                .filter(other -> !other.id().equals(cell))
                .toList();
    }

    /**
     * Steps whose states are kept of the training of {@code cell}: where others branch off, and where its own cooldown
     * begins, from where a data size that is added later can go on. Ascending; empty where another cell trains the
     * trunk.
     */
    public List<Long> branchSteps(String cell) {
        return trainedBy(cell).isPresent()
                ? List.of()
                : groups.getOrDefault(cell, List.of()).stream()
                        .map(Cell::trunkSteps)
                        .distinct()
                        .toList();
    }

    /** Whether another cell begins from the same state of the trunk as {@code cell}. */
    public boolean sharesBeginning(Cell cell) {
        return others(cell.id()).stream().anyMatch(other -> other.trunkSteps() == cell.trunkSteps());
    }

    /** Training FLOPs of what branches with other batches train beside their trunks. */
    public double branchFlops() {
        return branchedGroups()
                .filter(cell -> cell.data().branch().isPresent())
                .mapToDouble(Trunks::ownFlops)
                .sum();
    }

    /** Training FLOPs of the runs that these branches leave. */
    public double branchedFlops() {
        return branchedGroups()
                .filter(cell -> cell.data().branch().isEmpty())
                .mapToDouble(cell -> sharedSteps(cell) > 0 ? ownFlops(cell) : flops(cell, 0))
                .sum();
    }

    private Stream<Cell> branchedGroups() {
        return groups.values().stream()
                .distinct()
                .filter(group ->
                        group.stream().anyMatch(cell -> cell.data().branch().isPresent()))
                .flatMap(List::stream);
    }

    /** Of the steps after the trunk's. */
    private static double ownFlops(Cell cell) {
        return flops(cell, cell.tokensThrough(cell.trunkSteps()));
    }

    private static double flops(Cell cell, long tokensBefore) {
        return cell.counts().trainingFlops(cell.tokens() - tokensBefore).orElse(0);
    }

    /** Training FLOPs that sharing saves. */
    public double savedFlops() {
        return groups.values().stream()
                .distinct()
                .flatMap(List::stream)
                .mapToDouble(cell -> cell.counts()
                        .trainingFlops(cell.tokensThrough(sharedSteps(cell)))
                        .orElse(0))
                .sum();
    }
}
