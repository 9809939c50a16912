package dev.powersweep.orchestrator.executor;

import dev.powersweep.orchestrator.dispatch.AttemptInput;
import dev.powersweep.orchestrator.dispatch.AttemptOrder;
import dev.powersweep.orchestrator.dispatch.AttemptState.TrainerHealth;
import dev.powersweep.orchestrator.dispatch.Outcome;
import dev.powersweep.orchestrator.dispatch.TrainerExit;
import dev.powersweep.orchestrator.executor.CellSupervisor.Context;
import dev.powersweep.orchestrator.executor.trainer.TrainerEnvironment;
import dev.powersweep.orchestrator.program.AssignmentValue;
import dev.powersweep.orchestrator.program.Handover;
import dev.powersweep.orchestrator.program.ProgramFrames;
import dev.powersweep.orchestrator.program.ProgramFrames.Heard;
import dev.powersweep.orchestrator.program.Template;
import dev.powersweep.orchestrator.storage.Digests;
import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.Program;
import dev.powersweep.worker.shard.ShardManifest;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** A program that is not ours in the hands of one attempt: one process a cell, by the contract of docs/any-trainer.md. */
final class ProgramSession implements TrainerLink {
    private static final Logger LOG = LogManager.getLogger(ProgramSession.class);

    /** Where the application's jar carries the module that programs in Python may import. */
    private static final String PYTHON_MODULE = "/dev/powersweep/orchestrator/python/powersweep.py";

    private static final int LOG_BYTES = 1 << 20;
    private static final int DETAIL_BYTES = 4096;
    private static final long LOOK_MILLIS = 20;
    private static final long MEMORY_LOOK_MILLIS = 1000;
    /** Exit status of a process that SIGKILL has ended. */
    private static final int KILLED = 128 + 9;
    /** For a program that has said how it ended to end; and once more after SIGTERM. */
    private static final long END_MILLIS = 10_000;

    private final Context context;
    private final AttemptOrder order;
    private final Cell cell;
    private final Program program;
    private final List<String> gpus;
    private final Path home;
    private final Path work;
    private final Path log;
    private final Path packages;
    private final Optional<CheckpointPackage.Unpacked> resume;
    private final ProgramFrames frames;
    private final FrameFile lines;
    private final Deque<AttemptInput> inputs = new ArrayDeque<>();
    private final Set<Path> named = new HashSet<>();
    private final Deque<Path> packed = new ArrayDeque<>();
    private Optional<ProgramProcess> process = Optional.empty();
    private long startedNanos;
    private long flushedNanos;
    private long memoryLookedNanos;
    private long peakMemory;
    private boolean exited;
    private int processesLeft;

    /**
     * Makes the program's folder, with its files in it.
     *
     * @param checkpoint package to go on from
     * @param gpus addresses that the task was given
     */
    ProgramSession(Context context, AttemptOrder order, Optional<Path> checkpoint, List<String> gpus, Path scratch)
            throws IOException, InterruptedException {
        this.context = context;
        this.order = order;
        this.cell = order.gridCell().cell();
        this.program = cell.program().orElseThrow();
        this.gpus = gpus;
        this.home = Files.createDirectories(scratch.resolve("program"));
        this.work = Files.createDirectories(home.resolve("work"));
        this.packages = Files.createDirectories(home.resolve("packages"));
        this.log = home.resolve("output.log");
        for (Program.File file : program.files()) {
            Path cached = context.cache().programFile(context.storage(), context.directory(), file.sha256());
            Path target = work.resolve(file.name());
            Files.createDirectories(target.getParent());
            Files.copy(cached, target);
            if (!target.toFile().setExecutable(true)) {
                throw new IOException(target + " cannot be made executable");
            }
        }
        this.resume = checkpoint.isPresent()
                ? Optional.of(CheckpointPackage.unpack(checkpoint.get(), home.resolve("resume")))
                : Optional.empty();
        this.frames = new ProgramFrames(
                cell,
                resume.map(CheckpointPackage.Unpacked::resumed).orElse(ProgramFrames.Resumed.NOTHING),
                () -> peakMemory);
        this.lines = new FrameFile(home.resolve("frames.jsonl"));
        Files.write(log, new byte[0]);
    }

