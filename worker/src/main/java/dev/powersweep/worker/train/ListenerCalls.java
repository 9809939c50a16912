package dev.powersweep.worker.train;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import java.util.Arrays;
import java.util.function.Consumer;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Tells a network's listeners of steps, in the order of Deeplearning4j's own loop: an epoch's start, the gradient, the
 * iteration, an epoch's end. Iterations count from 0. Without listeners a step costs one comparison more.
 *
 * <p>{@code onForwardPass} is not called, since the fused pass keeps no activations by layer.
 */
final class ListenerCalls {

    private final MultiLayerNetwork network;
    private final DataRule data;
    private final int context;
    private final long windowsPerEpoch;
    private Gradient gradient;
    private INDArray features;
    private INDArray labels;

    ListenerCalls(MultiLayerNetwork network, Cell cell) {
        this.network = network;
        data = cell.data();
        context = cell.shape().context();
        windowsPerEpoch = Math.max(1, cell.data().uniqueTokens() / context);
    }

    /** Before a step: what {@code inputs} and {@code targets} begin with becomes the network's features and labels. */
    void begin(long step, int[] inputs, int[] targets) {
        if (network.getListeners().isEmpty()) {
            return;
        }
        int batch = data.sequencesAt(step);
        features = replace(features, inputs, batch);
        labels = replace(labels, targets, batch);
        network.setInput(features);
        network.setLabels(labels);
        network.setIterationCount(Math.toIntExact(step - 1));
        long epoch = firstSequence(step) / windowsPerEpoch;
        network.setEpochCount(Math.toIntExact(epoch));
        if (step == 1 || firstSequence(step - 1) / windowsPerEpoch < epoch) {
            tell(listener -> listener.onEpochStart(network));
        }
    }

    /** Between the batch's gradient and the update. */
    void gradient(double loss) {
        network.setScore(loss);
        if (network.getListeners().isEmpty()) {
            return;
        }
        if (gradient == null) {
            gradient = gradient();
        }
        network.setGradient(gradient);
        tell(listener -> listener.onBackwardPass(network));
        tell(listener -> listener.onGradientCalculation(network));
    }

    /** After the update. */
    void end(long step) {
        if (!network.getListeners().isEmpty()) {
            int epoch = network.getEpochCount();
            tell(listener -> listener.iterationDone(network, Math.toIntExact(step - 1), epoch));
            if (firstSequence(step + 1) / windowsPerEpoch > epoch) {
                tell(listener -> listener.onEpochEnd(network));
            }
        }
        network.setIterationCount(Math.toIntExact(step));
    }

    /** Frees what was made for listeners. */
    void close() {
        if (features != null) {
            features.close();
            labels.close();
        }
    }

    private long firstSequence(long step) {
        return data.sequencesThrough(step - 1);
    }

    private INDArray replace(INDArray old, int[] tokens, int batch) {
        int count = batch * context;
        int[] given = count == tokens.length ? tokens : Arrays.copyOf(tokens, count);
        INDArray made = Nd4j.createFromArray(given).reshape('c', new long[] {batch, context});
        if (old == null) {
            return made;
        }
        if (old.length() != count) {
            old.close();
            return made;
        }
        old.assign(made);
        made.close();
        return old;
    }

    /** Views of the flat gradient under the names of Deeplearning4j's own tables. */
    private Gradient gradient() {
        Gradient table = new DefaultGradient(network.getFlattenedGradients());
        for (Layer layer : network.getLayers()) {
            layer.conf()
                    .getLayer()
                    .initializer()
                    .getGradientsFromFlattened(layer.conf(), layer.getGradientsViewArray())
                    .forEach((name, view) -> table.setGradientFor(layer.getIndex() + "_" + name, view));
        }
        return table;
    }

    private void tell(Consumer<TrainingListener> news) {
        for (TrainingListener listener : network.getListeners()) {
            try {
                news.accept(listener);
            } catch (OutOfMemoryError e) {
                throw e;
            } catch (RuntimeException | Error e) {
                throw new ListenerException(
                        "the training listener " + listener.getClass().getName() + " threw " + e, e);
            }
        }
    }
}
