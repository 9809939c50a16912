package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.TrainerCommand;
import dev.powersweep.worker.checkpoint.CheckpointException;
import dev.powersweep.worker.checkpoint.WeightsExport;
import dev.powersweep.worker.data.ShardException;
import dev.powersweep.worker.data.ShardStore;
import dev.powersweep.worker.train.BatchSource;
import dev.powersweep.worker.train.TrainingSession;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** The trainer's entry point; see {@link CommandLine} for its words and {@link Frame} for its protocol. */
public final class Main {
    static final int EXIT_FINISHED = 0;
    static final int EXIT_NOT_FINISHED = 1;
    static final int EXIT_USAGE = 2;
    private static final String LOGGING = "log4j2.configurationFile";
    /** What a terminal would do something at other than show it, line feeds and tabs apart. */
    private static final Pattern CONTROLS =
            Pattern.compile("[\\x00-\\x08\\x0B-\\x1F\\x7F-\\x9F\\u061C\\u200E\\u200F\\u2028-\\u202E\\u2066-\\u2069]");

    private final CommandLine command;
    private final FrameWriter out;
    private final StopSignal stop;
    private final ShardStore shards = new ShardStore();

    private Main(CommandLine command, FrameWriter out, StopSignal stop) {
        this.command = command;
        this.out = out;
        this.stop = stop;
    }

    /** See {@link CommandLine#usage()}. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        // Frames alone go to standard output; what libraries print goes to standard error.
        FileOutputStream frames = new FileOutputStream(FileDescriptor.out);
        System.setOut(System.err);
        // By name: a log4j2.xml at the root would be everybody's whose class path has this module.
        if (System.getProperty(LOGGING) == null) {
            System.setProperty(LOGGING, "classpath:dev/powersweep/worker/trainer/log4j2.xml");
        }

        CommandLine command;
        try {
            command = CommandLine.parse(List.of(arguments));
        } catch (UsageException e) {
            say(e.getMessage() + "; see --help.");
            System.exit(EXIT_USAGE);
            return;
        }
        if (command.verb() == CommandLine.Verb.HELP) {
            frames.write(CommandLine.usage().getBytes(StandardCharsets.UTF_8));
            return;
        }
        Optional<Integer> child = Relaunch.ifNeeded(
                TrainerCommand.of(TrainerCommand.Resources.threads(command.threads())), List.of(arguments));
        if (child.isPresent()) {
            System.exit(child.get());
        }
        StopSignal stop = StopSignal.ofProcess();
        Relaunch.watchParent(stop);
        int status = new Main(command, new FrameWriter(frames), stop).run();
        // A JVM that is shutting down ends with the signal's status, and would wait here for ever.
        if (!stop.shuttingDown()) {
            System.exit(status);
        }
    }

    /** A message may quote a file that somebody else wrote; lines after the first are indented, and pass for no other's. */
    static void say(String message) {
        System.err.println(
                "trainer: " + CONTROLS.matcher(message).replaceAll("\uFFFD").replace("\n", "\n  "));
    }

    private int run() throws IOException {
        try {
            if (command.verb() == CommandLine.Verb.EXPORT) {
                export();
                return EXIT_FINISHED;
            }
            Optional<Assignment> assignment = command.file().map(file -> AssignmentFile.read(file, command));
            Preflight.Prepared prepared = Preflight.run(command.backend(), command.kernels(), command.cells());
            out.write(prepared.ready());
            if (assignment.isEmpty()) {
                if (prepared.place() instanceof TrainingPlace.Shared shared) {
                    new SharedServer(shared, shards, out, stop).serve(System.in);
                } else {
                    serve(prepared.place());
                }
                return EXIT_FINISHED;
            }
            return train(assignment.get(), prepared.place()) instanceof Frame.Finished
                    ? EXIT_FINISHED
                    : EXIT_NOT_FINISHED;
        } catch (BadInputException | CheckpointException | ShardException e) {
            say(e.getMessage());
            return EXIT_USAGE;
        } catch (Preflight.UnsupportedDeviceException e) {
            say(e.getMessage());
            return TrainerCommand.EXIT_UNSUPPORTED_DEVICE;
        } catch (Preflight.HostException | FrameWriter.ReaderGoneException e) {
            say(e.getMessage());
            return EXIT_NOT_FINISHED;
        } catch (RuntimeException | OutOfMemoryError e) {
            // Whatever a damaged file led to: the JVM would print its trace past what guards the terminal.
            say("unexpected failure: " + Failures.stack(e));
            return EXIT_NOT_FINISHED;
        }
    }

    private void export() {
        Path source = command.file().orElseThrow();
        Path target = command.target().orElseThrow();
        if (!source.toString().endsWith(".json")) {
            if (command.batches().isPresent()) {
                throw new BadInputException(
                        "--batches writes the tokens of a cell, which " + source + " is not; give a CELL.json.", null);
            }
            if (target.toString().endsWith(".zip")) {
                NetworkExport.ofCheckpoint(source, target);
            } else {
                WeightsExport.ofCheckpoint(source, target);
            }
            return;
        }
        Cell cell = AssignmentFile.cell(source);
        command.batches().ifPresent(batches -> {
            long steps = command.steps().orElse(cell.data().steps());
            if (steps > cell.data().steps()) {
                throw new BadInputException(
                        "--steps " + steps + " is more than the " + cell.data().steps() + " steps of the cell in "
                                + source + "; give fewer.",
                        null);
            }
            Path directory = AssignmentFile.shards(source, command);
            BatchesExport.write(cell, shards.open(directory), steps, batches);
        });
        BatchSource none = (step, inputs, targets) -> {
            throw new IllegalStateException("initial weights need no data");
        };
        try (TrainingSession session = TrainingSession.create(cell, none, command.kernels(), 0)) {
            WeightsExport.write(session.layout(), session.state().parameters(), target);
        } catch (IllegalArgumentException e) {
            throw new BadInputException(Failures.message(e), e);
        }
    }

    /** Takes assignments until the end of standard input or a request to stop. */
    private void serve(TrainingPlace place) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null && !stop.requested(); line = in.readLine()) {
            if (line.isBlank()) {
                continue;
            }
            Assignment assignment;
            try {
                assignment = CellJson.read(line, Assignment.class);
            } catch (IllegalArgumentException e) {
                out.write(Failures.ofLine(e));
                continue;
            }
            train(assignment, place);
        }
    }

    private Frame.Outcome train(Assignment assignment, TrainingPlace place) {
        stop.begin();
        try {
            Frame.Outcome outcome = new CellRun(assignment, shards, place, out, stop).run();
            out.write(outcome);
            return outcome;
        } finally {
            stop.end();
        }
    }
}
