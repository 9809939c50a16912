package dev.powersweep.orchestrator.driver;

import dev.powersweep.orchestrator.storage.Digests;
import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.StopOrder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * A trainer process that speaks the protocol, of one cell at a time or several at once, and trains nothing: losses are a function of the cell and the step, and
 * the cell's seed says how it misbehaves. A checkpoint holds the number of its step.
 */
public final class StandInTrainer {
    /** How a cell goes wrong; the cell's seed is its ordinal, and 0 means not at all. */
    public enum Trouble {
        NONE,
        ABORTS,
        ABORTS_ONCE,
        HANGS,
        IS_KILLED,
        BABBLES,
        DIVERGES,
        HAS_A_BUG,
        NEEDS_MICRO_BATCH_2,
        IS_SLOW,
        EXITS,
        OUTLIVES_ITS_TIME,
        ABORTS_ONCE_LATE
    }

    /** Environment variable: where it is set, the trainer says that it found the GPUs it was given. */
    public static final String PRETENDS_CUDA = "POWERSWEEP_TRAINER_PRETENDS_CUDA";

    static final int STEPS_BETWEEN_CHECKPOINTS = 5;

    private volatile boolean stopping;
    private final Set<String> stopped = ConcurrentHashMap.newKeySet();

    private StandInTrainer() {}

    public static void main(String[] arguments) throws Exception {
        boolean cuda = List.of(arguments).contains("cuda") && System.getenv(PRETENDS_CUDA) != null;
        new StandInTrainer().serve(cuda, List.of(arguments).contains("--cells"));
    }

