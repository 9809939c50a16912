import java.io.File;
import java.util.Map;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.listeners.ScoreIterationListener;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Takes a cell out of a sweep with Deeplearning4j alone: restores it, scores it, trains ten steps more, saves it.
 *
 * <p>{@code java -cp powersweep-trainer.jar ContinueCell.java model.zip batches.npz continued.zip}
 */
public class ContinueCell {

    public static void main(String[] arguments) throws Exception {
        MultiLayerNetwork network = ModelSerializer.restoreMultiLayerNetwork(new File(arguments[0]), true);
        network.setListeners(new ScoreIterationListener(1));
        Map<String, INDArray> batches = Nd4j.createFromNpzFile(new File(arguments[1]));

        System.out.println("validation loss " + network.score(windows(batches.get("evaluation.validation"))));
        INDArray training = batches.get("training").castTo(DataType.FLOAT);
        for (int step = 0; step < 10; step++) {
            network.fit(windows(training.get(NDArrayIndex.point(step))));
        }
        System.out.println("training loss " + network.score() + " at iteration " + network.getIterationCount());
        ModelSerializer.writeModel(network, new File(arguments[2]), true);
        System.exit(0);
    }

    /** Rows of context + 1 tokens: the first are features, the last are labels. */
    private static DataSet windows(INDArray rows) {
        INDArray tokens = rows.castTo(DataType.FLOAT);
        long context = tokens.size(1) - 1;
        return new DataSet(
                tokens.get(NDArrayIndex.all(), NDArrayIndex.interval(0, context)).dup(),
                tokens.get(NDArrayIndex.all(), NDArrayIndex.interval(1, context + 1)).dup());
    }
}
