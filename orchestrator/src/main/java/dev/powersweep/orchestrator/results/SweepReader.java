package dev.powersweep.orchestrator.results;

import dev.powersweep.orchestrator.corpus.ReadFiles;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.tables.CellRow;
import dev.powersweep.orchestrator.tables.CellsTable;
import dev.powersweep.orchestrator.tables.EvalRow;
import dev.powersweep.orchestrator.tables.ResultTables;
import dev.powersweep.orchestrator.tables.StepRow;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.Program;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;

/** Reads a sweep's tables into {@link SweepResults}; no Spark. */
public final class SweepReader {
    private SweepReader() {}

    /**
     * Reads everything.
     *
     * @throws UserError where the directory holds no sweep, or a file of it cannot be read
     */
    public static SweepResults read(SweepDirectory directory, Configuration configuration) {
        ResultTables tables = new ResultTables(directory, configuration);
        List<CellRow> all = cells(directory, configuration, tables);
        List<CellRow> rows =
                all.stream().filter(row -> row.scale().branchTokens().isEmpty()).toList();
        if (rows.isEmpty()) {
            throw new UserError(directory.root() + ": there is no sweep with results here; give the directory that"
                    + " powersweep run wrote to; runs of your own are fitted by powersweep fit --runs FILE");
        }
        Map<String, List<StepRow>> steps = tables.steps().stream()
                .collect(Collectors.groupingBy(StepRow::cell, LinkedHashMap::new, Collectors.toList()));
        Map<String, List<EvalRow>> evals = tables.evals().stream()
                .collect(Collectors.groupingBy(EvalRow::cell, LinkedHashMap::new, Collectors.toList()));
        List<LossCurve> training = new ArrayList<>();
        List<LossCurve> validation = new ArrayList<>();
        List<GradientNorms> norms = new ArrayList<>();
        Map<String, Double> clipped = new LinkedHashMap<>();
        Map<String, Map<String, String>> settings = VariedSettings.of(rows.stream()
                .map(row -> CellJson.read(row.rule().cellJson(), Cell.class))
                .toList());
        for (CellRow row : rows) {
            List<StepRow> of = steps.getOrDefault(row.standing().cell(), List.of());
            if (!of.isEmpty()) {
                training.add(training(row.standing().cell(), of));
                norms(row, of).ifPresent(norms::add);
                clipped(row, of).ifPresent(share -> clipped.put(row.standing().cell(), share));
            }
            validation(row, evals.getOrDefault(row.standing().cell(), List.of()))
                    .ifPresent(validation::add);
        }
        Map<String, String> parents = parents(rows);
        return new SweepResults(
                rows.get(0).standing().sweep(),
                directory.root().toString(),
                specification(directory, configuration),
                rows.stream()
                        .map(row ->
                                CellResult.of(row, settings.get(row.standing().cell())))
                        .sorted(Comparator.comparingDouble(CellResult::parameters)
                                .thenComparingDouble(CellResult::tokens)
                                .thenComparingDouble(CellResult::batchTokens)
                                .thenComparingDouble(CellResult::learningRate)
                                .thenComparing(cell -> cell.settings().toString())
                                .thenComparingLong(CellResult::seed)
                                .thenComparing(CellResult::name))
                        .toList(),
                training,
                validation,
                norms,
                clipped,
                all.stream()
                        .filter(row -> row.scale().branchTokens().isPresent())
                        .map(row -> BranchResult.of(row, parents))
                        .toList(),
                provenance(rows, directory, configuration));
    }

    /** By trunk, the cell that got furthest of the runs that are one up to their cooldowns. */
    private static Map<String, String> parents(List<CellRow> rows) {
        Map<String, String> parents = new LinkedHashMap<>();
        rows.stream()
                .sorted(Comparator.comparingLong(row -> row.result().stepsDone()))
                .forEach(row -> parents.put(
                        CellJson.read(row.rule().cellJson(), Cell.class).trunk(),
                        row.standing().cell()));
        return parents;
    }

    /** In the order of their names, from the ledger: the table is a snapshot, and an old one after a killed driver. */
    private static List<CellRow> cells(SweepDirectory directory, Configuration configuration, ResultTables tables) {
        // The file is read first, so that damage to it is reported even though the rows come from the ledger.
        List<CellRow> snapshot = tables.cells();
        try {
            SweepState state = LedgerReader.read(directory.storage(configuration), directory);
            return state.submitted().isEmpty() ? snapshot : CellsTable.byName(state);
        } catch (IOException e) {
            throw new UserError("cannot read the ledger of " + directory.root() + ": " + e.getMessage(), e);
        }
    }

    private static LossCurve training(String cell, List<StepRow> rows) {
        return new LossCurve(
                cell,
                rows.stream().mapToDouble(StepRow::step).toArray(),
                rows.stream().mapToDouble(StepRow::tokens).toArray(),
                rows.stream().mapToDouble(StepRow::loss).toArray(),
                rates(rows));
    }

    /** Of each step; empty where a program does not tell them all. */
    private static double[] rates(List<StepRow> rows) {
        return rows.stream().allMatch(row -> row.learningRate().isPresent())
                ? rows.stream()
                        .mapToDouble(row -> row.learningRate().getAsDouble())
                        .toArray()
                : new double[0];
    }

