package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.corpus.CorpusPreparer;
import dev.powersweep.orchestrator.design.DesignAnswers;
import dev.powersweep.orchestrator.design.DesignText;
import dev.powersweep.orchestrator.grid.CorpusFacts;
import dev.powersweep.orchestrator.plan.Forecast;
import dev.powersweep.orchestrator.plan.Slots;
import dev.powersweep.orchestrator.plan.SweepPlanner;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.text.Numbers;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code powersweep init}: a specification for a text, designed for what this machine trains in some time. */
@Command(
        name = "init",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Reads a text, measures this machine for some seconds, and writes a specification that answers the"
                        + " usual questions in the time given; says how precisely, and trains nothing.")
public final class InitCommand implements Callable<Integer> {
    private static final double MOST_HOURS = 1e4;
    /** From so many files on a twentieth of them is a sample; they are books or articles then. */
    private static final int MANY_FILES = 50;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Parameters(
            arity = "0..1",
            paramLabel = "SPEC.yaml",
            description = "The file to write; never overwritten. Default: the text's name with .yaml.")
    private Optional<String> file = Optional.empty();

    @Option(
            names = "--text",
            required = true,
            paramLabel = "PATH",
            description = "Text to train on: a file, a directory or a glob, as corpus.text takes it.")
    private String text = "";

    @Option(names = "--hours", paramLabel = "H", description = "Time that the sweep may take. Default: 0.5.")
    private double hours = 0.5;

    @Override
    public Integer call() throws InterruptedException, IOException {
        if (!(hours > 0 && hours <= MOST_HOURS)) {
            throw new UserError("--hours " + hours + " must be above 0 and at most 10000");
        }
        InitialSpecification start = InitialSpecification.of(text, hours);
        Path target = target(start);
        Configuration configuration = HadoopSettings.configuration();
        try (SparkSession session = Sessions.forSweep(start.name(), Optional.empty(), CellNeeds.ONE_CORE)) {
            JavaSparkContext spark = JavaSparkContext.fromSparkContext(session.sparkContext());
            CorpusPreparer blocks = CorpusPreparer.open(session, read(start, target));
            Optional<CorpusPreparer> files =
                    blocks.read().files().size() >= MANY_FILES ? byFile(session, start, target) : Optional.empty();
            CorpusPreparer corpus = files.orElse(blocks);
            InitialSpecification chosen = files.isPresent() ? start.byFile() : start;
            SweepSpec draft = read(chosen, target);
            CorpusFacts facts = corpus.facts(Optional.empty());
            Slots slots = Sessions.slots(spark);
            SweepDirectory directory = SweepDirectory.at("sweeps/" + start.name(), configuration);
            DesignStage.Made made = new DesignStage(spark, facts, slots).design(draft, directory);
            String written = chosen.designed(made.parts(), corpus.read().summary(), facts, slots);
            // What is written is what was checked.
            SweepSpec spec = SweepSpecReader.read(written, target.toString(), List.of());
            Forecast forecast = new SweepPlanner(made.rates().orElse(List.of())).forecast(spec, facts, slots);
            DesignAnswers answers = DesignAnswers.of(spec, forecast);
            write(target, written);
            tell(target, corpus.read().summary(), facts, forecast, answers);
        }
        return CommandLine.ExitCode.OK;
    }

    private static SweepSpec read(InitialSpecification start, Path target) {
        return SweepSpecReader.read(start.undesigned(), target.toString(), List.of());
    }

    /** A few large files may all fall on one side; blocks are held out then. */
    private static Optional<CorpusPreparer> byFile(SparkSession session, InitialSpecification start, Path target) {
        try {
            return Optional.of(CorpusPreparer.open(session, read(start.byFile(), target)));
        } catch (UserError oneSide) {
            return Optional.empty();
        }
    }

    /** Refused before anything is read or measured. */
    private Path target(InitialSpecification start) {
        try {
            Path target = Path.of(file.orElse(start.name() + ".yaml"));
            if (Files.exists(target)) {
                throw exists(target);
            }
            Path folder = target.toAbsolutePath().getParent();
            if (!Files.isDirectory(folder) || !Files.isWritable(folder)) {
                throw new UserError("cannot write " + target + ": " + folder
                        + " is no directory that can be written to; name another SPEC.yaml");
            }
            return target;
        } catch (InvalidPathException e) {
            throw new UserError("cannot write " + file.orElse("") + ": it is no path", e);
        }
    }

    private static UserError exists(Path target) {
        return new UserError(target + " exists already and is left as it is; name another SPEC.yaml after the options");
    }

    private static void write(Path target, String written) {
        try {
            Files.writeString(target, written, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        } catch (FileAlreadyExistsException e) {
            throw exists(target);
        } catch (IOException e) {
            throw new UserError("cannot write " + target + ": " + e.getMessage(), e);
        }
    }

    private void tell(Path target, String read, CorpusFacts facts, Forecast forecast, DesignAnswers answers) {
        PrintWriter out = command.commandLine().getOut();
        out.println("read " + read + ": " + Numbers.count(facts.trainTokens()) + " tokens to train on");
        out.println(forecast.plan().cells().size() + " cells, some "
                + Numbers.duration(forecast.makespanSeconds()) + " on "
                + forecast.slots().count()
                + " slots by the speed measured here, of the " + Numbers.duration(3600 * hours) + " that were given");
        if (forecast.makespanSeconds() < 0.8 * 3600 * hours) {
            out.println("The text is too short for larger budgets; more of it would use the rest of the time.");
        }
        out.print(DesignText.text(answers));
        out.println("written: " + target + "; next:");
        out.println("  powersweep run " + shell(target.toString()));
        out.flush();
    }

    private static String shell(String word) {
        return word.matches("[A-Za-z0-9_./+=:@%-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }
}
