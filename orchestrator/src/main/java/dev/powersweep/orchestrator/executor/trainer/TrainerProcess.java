package dev.powersweep.orchestrator.executor.trainer;

import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.StopOrder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A trainer process and its pipes. One supervisor uses it at a time, or several that each have {@linkplain #open opened}
 * what is said of their cell.
 */
public final class TrainerProcess {
    /** Frames that wait for the supervisor before the trainer has to wait; a frame a second is the rule. */
    private static final int QUEUE = 4096;

    private static final long KILL_WAIT_SECONDS = 20;

    /** What comes out of a trainer. */
    public sealed interface Message {
        record Said(Frame frame) implements Message {}

        /** A line that is no frame. */
        record Garbage(String line, String reason) implements Message {}

        /** The end of its output: the process has ended or is about to. */
        record Ended() implements Message {}
    }

    private final Process process;
    private final Path errors;
    private final BlockingQueue<Message> messages = new ArrayBlockingQueue<>(QUEUE);
    private final Map<String, BlockingQueue<Message>> cells = new HashMap<>();
    private boolean ended;
    private final Thread reader;
    private final OptionalLong outOfMemoryKillsBefore;
    private volatile boolean killedByUs;

    private TrainerProcess(Process process, Path errors, OptionalLong outOfMemoryKillsBefore) {
        this.process = process;
        this.errors = errors;
        this.outOfMemoryKillsBefore = outOfMemoryKillsBefore;
        this.reader = new Thread(this::read, "trainer-" + process.pid());
        reader.setDaemon(true);
        reader.start();
    }

    /**
     * Starts a trainer; it says {@link Frame.Ready} when it can take a cell.
     *
     * @param errors file that takes its standard error
     */
    static TrainerProcess start(List<String> line, Map<String, String> environment, Path errors) throws IOException {
        Files.createDirectories(errors.toAbsolutePath().getParent());
        ProcessBuilder builder = new ProcessBuilder(line);
        builder.environment().clear();
        builder.environment().putAll(environment);
        builder.redirectError(ProcessBuilder.Redirect.appendTo(errors.toFile()));
        OptionalLong before = OutOfMemoryKiller.kills();
        return new TrainerProcess(builder.start(), errors, before);
    }

    private void read() {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                deliver(parse(line));
            }
        } catch (IOException e) {
            // The pipe of a killed process; its exit status tells the rest.
            offer(new Message.Garbage("", e.toString()));
        } catch (InterruptedException e) {
            return;
        }
        try {
            deliver(new Message.Ended());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void deliver(Message message) throws InterruptedException {
        for (BlockingQueue<Message> queue : takers(message)) {
            queue.put(message);
        }
    }

    private void offer(Message message) {
        takers(message).forEach(queue -> queue.offer(message));
    }

    /** Whom a message is for: the one whose cell it is about, or all. */
    private List<BlockingQueue<Message>> takers(Message message) {
        synchronized (cells) {
            ended |= message instanceof Message.Ended;
            if (cells.isEmpty()) {
                return List.of(messages);
            }
            if (message instanceof Message.Said said) {
                // What is said of a cell that nobody waits for any more is for nobody.
                return said.frame() instanceof Frame.OfCell about && cells.containsKey(about.cell())
                        ? List.of(cells.get(about.cell()))
                        : List.of();
            }
            return List.copyOf(cells.values());
        }
    }

    /** What is said of one cell from now on, and what concerns all; until {@link #close(String)}. */
    BlockingQueue<Message> open(String cell) {
        synchronized (cells) {
            BlockingQueue<Message> queue = new ArrayBlockingQueue<>(QUEUE);
            if (ended) {
                queue.add(new Message.Ended());
            }
            cells.put(cell, queue);
            return queue;
        }
    }

    void close(String cell) {
        BlockingQueue<Message> queue;
        synchronized (cells) {
            queue = cells.remove(cell);
        }
        // The reader may be waiting for room in it.
        queue.clear();
    }

    private static Message parse(String line) {
        try {
            return new Message.Said(CellJson.read(line, Frame.class));
        } catch (IllegalArgumentException e) {
            return new Message.Garbage(line, e.getMessage());
        }
    }

    public void send(Assignment assignment) throws IOException {
        sendLine(assignment);
    }

    /** Asks it to end one of its cells. */
    void send(StopOrder order) throws IOException {
        sendLine(order);
    }

    private synchronized void sendLine(Object order) throws IOException {
        process.getOutputStream().write((CellJson.line(order) + "\n").getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().flush();
    }

    /** The next message, or empty after {@code millis}. */
    public Optional<Message> poll(long millis) throws InterruptedException {
        return Optional.ofNullable(messages.poll(millis, TimeUnit.MILLISECONDS));
    }

    boolean alive() {
        return process.isAlive();
    }

    long pid() {
        return process.pid();
    }

    /** SIGTERM: a busy trainer writes a checkpoint and says so. */
    public void askToStop() {
        // Process.destroy would close the pipe that the last words come through.
        process.toHandle().destroy();
    }

    /** SIGKILL, and waits until the process is gone; empty when even that did not end it in time. */
    Optional<Integer> kill() {
        killedByUs = true;
        process.destroyForcibly();
        return exitStatus();
    }

    /** Whether {@link #kill} was called: its end then says nothing about memory. */
    public boolean killedByUs() {
        return killedByUs;
    }

    /** Whether the system has killed no process for want of memory since this one started, as far as it says. */
    public boolean memorySufficed() {
        return outOfMemoryKillsBefore.isPresent() && OutOfMemoryKiller.kills().equals(outOfMemoryKillsBefore);
    }

    /** Waits for an end that is near; 128 plus the number of the signal for a killed process. */
    public Optional<Integer> exitStatus() {
        try {
            return process.waitFor(KILL_WAIT_SECONDS, TimeUnit.SECONDS)
                    ? Optional.of(process.exitValue())
                    : Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }

    /** Bytes of standard error so far. */
    public long errorBytes() {
        try {
            return Files.size(errors);
        } catch (IOException e) {
            return 0;
        }
    }

    /** Standard error from a position on, at most {@code limit} bytes of it: its beginning and its end. */
    public byte[] errors(long from, int limit) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(errors.toFile(), "r")) {
            long length = Math.max(0, file.length() - from);
            if (length <= limit) {
                return slice(file, from, (int) length);
            }
            byte[] head = slice(file, from, limit / 2);
            byte[] gap = ("\n… " + (length - limit) + " bytes left out …\n").getBytes(StandardCharsets.UTF_8);
            byte[] tail = slice(file, from + length - limit / 2, limit / 2);
            byte[] all = new byte[head.length + gap.length + tail.length];
            System.arraycopy(head, 0, all, 0, head.length);
            System.arraycopy(gap, 0, all, head.length, gap.length);
            System.arraycopy(tail, 0, all, head.length + gap.length, tail.length);
            return all;
        }
    }

    private static byte[] slice(RandomAccessFile file, long from, int length) throws IOException {
        byte[] bytes = new byte[length];
        file.seek(from);
        file.readFully(bytes);
        return bytes;
    }

    /** Stops the reader and deletes the file of standard error. */
    void abandon() {
        reader.interrupt();
        try {
            Files.deleteIfExists(errors);
        } catch (IOException e) {
            // A scratch file; the system's own cleaning gets it.
            return;
        }
    }
}
