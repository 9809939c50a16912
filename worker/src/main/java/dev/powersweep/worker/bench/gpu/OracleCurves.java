package dev.powersweep.worker.bench.gpu;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.powersweep.worker.bench.gpu.MeasuredCells.Size;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.gpu.CellGroup;
import dev.powersweep.worker.gpu.CellGroup.Run;
import dev.powersweep.worker.gpu.Device;
import dev.powersweep.worker.kernels.KernelChoice;
import dev.powersweep.worker.train.CpuEngine;
import dev.powersweep.worker.train.Engine;
import dev.powersweep.worker.train.StepRecord;
import dev.powersweep.worker.train.TrainingSession;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The CPU engine's step records of small models, written where there is ND4J and compared where there is a card. */
final class OracleCurves {

    private static final int STEPS = 20;
    private static final int SEED = 3;
    private static final ObjectMapper JSON = new ObjectMapper();

    private OracleCurves() {}

    static void write(Path file) throws IOException {
        ArrayNode models = JSON.createArrayNode();
        for (Size size : MeasuredCells.options()) {
            ArrayNode records = models.addArray();
            Run run = size.run(SEED);
            try (Engine engine =
                    new CpuEngine(TrainingSession.create(run.cell(), run.source(), KernelChoice.FAST, 0))) {
                for (StepRecord record : train(engine)) {
                    records.addObject()
                            .put("loss", record.loss())
                            .put("norm", record.gradientNorm())
                            .put("small", record.gradientSquareSmall());
                }
            }
        }
        JSON.writeValue(file.toFile(), models);
    }

    /** Largest distances of each model and precision from the file's records. */
    static void compare(Device device, Path file, Report report) throws IOException {
        var models = JSON.readTree(file.toFile());
        for (Precision precision : Precision.values()) {
            int number = 0;
            for (Size size : MeasuredCells.options()) {
                var expected = models.get(number++);
                report.row("oracle", size.name(), precision, row -> {
                    try (CellGroup group = new CellGroup(device, List.of(size.run(SEED)), precision, 0)) {
                        distances(train(group), expected, row);
                    }
                });
            }
        }
    }

    private static void distances(
            List<StepRecord> records, com.fasterxml.jackson.databind.JsonNode expected, ObjectNode row) {
        double loss = 0;
        double norm = 0;
        double small = 0;
        for (int i = 0; i < STEPS; i++) {
            var cpu = expected.get(i);
            StepRecord record = records.get(i);
            loss = worse(loss, Math.abs(record.loss() - cpu.get("loss").doubleValue()));
            norm = worse(norm, apart(record.gradientNorm(), cpu.get("norm").doubleValue()));
            small = worse(
                    small, apart(record.gradientSquareSmall(), cpu.get("small").doubleValue()));
        }
        row.put("steps", STEPS)
                .put("lastLoss", records.get(STEPS - 1).loss())
                .put("loss", loss)
                .put("gradientNorm", norm)
                .put("gradientSquareSmall", small);
    }

    private static double apart(double ours, double cpu) {
        return Math.abs(ours - cpu) / Math.abs(cpu);
    }

    /** The larger one; NaN is the worst. */
    private static double worse(double one, double other) {
        return Math.max(one, other);
    }

    private static List<StepRecord> train(Engine engine) {
        List<StepRecord> records = new ArrayList<>();
        while (records.size() < STEPS) {
            engine.enqueue(Math.min(engine.mostQueued(), STEPS - records.size()));
            records.addAll(engine.drain().get(0).records());
        }
        return records;
    }
}