    /** Evaluations on the cell's first set, the one whose last loss is the cell's; the one before training left out. */
    private static Optional<LossCurve> validation(CellRow row, List<EvalRow> rows) {
        Cell cell = CellJson.read(row.rule().cellJson(), Cell.class);
        String set = cell.evaluation().sets().get(0);
        List<EvalRow> of = rows.stream()
                .filter(eval -> eval.set().equals(set) && eval.tokens() > 0)
                .toList();
        if (of.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new LossCurve(
                row.standing().cell(),
                of.stream().mapToDouble(EvalRow::step).toArray(),
                of.stream().mapToDouble(EvalRow::tokens).toArray(),
                of.stream().mapToDouble(EvalRow::loss).toArray()));
    }

    private static Optional<Double> clipped(CellRow row, List<StepRow> rows) {
        double most = row.rule().gradientClip();
        double[] lengths = rows.stream()
                .flatMapToDouble(step -> step.gradientNorm().stream())
                .toArray();
        return most > 0 && lengths.length > 0
                ? Optional.of((double) Arrays.stream(lengths)
                                .filter(length -> length > most)
                                .count()
                        / lengths.length)
                : Optional.empty();
    }

    /** Of the steps with the cell's own batch. */
    static Optional<GradientNorms> norms(CellRow row, List<StepRow> rows) {
        long smaller = row.scale().batchWarmupSteps().orElse(0);
        List<StepRow> both = rows.stream()
                .filter(step -> step.step() > smaller)
                .filter(step -> step.gradientSquareSmall().isPresent()
                        && step.gradientSquareBig().isPresent())
                .toList();
        if (both.isEmpty() || row.execution().microBatchSequences().isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new GradientNorms(
                row.standing().cell(),
                both.stream().mapToDouble(StepRow::step).toArray(),
                both.stream()
                        .mapToDouble(step -> step.gradientSquareSmall().getAsDouble())
                        .toArray(),
                both.stream()
                        .mapToDouble(step -> step.gradientSquareBig().getAsDouble())
                        .toArray(),
                (double) row.execution().microBatchSequences().getAsInt()
                        * row.shape().context(),
                row.scale().batchTokens()));
    }

    private static Optional<String> specification(SweepDirectory directory, Configuration configuration) {
        try {
            Storage storage = directory.storage(configuration);
            return storage.exists(directory.specification())
                    ? Optional.of(new String(storage.read(directory.specification()), StandardCharsets.UTF_8))
                    : Optional.empty();
        } catch (IOException unreadable) {
            throw new UserError(
                    directory.specification() + ": cannot be read (" + unreadable.getMessage() + ")", unreadable);
        }
    }

    /** What the cells say of their making; several answers stand side by side. */
    private static Map<String, String> provenance(
            List<CellRow> rows, SweepDirectory directory, Configuration configuration) {
        Map<String, String> facts = new LinkedHashMap<>();
        fact(facts, rows, "PowerSweep", row -> row.provenance().version());
        fact(facts, rows, "commit", row -> row.provenance().gitCommit());
        fact(facts, rows, "corpus", row -> row.rule().corpusHash());
        String text = rows.stream()
                .flatMap(row -> row.rule().corpusHash().stream())
                .distinct()
                .limit(4)
                .flatMap(hash -> ReadFiles.find(directory, hash, configuration).stream())
                .map(ReadFiles::summary)
                .collect(Collectors.joining("; "));
        if (!text.isEmpty()) {
            facts.put("text", text);
        }
        fact(facts, rows, "host", row -> row.execution().host());
        fact(facts, rows, "CPU", row -> row.provenance().cpu());
        fact(facts, rows, "device", row -> row.provenance().device());
        fact(facts, rows, "kernels", row -> row.provenance().kernels());
        fact(facts, rows, "BLAS", row -> row.provenance().blas());
        fact(facts, rows, "array backend", row -> row.provenance().backend());
        fact(facts, rows, "Java of the trainer", row -> row.provenance().java());
        fact(
                facts,
                rows,
                "model",
                row -> Optional.of(Stream.of(
                                Optional.of("context " + row.shape().context()),
                                row.shape().vocabulary().isPresent()
                                        ? Optional.of("vocabulary "
                                                + row.shape().vocabulary().getAsInt())
                                        : Optional.<String>empty(),
                                row.shape().positions(),
                                row.shape().normalization(),
                                row.shape().activation(),
                                row.shape().embeddings())
                        .flatMap(Optional::stream)
                        .collect(Collectors.joining(", "))));
        fact(facts, rows, "program", row -> CellJson.read(row.rule().cellJson(), Cell.class)
                .program()
                .map(Program::shown));
        fact(
                facts,
                rows,
                "optimiser",
                row -> Optional.of("AdamW β₁ " + row.rule().beta1() + ", β₂ "
                        + row.rule().beta2() + ", weight decay " + row.rule().weightDecay() + ", clip "
                        + row.rule().gradientClip() + ", dropout " + row.rule().dropout()));
        fact(
                facts,
                rows,
                "batch warm-up",
                row -> row.scale().batchWarmupSteps().isEmpty()
                        ? Optional.empty()
                        : Optional.of(row.scale().batchWarmupSteps().getAsLong() + " steps, "
                                + row.scale().batchWarmupTokens().orElseThrow() + " tokens, with smaller batches than "
                                + row.scale().batchTokens()));
        fact(facts, rows, "schedule", row -> Optional.of(row.rule().schedule()));
        return facts;
    }

    private static void fact(
            Map<String, String> facts, List<CellRow> rows, String name, Function<CellRow, Optional<String>> of) {
        List<String> answers = rows.stream()
                .map(of)
                .flatMap(Optional::stream)
                .distinct()
                .limit(4)
                .toList();
        if (!answers.isEmpty()) {
            facts.put(name, String.join("; ", answers));
        }
    }
}