    private void serve(boolean cuda, boolean several) throws Exception {
        Thread main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            stopping = true;
            try {
                main.join(5000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }));
        System.err.println("stand-in trainer is up");
        say(new Frame.Ready(
                ProcessHandle.current().pid(),
                cuda ? "cuda" : "cpu",
                "none",
                cuda ? System.getenv("CUDA_VISIBLE_DEVICES") : "stand-in",
                1,
                Map.of("java", Runtime.version().toString(), "omp", System.getenv("OMP_NUM_THREADS"))));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null && !stopping; line = in.readLine()) {
            if (StopOrder.is(line)) {
                stopped.add(CellJson.read(line, StopOrder.class).stop());
                continue;
            }
            Assignment assignment = CellJson.read(line, Assignment.class);
            if (!several) {
                say(train(assignment));
                continue;
            }
            stopped.remove(assignment.cell().id());
            new Thread(() -> {
                        try {
                            say(train(assignment));
                        } catch (Exception e) {
                            e.printStackTrace();
                            Runtime.getRuntime().halt(1);
                        }
                    })
                    .start();
        }
    }

    private Frame.Outcome train(Assignment assignment) throws Exception {
        Cell cell = assignment.cell();
        String id = cell.id();
        Trouble trouble = Trouble.values()[(int) (cell.seed() % 100)];
        Path once = Path.of(assignment.shardDirectory()).resolve("once-" + id);
        long step = assignment.resumeFrom().isPresent()
                ? Long.parseLong(
                        Files.readString(Path.of(assignment.resumeFrom().get())))
                : 0;
        int microBatch =
                assignment.microBatchSequences() == 0 ? cell.data().batchSequences() : assignment.microBatchSequences();
        System.err.println("cell " + id + " attempt " + assignment.attempt());
        say(new Frame.Started(id, assignment.attempt(), step, microBatch));
        if (trouble == Trouble.NEEDS_MICRO_BATCH_2 && microBatch > 2) {
            return new Frame.Failed(id, step, FailureClass.HOST_MEMORY, "no memory for " + microBatch, "", 0.1);
        }
        List<Frame.Evaluation> evaluations = new ArrayList<>();
        while (step < cell.data().steps()) {
            step++;
            if (trouble == Trouble.IS_SLOW) {
                TimeUnit.MILLISECONDS.sleep(40);
            }
            if (trouble == Trouble.DIVERGES && step == 7) {
                say(steps(id, step, Double.NaN));
                return new Frame.Diverged(id, step, "loss is NaN", 0.1);
            }
            say(steps(id, step, loss(cell, step)));
            if (step % cell.evaluation().everySteps() == 0
                    || step == cell.data().steps()) {
                Frame.Evaluation evaluation = new Frame.Evaluation(
                        id,
                        step,
                        "validation",
                        loss(cell, step) + 0.1,
                        0.01,
                        cell.evaluation().tokens(),
                        1.5,
                        0.01);
                evaluations.clear();
                evaluations.add(evaluation);
                say(evaluation);
            }
            if (stopping || stopped.contains(id)) {
                checkpoint(assignment, step);
                return new Frame.Interrupted(id, step, 0.1);
            }
            if (step == cell.data().steps()
                    || assignment.branchSteps().contains(step)
                    || (assignment.checkpointSeconds() > 0 && step % STEPS_BETWEEN_CHECKPOINTS == 0)) {
                checkpoint(assignment, step);
            }
            boolean now = step == 8;
            if (trouble == Trouble.ABORTS_ONCE_LATE && step == cell.data().steps() - 1) {
                trouble = Trouble.ABORTS_ONCE;
                now = true;
            }
            if (now) {
                misbehave(trouble, once);
            }
            if (now && trouble == Trouble.HAS_A_BUG) {
                return new Frame.Failed(id, step, FailureClass.BUG, "index 3 out of bounds", "at Trainer.step", 0.1);
            }
        }
        return new Frame.Finished(id, step, false, loss(cell, step), evaluations, 0.2, 0.1, 100 << 20);
    }

    private static void misbehave(Trouble trouble, Path once) throws IOException, InterruptedException {
        switch (trouble) {
            case ABORTS -> signal("ABRT");
            case ABORTS_ONCE -> {
                if (!Files.exists(once)) {
                    Files.writeString(once, "");
                    signal("ABRT");
                }
            }
            case HANGS -> TimeUnit.HOURS.sleep(1);
            case IS_KILLED -> signal("KILL");
            case BABBLES -> {
                System.out.println("Added differentiated op softmax");
                System.out.flush();
                TimeUnit.HOURS.sleep(1);
            }
            case EXITS -> Runtime.getRuntime().halt(1);
            default -> {}
        }
    }

    private static void signal(String name) throws IOException, InterruptedException {
        new ProcessBuilder(
                        "kill",
                        "-" + name,
                        Long.toString(ProcessHandle.current().pid()))
                .start()
                .waitFor();
        TimeUnit.MINUTES.sleep(1);
    }

    /** On the trunk the same for all its cells. */
    public static double loss(Cell cell, long step) {
        return loss(step <= cell.trunkSteps() ? cell.trunk() : cell.id(), step);
    }

    public static double loss(String cell, long step) {
        return 5.0 / Math.sqrt(step) + (cell.hashCode() & 0xff) / 1000.0;
    }

    private static Frame.Steps steps(String id, long step, double loss) {
        return new Frame.Steps(
                id,
                step,
                new double[] {loss},
                new double[] {1e-3},
                new double[] {0.5},
                new double[] {Double.NaN},
                new double[] {0.25},
                new double[] {0.001});
    }

    private static void checkpoint(Assignment assignment, long step) throws IOException {
        Path directory = Files.createDirectories(Path.of(assignment.checkpointDirectory()));
        Path file = directory.resolve(step + ".ckpt");
        Files.writeString(file, Long.toString(step));
        say(new Frame.Checkpoint(
                assignment.cell().id(), step, file.toString(), Files.size(file), Digests.sha256(file)));
    }

    private static synchronized void say(Frame frame) {
        System.out.println(CellJson.line(frame));
        System.out.flush();
    }
}
