package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.StopOrder;
import dev.powersweep.worker.data.ShardStore;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Trains the assignments that arrive on standard input beside each other, on one card. Each is answered as a trainer of
 * one cell answers it; the frames of different cells mix. {@link StopOrder} ends one of them.
 *
 * <p>How many run at once the sender decides.
 */
final class SharedServer {

    private static final Logger LOG = LogManager.getLogger(SharedServer.class);

    private final TrainingPlace.Shared place;
    private final ShardStore shards;
    private final FrameWriter out;
    private final StopSignal stop;
    private final Map<String, StopSignal> running = new ConcurrentHashMap<>();
    private final AtomicInteger unanswered = new AtomicInteger();
    private volatile boolean ended;
    private volatile Optional<Throwable> fault = Optional.empty();

    SharedServer(TrainingPlace.Shared place, ShardStore shards, FrameWriter out, StopSignal stop) {
        this.place = place;
        this.shards = shards;
        this.out = out;
        this.stop = stop;
    }

    /**
     * Serves until the input's end, or a request to stop, and the end of all cells; on the thread that opened the card.
     * Where the frames of one cell cannot be written any more, all are stopped first: a process does not end while one
     * of its cells waits for the card.
     *
     * @throws FrameWriter.ReaderGoneException when nobody reads the frames any more
     */
    void serve(InputStream in) {
        Thread reader = new Thread(() -> read(in), "assignments");
        reader.setDaemon(true);
        reader.start();
        place.card().work(() -> (ended || stop.requested()) && unanswered.get() == 0);
        fault.ifPresent(reason -> {
            if (reason instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) reason;
        });
    }

    private void read(InputStream in) {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null && !stop.requested(); line = lines.readLine()) {
                if (!line.isBlank()) {
                    take(line);
                }
            }
        } catch (IOException e) {
            LOG.warn("standard input cannot be read: {}", Failures.message(e));
        } catch (RuntimeException | Error e) {
            fail(e);
        } finally {
            ended = true;
        }
    }

    private void take(String line) {
        Assignment assignment;
        try {
            if (StopOrder.is(line)) {
                String cell = CellJson.read(line, StopOrder.class).stop();
                Optional.ofNullable(running.get(cell)).ifPresent(StopSignal::request);
                return;
            }
            assignment = CellJson.read(line, Assignment.class);
        } catch (IllegalArgumentException e) {
            out.write(Failures.ofLine(e));
            return;
        }
        String id = assignment.cell().id();
        StopSignal signal = stop.ofOne();
        if (running.putIfAbsent(id, signal) != null) {
            out.write(new Frame.Failed(
                    id, 0, FailureClass.BUG, "cell " + id + " is already in training in this process", "", 0));
            return;
        }
        Thread thread = new Thread(() -> train(assignment, signal), "cell-" + id);
        thread.setDaemon(true);
        unanswered.incrementAndGet();
        stop.begin();
        try {
            thread.start();
        } catch (OutOfMemoryError e) {
            // The system has no room for a thread more; the others go on.
            running.remove(id, signal);
            unanswered.decrementAndGet();
            stop.end();
            out.write(new Frame.Failed(id, 0, FailureClass.HOST_MEMORY, Failures.message(e), Failures.stack(e), 0));
        }
    }

    private void fail(Throwable reason) {
        fault = Optional.of(reason);
        stop.request();
    }

    private void train(Assignment assignment, StopSignal signal) {
        try {
            Frame.Outcome outcome = new CellRun(assignment, shards, place, out, signal).run();
            // Before its last word: the sender may send the same cell again at once.
            running.remove(assignment.cell().id(), signal);
            out.write(outcome);
        } catch (RuntimeException | Error e) {
            fail(e);
        } finally {
            running.remove(assignment.cell().id(), signal);
            unanswered.decrementAndGet();
            stop.end();
        }
    }
}
