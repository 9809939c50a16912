package dev.powersweep.worker.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.powersweep.worker.kernels.KernelChoice;
import dev.powersweep.worker.kernels.Kernels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;

class AlignedNetworkTest {

    @TempDir
    Path folder;

    @Test
    void everyVectorBeginsAtACacheLine() {
        for (DataType type : List.of(DataType.FLOAT, DataType.DOUBLE)) {
            for (int width : new int[] {16, 32, 80}) {
                MultiLayerNetwork network = small(width).dataType(type).build();
                assertVectorsAligned(network);
                NetworkVectors.close(network);
            }
        }
    }

    @Test
    void aRestoredNetworksVectorsDoToo() throws IOException {
        MultiLayerNetwork network = small(32).build();
        network.getUpdater().getStateViewArray().assign(0.25);
        Path file = folder.resolve("model.zip");
        ModelSerializer.writeModel(network, file.toFile(), true);
        MultiLayerNetwork restored = TransformerLanguageModel.restore(file);
        assertVectorsAligned(restored);
        assertEquals(network.params(), restored.params());
        assertEquals(
                network.getUpdater().getStateViewArray(), restored.getUpdater().getStateViewArray());
    }

    @Test
    void itsInitialStateIsThatOfAPlainNetwork() {
        MultiLayerConfiguration configuration = small(48).configuration();
        MultiLayerNetwork plain = new MultiLayerNetwork(configuration.clone());
        plain.init();
        MultiLayerNetwork aligned = AlignedNetwork.fresh(configuration);
        assertEquals(plain.params(), aligned.params());
        assertEquals(plain.paramTable(), aligned.paramTable());
        assertEquals(
                plain.getUpdater().getStateViewArray(), aligned.getUpdater().getStateViewArray());
        assertEquals(plain.getFlattenedGradients(), aligned.getFlattenedGradients());
    }

    @Test
    void anUpdaterWithoutMomentsIsDeeplearning4jsOwn() {
        IUpdater plain = new Sgd(0.1);
        MultiLayerNetwork network = small(16).updater(plain).build();
        INDArray state = network.getUpdater().getStateViewArray();
        assertTrue(state == null || state.isEmpty(), "state");
    }

    @Test
    void whatKernelsWriteIsTheStateOfTheUpdaterMadeLater() {
        try (Kernels kernels = KernelSets.open(KernelChoice.PORTABLE)) {
            MultiLayerNetwork network = small(16).build();
            NetworkVectors vectors = NetworkVectors.of(network, kernels);
            vectors.firstMoments().set(3, 0.5);
            vectors.secondMoments().set(0, 0.25);
            INDArray state = network.getUpdater().getStateViewArray();
            assertEquals(0.5, state.getDouble(3));
            assertEquals(0.25, state.getDouble(network.numParams()));
            assertEquals(0.75, state.sumNumber().doubleValue());
            state.putScalar(4, 2);
            assertEquals(2, vectors.firstMoments().get(4));
            NetworkVectors.close(network);
            assertTrue(state.data().wasClosed(), "still allocated");
        }
    }

    @Test
    void momentsWithoutAnUpdaterAreFreed() {
        try (Kernels kernels = KernelSets.open(KernelChoice.PORTABLE)) {
            AlignedNetwork network = (AlignedNetwork) small(16).build();
            NetworkVectors.of(network, kernels);
            INDArray moments = network.allocatedMoments().orElseThrow();
            NetworkVectors.close(network);
            assertTrue(moments.data().wasClosed(), "still allocated");
        }
    }

    @Test
    void twoAdamsHaveNoOneBlockOfMoments() {
        MultiLayerConfiguration configuration = small(16).configuration();
        ((BaseLayer) configuration.getConf(1).getLayer()).setIUpdater(new Adam(0.5));
        MultiLayerNetwork network = AlignedNetwork.fresh(configuration);
        try (Kernels kernels = KernelSets.open(KernelChoice.PORTABLE)) {
            assertThrows(IllegalArgumentException.class, () -> NetworkVectors.of(network, kernels));
        }
        NetworkVectors.close(network);
    }

    @Test
    void closingFreesWhatTheVectorsArePartsOf() {
        MultiLayerNetwork network = small(16).build();
        List<INDArray> vectors = vectors(network);
        NetworkVectors.close(network);
        for (INDArray vector : vectors) {
            assertTrue(vector.data().wasClosed(), "still allocated");
        }
    }

    private static TransformerLanguageModel.Builder small(int width) {
        return TransformerLanguageModel.builder()
                .layers(1)
                .width(width)
                .heads(1)
                .context(8)
                .vocabulary(16);
    }

    private static List<INDArray> vectors(MultiLayerNetwork network) {
        INDArray state = network.getUpdater().getStateViewArray();
        return List.of(network.params(), state, network.getFlattenedGradients());
    }

    private static void assertVectorsAligned(MultiLayerNetwork network) {
        for (INDArray vector : vectors(network)) {
            assertEquals(0, vector.data().addressPointer().address() % 64);
        }
        for (INDArray tensor : network.paramTable().values()) {
            // Widths of whole lines leave no tensor within one.
            assertEquals(0, tensor.data().addressPointer().address() % 64);
        }
    }
}
