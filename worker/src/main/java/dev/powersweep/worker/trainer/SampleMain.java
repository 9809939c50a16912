package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.SampleRequest;
import dev.powersweep.worker.checkpoint.CheckpointException;
import dev.powersweep.worker.checkpoint.CheckpointFile;
import dev.powersweep.worker.network.NetworkVectors;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * Goes on with a text: {@code SampleMain CHECKPOINT} reads a {@link SampleRequest} from standard input and writes the token
 * ids that were drawn, as a JSON array, to standard output.
 */
public final class SampleMain {
    private SampleMain() {}

    public static void main(String[] arguments) throws IOException {
        PrintStream out = System.out;
        System.setOut(System.err);
        try {
            SampleRequest request =
                    CellJson.read(new String(System.in.readAllBytes(), StandardCharsets.UTF_8), SampleRequest.class);
            out.println(Arrays.toString(sample(Path.of(arguments[0]), request)));
            out.flush();
        } catch (CheckpointException | BadInputException | IllegalArgumentException e) {
            Main.say(Failures.message(e));
            System.exit(Main.EXIT_USAGE);
        } catch (RuntimeException | OutOfMemoryError e) {
            // Whatever a damaged checkpoint led to: the JVM would print its trace past what guards the terminal.
            Main.say("unexpected failure: " + Failures.message(e));
            System.exit(Main.EXIT_NOT_FINISHED);
        }
        System.exit(Main.EXIT_FINISHED);
    }

    private static int[] sample(Path checkpoint, SampleRequest request) {
        CheckpointFile file = CheckpointFile.open(checkpoint);
        ModelShape shape = file.header().cell().shape();
        MultiLayerNetwork network = NetworkExport.network(file, checkpoint);
        try {
            return new TokenSampler(network, shape.context(), shape.vocabulary()).sample(request);
        } finally {
            NetworkVectors.close(network);
        }
    }
}
