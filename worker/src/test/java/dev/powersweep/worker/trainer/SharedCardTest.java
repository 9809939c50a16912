package dev.powersweep.worker.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.worker.Cells;
import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.StopOrder;
import dev.powersweep.worker.cell.TrainingRule;
import dev.powersweep.worker.data.ShardStore;
import dev.powersweep.worker.gpu.EmulatedDevice;
import dev.powersweep.worker.gpu.EmulatedDevice.Threads;
import dev.powersweep.worker.gpu.cuda.FaultyDevice;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** A trainer of several cells on one card, with an emulated one, beside each cell alone. */
class SharedCardTest extends TrainerFixture {

    private static final long STEPS = 24;

    /** Evaluated at steps 10, 20 and 24; as are the others of its kind, which differ in seeds. */
    private static final Cell CELL = Cells.tiny(STEPS, 4, 10_000, 3);

    private static Cell like(Cell cell, long seed) {
        return new Cell(cell.shape(), cell.data(), cell.training(), cell.evaluation(), seed);
    }

    /** Above its bound after some steps. */
    private static Cell wild(long seed) {
        TrainingRule rule = CELL.training();
        TrainingRule wild = new TrainingRule(
                30,
                0,
                rule.schedule(),
                rule.beta1(),
                rule.beta2(),
                rule.epsilon(),
                0,
                0,
                0,
                rule.initialStandardDeviation(),
                OptionalInt.empty(),
                OptionalInt.empty(),
                new TrainingRule.Divergence(1, 2));
        return new Cell(CELL.shape(), CELL.data(), wild, CELL.evaluation(), seed);
    }

    /** A trainer in this process: lines in, frames out. */
    private final class Server implements AutoCloseable {
        private final PrintWriter in;
        private final BlockingQueue<Frame> out = new LinkedBlockingQueue<>();
        private final CompletableFuture<Void> served;
        private volatile boolean readerGone;
        final Map<String, List<Frame>> frames = new HashMap<>();

        Server(FaultyDevice device) throws IOException {
            PipedOutputStream lines = new PipedOutputStream();
            PipedInputStream input = new PipedInputStream(lines, 1 << 20);
            in = new PrintWriter(lines, true, StandardCharsets.UTF_8);
            TrainingPlace.Shared place = new TrainingPlace.Shared(new SharedCard(device));
            SharedServer server =
                    new SharedServer(place, new ShardStore(), new FrameWriter(lines()), StopSignal.ofProcess());
            served = CompletableFuture.runAsync(() -> server.serve(input), task -> new Thread(task, "card").start());
        }

        /** Takes whole lines, as a frame is written. */
        private OutputStream lines() {
            return new OutputStream() {
                @Override
                public void write(byte[] line) throws IOException {
                    if (readerGone) {
                        throw new IOException("Broken pipe");
                    }
                    out.add(CellJson.read(new String(line, StandardCharsets.UTF_8), Frame.class));
                }

                @Override
                public void write(int one) {
                    throw new UnsupportedOperationException();
                }
            };
        }

        void send(Object order) {
            in.println(CellJson.line(order));
        }

        /** Reads until each of these cells has ended. */
        Map<String, Frame.Outcome> outcomes(int cells, Consumer<Frame> seen) throws InterruptedException {
            Map<String, Frame.Outcome> outcomes = new HashMap<>();
            while (outcomes.size() < cells) {
                Frame frame = out.poll(60, TimeUnit.SECONDS);
                assertThat(frame).as("a frame within a minute").isNotNull();
                String cell = ((Frame.OfCell) frame).cell();
                frames.computeIfAbsent(cell, id -> new ArrayList<>()).add(frame);
                if (frame instanceof Frame.Outcome outcome) {
                    outcomes.put(cell, outcome);
                }
                seen.accept(frame);
            }
            return outcomes;
        }

        @Override
        public void close() {
            in.close();
            served.join();
        }
    }

    private static StepTable table(List<Frame> frames) {
        StepTable table = new StepTable();
        table.add(frames);
        return table;
    }

