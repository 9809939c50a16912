package dev.powersweep.orchestrator.results;

import dev.powersweep.worker.cell.CellState;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * All that a sweep has brought so far.
 *
 * @param name of the sweep
 * @param place where it lies
 * @param specification YAML, as last submitted; empty where there is none
 * @param cells in the order of N, D, B and seed
 * @param training loss of each step
 * @param validation loss of each evaluation on the first held-out set
 * @param clippedShares of a cell's steps, by its identity, those whose gradient was longer than
 *     {@code training.gradientClip}; without cells that do not clip or tell no norms
 * @param branches that left runs with other batches; none of them is among the cells
 * @param provenance names and values: versions, commit, corpus, hosts
 */
public record SweepResults(
        String name,
        String place,
        Optional<String> specification,
        List<CellResult> cells,
        List<LossCurve> training,
        List<LossCurve> validation,
        List<GradientNorms> noise,
        Map<String, Double> clippedShares,
        List<BranchResult> branches,
        Map<String, String> provenance) {
    /** Without branches. */
    public SweepResults(
            String name,
            String place,
            Optional<String> specification,
            List<CellResult> cells,
            List<LossCurve> training,
            List<LossCurve> validation,
            List<GradientNorms> noise,
            Map<String, Double> clippedShares,
            Map<String, String> provenance) {
        this(name, place, specification, cells, training, validation, noise, clippedShares, List.of(), provenance);
    }

    /** Of cells whose gradients nobody has seen. */
    public SweepResults(
            String name,
            String place,
            Optional<String> specification,
            List<CellResult> cells,
            List<LossCurve> training,
            List<LossCurve> validation,
            List<GradientNorms> noise,
            Map<String, String> provenance) {
        this(name, place, specification, cells, training, validation, noise, Map.of(), provenance);
    }

    public SweepResults {
        cells = List.copyOf(cells);
        training = List.copyOf(training);
        validation = List.copyOf(validation);
        noise = List.copyOf(noise);
        clippedShares = Map.copyOf(clippedShares);
        branches = List.copyOf(branches);
    }

    /** The same with the parameters of every cell counted otherwise. */
    public SweepResults counted(Convention convention) {
        return new SweepResults(
                name,
                place,
                specification,
                cells.stream().map(cell -> cell.counted(convention)).toList(),
                training,
                validation,
                noise,
                clippedShares,
                branches.stream().map(branch -> branch.counted(convention)).toList(),
                provenance);
    }

    public List<CellResult> usable() {
        return cells.stream().filter(CellResult::usable).toList();
    }

    public long count(CellState state) {
        return cells.stream().filter(cell -> cell.state() == state).count();
    }
}
