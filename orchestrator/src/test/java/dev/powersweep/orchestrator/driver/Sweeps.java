package dev.powersweep.orchestrator.driver;

import dev.powersweep.orchestrator.driver.StandInTrainer.Trouble;
import dev.powersweep.orchestrator.grid.GridCell;
import dev.powersweep.orchestrator.plan.PlannedCell;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.plan.SweepPlan;
import dev.powersweep.worker.cell.BatchWarmup;
import dev.powersweep.worker.cell.Branch;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;

/** Sweeps for tests, and the jar of their stand-in trainer. */
public final class Sweeps {
    public static final String CORPUS = "c0ffee";
    public static final RunPolicy POLICY = new RunPolicy(1, 0, 0, 1, 0.05, 0, 30, 3, 0, Optional.empty());

    private Sweeps() {}

    public static Cell cell(int layers, long steps, Trouble trouble) {
        return new Cell(
                ModelShape.gpt(layers, 32, 2, 16, 256),
                new DataRule(CORPUS, steps, 8, 10_000),
                new TrainingRule(
                        1e-3,
                        1,
                        new Schedule.Cosine(0.1),
                        0.9,
                        0.95,
                        1e-8,
                        0.1,
                        1.0,
                        0.0,
                        0.02,
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        TrainingRule.Divergence.DEFAULT),
                new EvaluationRule(4, 1024, List.of("validation")),
                trouble.ordinal());
    }

    /** Six steps at context 16: two of 32 tokens, one of 64, three of 128. */
    public static Cell warmed() {
        Cell base = cell(1, 10, Trouble.NONE);
        BatchWarmup warmup = new BatchWarmup(List.of(new BatchWarmup.Stage(2, 2, 1), new BatchWarmup.Stage(1, 4, 1)));
        return new Cell(
                base.model(),
                new DataRule(CORPUS, 6, 8, 10_000, Optional.of(warmup)),
                base.training(),
                base.evaluation(),
                0);
    }

    /** A cell that cools down over a fifth of its steps, from the trunk of all others with this trouble. */
    public static Cell branch(long steps, Trouble trouble) {
        Cell cell = cell(1, steps, trouble);
        return new Cell(
                cell.model(),
                cell.data(),
                cell.training().with(new Schedule.SharedTrunk(0.2)),
                cell.evaluation(),
                cell.seed());
    }

    /** A branch with another batch from a step of the trunk of {@link #branch}, four steps long. */
    public static Cell otherBatch(Cell trunk, long at, int sequences) {
        DataRule data = trunk.data();
        return trunk.reading(new DataRule(
                data.corpusHash(),
                at + 4,
                sequences,
                data.uniqueTokens(),
                Optional.empty(),
                Optional.of(new Branch(at, data.batchSequences(), 1.5))));
    }

    public static PlannedCell planned(Cell cell) {
        String name = "n" + cell.shape().nonEmbeddingParameters() + "-d" + cell.tokens() + "-s" + cell.seed();
        return new PlannedCell(new GridCell(name, cell), 0.1 * cell.data().steps(), 100 << 20);
    }

    public static SweepPlan plan(RunPolicy policy, Cell... cells) {
        return new SweepPlan(
                "trial",
                "name: trial\n",
                CORPUS,
                Arrays.stream(cells).map(Sweeps::planned).toList(),
                policy);
    }

    /** A jar that starts the stand-in with the class path of this test. */
    public static Path trainerJar(Path folder) throws IOException {
        Manifest manifest = new Manifest();
        Attributes attributes = manifest.getMainAttributes();
        attributes.put(Attributes.Name.MANIFEST_VERSION, "1.0");
        attributes.put(Attributes.Name.MAIN_CLASS, StandInTrainer.class.getName());
        String paths = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        attributes.put(
                Attributes.Name.CLASS_PATH,
                Arrays.stream(paths.split(java.io.File.pathSeparator))
                        .filter(path -> path.contains("jackson")
                                // Modules are folders of classes in some builds and jars in others.
                                || path.matches(".*[/\\\\]powersweep-[^/\\\\]*")
                                || Files.isDirectory(Path.of(path)))
                        .map(path -> Path.of(path).toUri())
                        .map(URI::toString)
                        .collect(Collectors.joining(" ")));
        Path jar = folder.resolve("stand-in-trainer.jar");
        try (OutputStream out = Files.newOutputStream(jar)) {
            new JarOutputStream(out, manifest).close();
        }
        return jar;
    }
}