    private StepTable alone(Cell cell) throws Exception {
        try (FaultyDevice device = new FaultyDevice(new EmulatedDevice(Threads.FORWARDS));
                Server server = new Server(device)) {
            server.send(assignment(cell, "alone-" + cell.id()));
            server.outcomes(1, frame -> {});
            assertThat(device.mostCells()).isEqualTo(1);
            return table(server.frames.get(cell.id()));
        }
    }

    private Assignment resumed(Cell cell, Path checkpoint) {
        return assignment(cell, 2, "resumed-" + cell.id(), Optional.of(checkpoint), 0);
    }

    @Test
    void cellsSideBySideHaveTheRowsThatEachHasAlone() throws Exception {
        Cell other = like(CELL, 4);
        // Of another shape, so that it takes turns with them; and one that ends early.
        Cell third = Cells.tiny(7, 2, 10_000, 5);
        Cell diverging = wild(6);
        List<Cell> cells = List.of(CELL, other, third, diverging);
        Map<String, StepTable> expected = new HashMap<>();
        for (Cell cell : cells) {
            expected.put(cell.id(), alone(cell));
        }
        try (FaultyDevice device = new FaultyDevice(new EmulatedDevice(Threads.BACKWARDS));
                Server server = new Server(device)) {
            cells.forEach(cell -> server.send(assignment(cell, cell.id())));
            Map<String, Frame.Outcome> outcomes = server.outcomes(4, frame -> {});
            assertThat(device.mostCells()).isEqualTo(3);
            for (Cell cell : cells) {
                assertThat(table(server.frames.get(cell.id()))).isEqualTo(expected.get(cell.id()));
                assertThat(outcomes.get(cell.id()))
                        .isInstanceOf(cell == diverging ? Frame.Diverged.class : Frame.Finished.class);
            }
            // Later ones find the card as empty as the first ones did.
            server.send(assignment(CELL, "again"));
            server.frames.clear();
            server.outcomes(1, frame -> {});
            assertThat(table(server.frames.get(CELL.id()))).isEqualTo(expected.get(CELL.id()));
            assertThat(device.taken()).isZero();
        }
    }

    @Test
    void aCellThatIsStoppedOrComesLaterLeavesTheOthersAsTheyWere() throws Exception {
        Cell other = like(CELL, 4);
        StepTable expected = alone(CELL);
        StepTable others = alone(other);
        try (FaultyDevice device = new FaultyDevice(new EmulatedDevice(Threads.FORWARDS));
                Server server = new Server(device)) {
            server.send(assignment(CELL, "stays"));
            boolean[] sent = new boolean[2];
            Map<String, Frame.Outcome> outcomes = server.outcomes(2, frame -> {
                if (!sent[0] && frame instanceof Frame.Steps) {
                    sent[0] = true;
                    server.send(assignment(other, "stopped"));
                } else if (!sent[1]
                        && frame instanceof Frame.Steps steps
                        && steps.cell().equals(other.id())) {
                    sent[1] = true;
                    server.send(new StopOrder(other.id()));
                }
            });
            assertThat(outcomes.get(CELL.id())).isInstanceOf(Frame.Finished.class);
            assertThat(table(server.frames.get(CELL.id()))).isEqualTo(expected);
            Frame.Outcome stopped = outcomes.get(other.id());
            assertThat(stopped).isInstanceOf(Frame.Interrupted.class);
            assertThat(stopped.step()).isBetween(1L, STEPS - 1);
            Frame.Checkpoint checkpoint = server.frames.get(other.id()).stream()
                    .filter(Frame.Checkpoint.class::isInstance)
                    .map(Frame.Checkpoint.class::cast)
                    .reduce((first, second) -> second)
                    .orElseThrow();
            // Stopping what has ended is no fault, and the same trainer goes on with it.
            server.send(new StopOrder(other.id()));
            server.send(resumed(other, Path.of(checkpoint.file())));
            server.outcomes(1, frame -> {});
            assertThat(table(server.frames.get(other.id()))).isEqualTo(others);
        }
    }

