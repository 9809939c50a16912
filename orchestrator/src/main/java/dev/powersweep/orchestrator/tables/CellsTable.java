package dev.powersweep.orchestrator.tables;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.SharedSteps;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.ledger.Lease;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.Branch;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.ModelCounts;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ProgramModel;
import dev.powersweep.worker.cell.TrainingRule;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** The {@code cells} table: a snapshot of the ledger in one file that is replaced as a whole. */
public final class CellsTable {
    private static final String FILE = "cells" + TableFile.SUFFIX;

    private CellsTable() {}

    /** Replaces the snapshot in one step. */
    public static void write(Storage storage, SweepDirectory directory, List<CellRow> rows) throws IOException {
        Path file = new Path(directory.table(Table.CELLS.name()), FILE);
        Path unfinished = Storage.unfinished(file);
        TableFile.write(storage, unfinished, Table.CELLS, rows, Map.of());
        storage.publishOver(unfinished, file);
    }

    /**
     * Brings the snapshot up to the ledger where no driver runs: a killed driver leaves an old snapshot, and readers of the
     * file see it.
     */
    public static void refresh(SweepDirectory directory, Configuration configuration) {
        try {
            Storage storage = directory.storage(configuration);
            SweepState state = LedgerReader.read(storage, directory);
            boolean driven = Lease.look(storage, directory)
                    .map(seen -> seen.seemsAlive(Lease.Timing.DEFAULT))
                    .orElse(false);
            if (state.submitted().isEmpty() || driven) {
                return;
            }
            List<CellRow> rows = byName(state);
            List<CellRow.Standing> stored = new ResultTables(directory, configuration)
                    .cells().stream().map(CellRow::standing).toList();
            if (!stored.equals(rows.stream().map(CellRow::standing).toList())) {
                write(storage, directory, rows);
            }
        } catch (IOException e) {
            throw new UserError(
                    "cannot bring the cells table of " + directory.root() + " up to its ledger: " + e.getMessage(), e);
        }
    }

    /** One row a cell, as the file has them. */
    public static List<CellRow> byName(SweepState state) {
        return rows(state).stream()
                .sorted(Comparator.comparing(row -> row.standing().name()))
                .toList();
    }

    /** One row a cell, in the order they were planned. */
    public static List<CellRow> rows(SweepState state) {
        return state.cells().stream().map(cell -> row(state, cell)).toList();
    }

    /** The row of one cell of a sweep. */
    public static CellRow row(SweepState state, CellRecord cell) {
        return row(
                state.submitted().map(LedgerEvent.Submitted::sweep).orElse(""),
                cell,
                state.size(cell.cell()),
                state.corpusRead(cell.cell().data().corpusHash()));
    }

    private static CellRow row(
            String sweep, CellRecord record, ModelCounts size, Optional<LedgerEvent.CorpusRead> read) {
        Optional<AttemptReport> last = record.last();
        boolean ended = last.isPresent() && record.state() != CellState.RUNNING;
        return new CellRow(
                new CellRow.Standing(
                        record.cell().id(),
                        record.name(),
                        sweep,
                        record.state().name(),
                        record.attempts(),
                        ended ? last.get().failure().map(Enum::name) : Optional.empty(),
                        ended ? Optional.of(last.get().message()).filter(text -> !text.isEmpty()) : Optional.empty()),
                shape(record.cell(), size),
                scale(record.cell(), size),
                rule(record.cell()),
                result(record, size),
                execution(record),
                provenance(last.flatMap(AttemptReport::trainer), read));
    }

    private static CellRow.Shape shape(Cell cell, ModelCounts size) {
        Optional<ModelShape> shape = cell.model() instanceof ModelShape known ? Optional.of(known) : Optional.empty();
        OptionalInt vocabulary = cell.model() instanceof ProgramModel ofProgram
                ? ofProgram.vocabulary()
                : OptionalInt.of(cell.shape().vocabulary());
        // What is computed from a shape holds for a program's model only as far as N does.
        Optional<ModelShape> counted =
                shape.filter(each -> cell.counts().nonEmbedding().isPresent());
        return new CellRow.Shape(
                integer(shape.map(ModelShape::layers)),
                integer(shape.map(ModelShape::width)),
                integer(shape.map(ModelShape::heads)),
                integer(shape.map(ModelShape::feedForward)),
                cell.model().context(),
                vocabulary,
                shape.map(each -> each.activation().name()),
                shape.map(each -> each.positions().name()),
                shape.map(each -> each.normalization().name()),
                shape.map(each -> each.embeddings().name()),
                size.nonEmbedding(),
                whole(counted.map(ModelShape::embeddingParameters)),
                whole(counted.map(ModelShape::normParameters)),
                size.total());
    }

    private static CellRow.Scale scale(Cell cell, ModelCounts size) {
        Optional<Branch> branch = cell.data().branch();
        return new CellRow.Scale(
                cell.data().batchSequences(),
                cell.batchTokens(),
                cell.data().steps(),
                cell.data().batchWarmup().isPresent()
                        ? OptionalLong.of(cell.data().warmupSteps())
                        : OptionalLong.empty(),
                cell.data().batchWarmup().isPresent()
                        ? OptionalLong.of(cell.tokensThrough(cell.data().warmupSteps()))
                        : OptionalLong.empty(),
                whole(branch.map(Branch::steps).map(cell::tokensThrough)),
                whole(branch.map(
                        trunk -> (long) trunk.batchSequences() * cell.model().context())),
                number(branch.map(trunk -> cell.training().peakLearningRate() * trunk.rateFactor())),
                cell.tokens(),
                cell.data().uniqueTokens(),
                cell.epochs(),
                size.kaplanFlops(cell.tokens()),
                size.trainingFlops(cell.tokens()));
    }

