package dev.powersweep.worker.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.worker.Cells;
import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.checkpoint.CheckpointDirectory;
import dev.powersweep.worker.data.ShardFixture;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A trained cell outside of its sweep: as a Deeplearning4j network, and as safetensors. */
class ExportedNetworkTest {

    @TempDir
    Path scratch;

    @Test
    void aProgramThatKnowsDeeplearning4jAloneGoesOnWithACell() throws Exception {
        Path shards = scratch.resolve("shard");
        ShardFixture.words(shards, 1, 20_000, 2_000);
        Cell cell = Cells.tiny(40, 4, 4000, 3);
        Assignment assignment = new Assignment(
                cell, 1, shards.toString(), scratch.resolve("checkpoints").toString(), Optional.empty(), 0, 0, 0);
        double loss;
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve")) {
            trainer.next();
            trainer.send(assignment);
            List<Frame> frames = trainer.untilOutcome();
            Frame.Finished finished = (Frame.Finished) frames.get(frames.size() - 1);
            loss = finished.finalEvaluations().get(0).loss();
        }
        String checkpoint = CheckpointDirectory.open(scratch.resolve("checkpoints"), cell)
                .newest()
                .orElseThrow()
                .toString();
        export(checkpoint, "model.zip");
        export(checkpoint, "model.safetensors");
        Path file = Files.writeString(scratch.resolve("cell.json"), CellJson.line(cell));
        export(file.toString(), "initial.npz", "--batches", path("batches.npz"), "--shards", shards.toString());

        String said = run(
                "-cp",
                System.getProperty("java.class.path"),
                Path.of("..", "examples", "dl4j", "ContinueCell.java").toString(),
                path("model.zip"),
                path("batches.npz"),
                path("continued.zip"));
        double validation = Double.parseDouble(
                said.substring(said.indexOf("validation loss ")).split("\\s+")[2]);
        assertThat(validation).isCloseTo(loss, within(1e-5));
        assertThat(said).contains("at iteration 50");

        MultiLayerNetwork before = ModelSerializer.restoreMultiLayerNetwork(path("model.zip"), true);
        MultiLayerNetwork after = ModelSerializer.restoreMultiLayerNetwork(path("continued.zip"), true);
        assertThat(after.getIterationCount()).isEqualTo(50);
        assertThat(after.params()).isNotEqualTo(before.params());
        // Second moments of a trained network are in place: none is negative, and most are above 0.
        long half = before.updaterState().length() / 2;
        assertThat(before.updaterState().length()).isEqualTo(2 * before.numParams());
        double largest = 0;
        for (long i = half; i < 2 * half; i++) {
            assertThat(before.updaterState().getDouble(i)).isNotNegative();
            largest = Math.max(largest, before.updaterState().getDouble(i));
        }
        assertThat(largest).isPositive();

        ByteBuffer tensors = ByteBuffer.wrap(Files.readAllBytes(scratch.resolve("model.safetensors")))
                .order(ByteOrder.LITTLE_ENDIAN);
        byte[] header = new byte[(int) tensors.getLong()];
        tensors.get(header);
        var names = CellJson.mapper().readTree(new String(header, StandardCharsets.UTF_8));
        assertThat(names.get("tokenEmbedding").get("shape").toString()).isEqualTo("[256,16]");
        assertThat(tensors.remaining()).isEqualTo(before.numParams() * Float.BYTES);
        assertThat(tensors.getFloat()).isEqualTo(before.params().getFloat(0));
    }

    private void export(String source, String target, String... more) throws Exception {
        String[] arguments = new String[3 + more.length];
        arguments[0] = "export";
        arguments[1] = source;
        arguments[2] = path(target);
        System.arraycopy(more, 0, arguments, 3, more.length);
        try (TrainerProcess trainer = TrainerProcess.start(scratch, arguments)) {
            assertThat(trainer.exitStatus()).as(trainer.log()).isZero();
        }
    }

    private String path(String name) {
        return scratch.resolve(name).toString();
    }

    private static String run(String... arguments) throws Exception {
        String[] command = new String[arguments.length + 1];
        command[0] = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        return said;
    }
}