    @Override
    public Frame.Ready ready() {
        Map<String, String> provenance = new LinkedHashMap<>();
        provenance.put("program", program.shown());
        program.files().forEach(file -> provenance.put("file " + file.name(), file.sha256()));
        return new Frame.Ready(
                process.map(ProgramProcess::pid).orElse(0L),
                "program",
                "program",
                gpus.isEmpty() ? "cpu" : "gpu " + String.join(",", gpus),
                context.policy().threadsPerCell(),
                provenance);
    }

    @Override
    public AttemptInput send(Assignment given) {
        Assignment assignment = new Assignment(
                given.cell(),
                given.attempt(),
                given.shardDirectory(),
                given.checkpointDirectory(),
                resume.map(each -> each.content().toString()),
                given.microBatchSequences(),
                given.checkpointSeconds(),
                given.reportSeconds(),
                List.of(),
                List.of());
        Path file = home.resolve("assignment.json");
        try {
            Files.createDirectories(Path.of(assignment.checkpointDirectory()));
            Files.writeString(file, CellJson.line(assignment) + "\n", StandardCharsets.UTF_8);
            Optional<ShardManifest> shard = assignment.shardDirectory().isEmpty()
                    ? Optional.empty()
                    : Optional.of(ShardManifest.read(Path.of(assignment.shardDirectory())));
            Map<String, String> values = AssignmentValue.of(new Handover(
                    assignment,
                    order.gridCell().name(),
                    file.toString(),
                    lines.path().toString(),
                    resume.map(each -> each.resumed().step()).orElse(0L),
                    shard,
                    context.policy().threadsPerCell(),
                    context.policy().trainerMemoryBytes(),
                    gpus));
            Map<String, String> environment = environment(values);
            List<String> command = program.command().stream()
                    .map(text -> Template.fill(text, values))
                    .toList();
            if (!ProgramProcess.canStart(command.get(0), environment, work)) {
                return cannotStart(
                        command.get(0) + " is not there, or may not be executed; programs are looked for on PATH,"
                                + " and relative paths begin in the folder of trainer.files");
            }
            startedNanos = System.nanoTime();
            flushedNanos = startedNanos;
            process = Optional.of(ProgramProcess.start(command, environment, work, log));
            return new AttemptInput.Sent();
        } catch (IOException e) {
            return cannotStart(e.getMessage());
        }
    }

    private AttemptInput cannotStart(String reason) {
        return new AttemptInput.NoTrainer(Outcome.failed(
                FailureClass.PROGRAM, "host " + context.host() + ": the program cannot be started: " + reason, ""));
    }