    private static CellRow.Rule rule(Cell cell) {
        TrainingRule training = cell.training();
        return new CellRow.Rule(
                training.peakLearningRate(),
                training.warmupSteps(),
                LedgerJson.mapper()
                        .valueToTree(training.schedule())
                        .path("kind")
                        .asText(),
                training.beta1(),
                training.beta2(),
                training.epsilon(),
                training.weightDecay(),
                training.gradientClip(),
                training.dropout(),
                Optional.of(training.products().word()),
                cell.seed(),
                Optional.of(cell.data().corpusHash()).filter(any -> cell.data().hasCorpus()),
                LedgerJson.line(cell));
    }

    private static CellRow.Result result(CellRecord record, ModelCounts size) {
        Optional<Frame.Finished> finished =
                record.state() == CellState.FINISHED ? record.last().flatMap(AttemptReport::result) : Optional.empty();
        Optional<Frame.Evaluation> evaluation =
                finished.isPresent() ? record.last().flatMap(AttemptReport::finalEvaluation) : Optional.empty();
        long steps = record.last().map(AttemptReport::step).orElse(0L);
        Optional<SharedSteps> shared = record.last().flatMap(AttemptReport::shared);
        long sharedSteps = shared.map(SharedSteps::steps).orElse(0L);
        return new CellRow.Result(
                steps,
                record.cell().tokensThrough(steps),
                number(finished.map(Frame.Finished::finalTrainingLoss)),
                number(evaluation.map(Frame.Evaluation::loss)),
                number(evaluation.map(Frame.Evaluation::standardError)),
                number(evaluation.map(Frame.Evaluation::bitsPerByte)),
                finished.map(Frame.Finished::stoppedEarly),
                shared.isPresent() ? OptionalLong.of(sharedSteps) : OptionalLong.empty(),
                shared.map(SharedSteps::cell),
                record.last().isEmpty()
                        ? OptionalDouble.empty()
                        : size.trainingFlops(Math.max(
                                0,
                                record.cell().tokensThrough(steps)
                                        - record.cell().tokensThrough(sharedSteps))));
    }

    private static CellRow.Execution execution(CellRecord record) {
        Optional<AttemptReport> last = record.last();
        Optional<Frame.Finished> finished = last.flatMap(AttemptReport::result);
        return new CellRow.Execution(
                record.planned().predictedSeconds(),
                record.planned().memoryBytes() > 0
                        ? OptionalLong.of(record.planned().memoryBytes())
                        : OptionalLong.empty(),
                number(last.map(AttemptReport::seconds)),
                number(finished.map(Frame.Finished::trainingSeconds)),
                number(last.flatMap(report -> report.tokensPerSecond(record.cell()))),
                number(last.map(AttemptReport::overheadSeconds)),
                whole(finished.map(Frame.Finished::peakMemoryBytes).filter(bytes -> bytes > 0)),
                last.map(AttemptReport::startedAt),
                last.map(AttemptReport::endedAt),
                last.map(AttemptReport::host).filter(text -> !text.isEmpty()),
                last.map(AttemptReport::executor).filter(text -> !text.isEmpty()),
                last.map(AttemptReport::microBatchSequences)
                        .filter(size -> size > 0)
                        .map(OptionalInt::of)
                        .orElseGet(OptionalInt::empty),
                last.map(AttemptReport::log).filter(text -> !text.isEmpty()));
    }

    private static CellRow.Provenance provenance(Optional<Frame.Ready> trainer, Optional<LedgerEvent.CorpusRead> read) {
        Map<String, String> said = trainer.map(Frame.Ready::provenance).orElse(Map.of());
        return new CellRow.Provenance(
                Optional.ofNullable(said.get("powersweep")),
                Optional.ofNullable(said.get("commit")),
                trainer.map(Frame.Ready::backend),
                trainer.map(Frame.Ready::kernels),
                trainer.map(Frame.Ready::device),
                trainer.map(ready -> OptionalInt.of(ready.threads())).orElseGet(OptionalInt::empty),
                Optional.ofNullable(said.get("java")),
                Optional.ofNullable(said.get("blasCore")),
                Optional.ofNullable(said.get("cpu")),
                trainer.map(ready -> LedgerJson.line(ready.provenance())),
                read.map(corpus -> OptionalLong.of(corpus.files())).orElseGet(OptionalLong::empty),
                read.map(corpus -> OptionalLong.of(corpus.bytes())).orElseGet(OptionalLong::empty),
                read.map(LedgerEvent.CorpusRead::kinds));
    }

    private static OptionalDouble number(Optional<Double> value) {
        return value.filter(Double::isFinite).map(OptionalDouble::of).orElseGet(OptionalDouble::empty);
    }

    private static OptionalInt integer(Optional<Integer> value) {
        return value.map(OptionalInt::of).orElseGet(OptionalInt::empty);
    }

    private static OptionalLong whole(Optional<Long> value) {
        return value.map(OptionalLong::of).orElseGet(OptionalLong::empty);
    }
}