    /** First without full passes beside its neighbour, then without any. */
    @Test
    void aCellThatHasNoRoomIsTheOnlyOneToHearOfIt() throws Exception {
        Cell large = like(Cells.tiny(STEPS, 8, 10_000, 9), 9);
        StepTable expected = alone(CELL);
        try (FaultyDevice device = new FaultyDevice(new EmulatedDevice(Threads.FORWARDS));
                Server server = new Server(device)) {
            server.send(assignment(CELL, "first"));
            boolean[] sent = new boolean[1];
            Map<String, Frame.Outcome> outcomes = server.outcomes(2, frame -> {
                if (!sent[0] && frame instanceof Frame.Steps) {
                    sent[0] = true;
                    device.limit(device.taken() + 2000);
                    server.send(assignment(large, "large"));
                }
            });
            Frame.Failed failed = (Frame.Failed) outcomes.get(large.id());
            assertThat(failed.failure()).isEqualTo(FailureClass.GPU_MEMORY);
            assertThat(failed.message()).contains("no room for");
            assertThat(outcomes.get(CELL.id())).isInstanceOf(Frame.Finished.class);
            assertThat(table(server.frames.get(CELL.id()))).isEqualTo(expected);
        }
    }

    /** Which of them it is due to cannot be told, so that none is given up for it. */
    @Test
    void aFaultOfTheCardIsTriedAgainForEachOfSeveralCellsAndABugOfOneAlone() throws Exception {
        Cell other = like(CELL, 4);
        // Of another kind: its steps are its own, and the card is not.
        Cell third = Cells.tiny(STEPS, 2, 10_000, 5);
        try (FaultyDevice device = new FaultyDevice(new EmulatedDevice(Threads.FORWARDS));
                Server server = new Server(device)) {
            server.send(assignment(CELL, "one"));
            server.send(assignment(other, "other"));
            server.send(assignment(third, "third"));
            Map<String, Frame.Outcome> outcomes = server.outcomes(3, frame -> {
                if (server.frames.size() == 3) {
                    device.shatter();
                }
            });
            assertThat(outcomes.values()).allSatisfy(outcome -> {
                assertThat(outcome).isInstanceOf(Frame.Failed.class);
                assertThat(((Frame.Failed) outcome).failure()).isEqualTo(FailureClass.NATIVE_CRASH);
                assertThat(((Frame.Failed) outcome).message())
                        .contains("work for several cells of one GPU failed: the card has fallen off the bus");
            });
        }
        try (FaultyDevice device = new FaultyDevice(new EmulatedDevice(Threads.FORWARDS));
                Server server = new Server(device)) {
            device.shatter();
            server.send(assignment(CELL, "alone"));
            Frame.Outcome outcome = server.outcomes(1, frame -> {}).get(CELL.id());
            assertThat(((Frame.Failed) outcome).failure()).isEqualTo(FailureClass.BUG);
        }
    }

    /** A run that still waited for the card would hold its process, and the card, for ever. */
    @Test
    void whereNobodyReadsAnyMoreAllCellsEnd() throws Exception {
        try (FaultyDevice device = new FaultyDevice(new EmulatedDevice(Threads.FORWARDS))) {
            Server server = new Server(device);
            // Endless beside this test; the other one has nothing to say, and so does not notice by itself.
            Cell endless = Cells.tiny(1_000_000, 4, 10_000, 3);
            EvaluationRule never = new EvaluationRule(
                    1_000_000, CELL.evaluation().tokens(), CELL.evaluation().sets());
            Cell silent = new Cell(endless.shape(), endless.data(), endless.training(), never, 4);
            server.send(assignment(endless, "speaks"));
            server.send(new Assignment(
                    silent, 1, shards.toString(), scratch.resolve("silent").toString(), Optional.empty(), 0, 0, 1e6));
            while (device.mostCells() < 2) {
                assertThat(server.out.poll(60, TimeUnit.SECONDS)).isNotNull();
            }
            server.readerGone = true;
            assertThatThrownBy(() -> server.served.get(60, TimeUnit.SECONDS))
                    .hasCauseInstanceOf(FrameWriter.ReaderGoneException.class);
            for (Thread thread : Thread.getAllStackTraces().keySet()) {
                if (thread.getName().equals("cell-" + silent.id())) {
                    thread.join(10_000);
                    assertThat(thread.isAlive()).as("in training for nobody").isFalse();
                }
            }
        }
    }
}