    /** The list of names that trainers inherit, what the contract sets, and what the specification declares. */
    private Map<String, String> environment(Map<String, String> values) throws IOException {
        Map<String, String> environment = new HashMap<>(TrainerEnvironment.inherited());
        String threads = Integer.toString(context.policy().threadsPerCell());
        for (String name : List.of("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")) {
            environment.put(name, threads);
        }
        environment.put("PYTHONUNBUFFERED", "1");
        // A program that was given no GPU must not take one that another cell was given.
        environment.put("CUDA_VISIBLE_DEVICES", String.join(",", gpus));
        environment.put("MASTER_ADDR", "127.0.0.1");
        environment.put("MASTER_PORT", Integer.toString(freePort()));
        values.forEach((name, value) -> environment.put(AssignmentValue.variable(name), value));
        program.environment().forEach((name, text) -> environment.put(name, Template.fill(text, values)));
        String modules = pythonModules().toString();
        environment.merge("PYTHONPATH", modules, (declared, ours) -> ours + ":" + declared);
        return environment;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private Path pythonModules() throws IOException {
        Path folder = Files.createDirectories(home.resolve("python"));
        try (InputStream module = ProgramSession.class.getResourceAsStream(PYTHON_MODULE)) {
            if (module == null) {
                throw new IOException("the application jar carries no " + PYTHON_MODULE);
            }
            Files.copy(module, folder.resolve("powersweep.py"));
        }
        return folder;
    }

    @Override
    public Optional<AttemptInput> poll(long millis) throws InterruptedException {
        long end = System.nanoTime() + millis * 1_000_000;
        while (inputs.isEmpty() && !exited) {
            boolean alive = process.orElseThrow().alive();
            boolean any = take();
            if (!alive && !any) {
                conclude();
            } else if (!any && inputs.isEmpty()) {
                if (System.nanoTime() >= end) {
                    break;
                }
                if (process.get().waitFor(LOOK_MILLIS)) {
                    continue;
                }
            }
        }
        return Optional.ofNullable(inputs.poll());
    }

    /** Reads what is there; says whether there was anything. */
    private boolean take() {
        lookAtMemory();
        List<String> read;
        try {
            read = lines.read();
        } catch (IOException e) {
            inputs.add(new AttemptInput.Babbled("", e.getMessage()));
            return false;
        }
        double now = seconds();
        for (String line : read) {
            hear(frames.line(line, now));
        }
        double sinceFlush = (System.nanoTime() - flushedNanos) / 1e9;
        if (frames.gathers() && sinceFlush >= context.policy().reportSeconds()) {
            hear(frames.flush());
        }
        return !read.isEmpty();
    }

    /** The program has ended by itself; what it has started ends with it. */
    private void conclude() {
        ProgramProcess ended = process.orElseThrow();
        processesLeft = ended.tree().members().size();
        ended.tree().kill();
        boolean more = true;
        while (more) {
            more = take();
        }
        double now = seconds();
        lines.rest().forEach(line -> hear(frames.line(line, now)));
        int status = ended.exitStatus();
        hear(frames.exited(status, now));
        if (exited) {
            return;
        }
        inputs.add(new AttemptInput.Exited(new TrainerExit(
                status, ended.killedByUs(), ended.memorySufficed(), lastWords(), TrainerExit.Kind.PROGRAM)));
        exited = true;
    }

    private void hear(List<Heard> all) {
        for (Heard heard : all) {
            if (exited) {
                return;
            }
            flushedNanos = System.nanoTime();
            if (heard instanceof Heard.Garbage garbage) {
                inputs.add(new AttemptInput.Babbled(garbage.line(), garbage.reason()));
            } else if (heard instanceof Heard.Note note) {
                LOG.warn("cell {}: {}", order.gridCell().name(), note.sentence());
            } else {
                Frame frame = ((Heard.Said) heard).frame();
                if (frame instanceof Frame.Checkpoint checkpoint) {
                    keep(checkpoint);
                } else if (!(frame instanceof Frame.Size) || program.parameters() == Program.Parameters.REPORTED) {
                    inputs.add(new AttemptInput.Said(frame));
                }
            }
            if (context.witness().kills(heard)) {
                cutOff();
            }
        }
    }

    /** As if the system had killed it right here. */
    private void cutOff() {
        process.orElseThrow().kill();
        exited = true;
        inputs.add(new AttemptInput.Exited(new TrainerExit(KILLED, false, true, "", TrainerExit.Kind.PROGRAM)));
    }

    /** Packs a checkpoint that the program has named, before anything else of it is read. */
    private void keep(Frame.Checkpoint checkpoint) {
        Path path = work.resolve(checkpoint.file()).normalize();
        String clause = "named the checkpoint " + checkpoint.file() + " of step " + checkpoint.step();
        if (!Files.exists(path) || path.getFileName() == null) {
            fail(checkpoint, clause + ", which is not there");
            return;
        }
        if (!named.add(path)) {
            fail(
                    checkpoint,
                    clause
                            + ", a name that it has given before: each checkpoint has a name of its own, such as one"
                            + " with the step in it, since the one before may still be stored");
            return;
        }
        Path target = packages.resolve("step-" + checkpoint.step() + ".ckpt");
        try {
            CheckpointPackage.pack(path, frames.state(), target);
            packed.add(target);
            if (packed.size() > 2) {
                Files.deleteIfExists(packed.remove());
            }
            inputs.add(new AttemptInput.Said(new Frame.Checkpoint(
                    cell.id(), checkpoint.step(), target.toString(), Files.size(target), Digests.sha256(target))));
        } catch (CheckpointPackage.UnfitException e) {
            fail(checkpoint, clause + ", which cannot be stored: " + e.getMessage());
        } catch (CheckpointPackage.ChangedException e) {
            LOG.warn(
                    "cell {}: the checkpoint of step {} is not kept: {}",
                    order.gridCell().name(),
                    checkpoint.step(),
                    e.getMessage());
        } catch (IOException e) {
            inputs.add(new AttemptInput.Said(new Frame.Failed(
                    cell.id(),
                    checkpoint.step(),
                    FailureClass.IO,
                    "the checkpoint " + path + " could not be read: " + e,
                    "",
                    seconds())));
        }
    }

    private void fail(Frame.Checkpoint checkpoint, String clause) {
        inputs.add(new AttemptInput.Said(new Frame.Failed(
                cell.id(), checkpoint.step(), FailureClass.PROGRAM, "the program " + clause, "", seconds())));
    }

    private void lookAtMemory() {
        long now = System.nanoTime();
        if (memoryLookedNanos == 0 || (now - memoryLookedNanos) / 1_000_000 >= MEMORY_LOOK_MILLIS) {
            memoryLookedNanos = now;
            process.filter(ProgramProcess::alive)
                    .ifPresent(each ->
                            peakMemory = Math.max(peakMemory, each.tree().residentBytes()));
        }
    }

    private double seconds() {
        return (System.nanoTime() - startedNanos) / 1e9;
    }

    @Override
    public void askToStop() {
        process.ifPresent(ProgramProcess::askToStop);
    }

    @Override
    public void end(TrainerHealth health) {
        try {
            // One that says why it fails, or that it stops, is given the same time to go.
            if ((health == TrainerHealth.WELL || frames.endedByItsWord())
                    && process.isPresent()
                    && !process.get().waitFor(END_MILLIS)) {
                LOG.warn(
                        "cell {}: the program said how it ended and did not end for {} s; it is ended",
                        order.gridCell().name(),
                        END_MILLIS / 1000);
                process.get().askToStop();
                process.get().waitFor(END_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            process.ifPresent(this::leave);
            try {
                lines.close();
            } catch (IOException e) {
                LOG.warn("{} could not be closed: {}", lines.path(), e.toString());
            }
        }
    }

    /** Ends what is left of it, and says what it did after its last word. */
    private void leave(ProgramProcess leaving) {
        int status = leaving.exitStatus();
        if (!exited) {
            processesLeft = leaving.tree().members().size() - (status < 0 ? 1 : 0);
        }
        leaving.kill();
        Instant lastLine = Instant.now();
        try {
            lastLine = Files.getLastModifiedTime(lines.path()).toInstant();
            for (List<String> more = lines.read(); !more.isEmpty(); more = lines.read()) {
                more.forEach(line -> frames.line(line, 0));
            }
        } catch (IOException e) {
            LOG.warn("{} could not be read to its end: {}", lines.path(), e.toString());
        }
        if (frames.linesAfterEnd() > 0) {
            LOG.warn(
                    "cell {}: the program has written {} after it had said how it ended; nothing of that is read",
                    order.gridCell().name(),
                    frames.linesAfterEnd() == 1 ? "a line" : frames.linesAfterEnd() + " lines");
        }
        context.witness()
                .left(new ProgramWitness.Leave(status, frames.linesAfterEnd(), Math.max(0, processesLeft), lastLine));
    }

    @Override
    public String keepLog(Context of, String id, int attempt) {
        String name = "attempt-" + attempt + ".log";
        try {
            byte[] text = LogText.ends(log, LOG_BYTES);
            if (text.length == 0) {
                return "";
            }
            of.storage().write(new org.apache.hadoop.fs.Path(of.directory().logs(id), name), text);
            return "logs/" + id + "/" + name;
        } catch (IOException | RuntimeException e) {
            LOG.warn("the log of cell {} could not be kept: {}", id, e.toString());
            return "";
        }
    }

    @Override
    public String lastWords() {
        try {
            return LogText.end(log, DETAIL_BYTES);
        } catch (IOException e) {
            return "";
        }
    }
}
