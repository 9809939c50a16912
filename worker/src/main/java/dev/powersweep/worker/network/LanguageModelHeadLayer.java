package dev.powersweep.worker.network;

import dev.powersweep.worker.cell.ModelShape.Embeddings;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.Matrix;
import dev.powersweep.worker.kernels.Write;
import java.util.List;
import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** {@link LanguageModelHead} at work. */
final class LanguageModelHeadLayer extends KernelLayer<LanguageModelHead> implements IOutputLayer {

    private static final long serialVersionUID = 1L;

    private transient Matrix normed;
    private transient Matrix statistics;
    private transient Matrix dNormed;
    private transient Matrix logits;
    private transient Matrix transposed;
    private INDArray labels;

    LanguageModelHeadLayer(NeuralNetConfiguration configuration, DataType type) {
        super(configuration, type);
    }

    @Override
    void allocate(int sequences) {
        KernelHelper memory = helper();
        int rows = Math.multiplyExact(sequences, layerConf().getContext());
        int width = (int) layerConf().getNIn();
        int vocabulary = (int) layerConf().getNOut();
        normed = memory.allocate(rows, width);
        statistics = memory.allocate(rows, 2);
        dNormed = memory.allocate(rows, width);
        logits = memory.allocate(rows, vocabulary);
        transposed = memory.allocate(width, vocabulary);
    }

    /** Leaves the logits. */
    private void forward() {
        int rows = (int) input.size(0);
        makeRoom(rows / layerConf().getContext());
        Kernels kernels = kernels();
        input = packed(input);
        kernels.normalise(
                wrap(input),
                normParameters(LanguageModelHead.GAIN, LanguageModelHead.BIAS),
                normed.first(rows),
                statistics.first(rows));
        kernels.transpose(unembedding(), transposed);
        kernels.linear(normed.first(rows), transposed, logits.first(rows));
    }

    /** Each token's loss; the logits become their gradient times {@code weight} unless that is 0. */
    private double[] losses(double weight) {
        int[] targets = Tokens.of(labels, layerConf().getContext(), layerConf().getNOut(), "labels");
        int rows = (int) input.size(0);
        if (targets.length != rows) {
            throw new IllegalArgumentException("labels are for " + targets.length + " tokens, and features for " + rows
                    + "; each input token needs the one that follows it");
        }
        double[] losses = new double[rows];
        kernels()
                .crossEntropy(
                        logits.first(rows), targets, 0, (float) layerConf().getLogitScale(), (float) weight, losses);
        return losses;
    }

    private Matrix unembedding() {
        return layerConf().getEmbeddings() == Embeddings.UNTIED
                ? parameter(LanguageModelHead.UNEMBEDDING)
                : networkStart(
                        paramsFlattened,
                        layerConf().getParametersBefore(),
                        (int) layerConf().getNOut(),
                        (int) layerConf().getNIn());
    }

    private Matrix unembeddingGradient() {
        return layerConf().getEmbeddings() == Embeddings.UNTIED
                ? gradient(LanguageModelHead.UNEMBEDDING)
                : networkStart(
                        gradientsFlattened,
                        layerConf().getParametersBefore(),
                        (int) layerConf().getNOut(),
                        (int) layerConf().getNIn());
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        forward();
        int rows = (int) input.size(0);
        int context = layerConf().getContext();
        long vocabulary = layerConf().getNOut();
        INDArray scores = fresh(rows, vocabulary);
        kernels()
                .accumulate(
                        logits.data().part(0, rows * vocabulary), kernels().wrap(scores), Write.REPLACE, new double[2]);
        return Transforms.softmax(scores.muli(layerConf().getLogitScale()), false)
                .reshape('c', new long[] {rows / context, context, vocabulary})
                .permute(0, 2, 1)
                .dup('c');
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
        forward();
        int rows = (int) input.size(0);
        Kernels kernels = kernels();
        kernels.zero(kernels.wrap(gradientsFlattened));
        Matrix dUnembedding = unembeddingGradient();
        kernels.zero(dUnembedding.data());
        score = mean(losses(1.0 / rows));
        kernels.linear(logits.first(rows), unembedding(), dNormed.first(rows));
        kernels.weightGradient(logits.first(rows), normed.first(rows), dUnembedding);
        INDArray dx = fresh(rows, layerConf().getNIn());
        kernels.normaliseBackward(
                dNormed.first(rows),
                wrap(input),
                statistics.first(rows),
                normParameters(LanguageModelHead.GAIN, LanguageModelHead.BIAS),
                normGradients(LanguageModelHead.GAIN, LanguageModelHead.BIAS),
                wrap(dx),
                Write.REPLACE);
        return new Pair<>(tableOfGradients(), dx);
    }

    @Override
    public double computeScore(double regularisation, boolean training, LayerWorkspaceMgr workspaces) {
        forward();
        score = mean(losses(0)) + regularisation;
        return score;
    }

    @Override
    public INDArray computeScoreForExamples(double regularisation, LayerWorkspaceMgr workspaces) {
        forward();
        int context = layerConf().getContext();
        double[] losses = losses(0);
        INDArray scores = Nd4j.createFromArray(losses).reshape('c', new long[] {losses.length / context, context});
        return scores.mean(true, 1).addi(regularisation);
    }

    private static double mean(double[] losses) {
        double sum = 0;
        for (double loss : losses) {
            sum += loss;
        }
        return sum / losses.length;
    }

    @Override
    public boolean needsLabels() {
        return true;
    }

    @Override
    public void setLabels(INDArray labels) {
        this.labels = labels;
    }

    @Override
    public INDArray getLabels() {
        return labels;
    }

    @Override
    public int numLabels() {
        return (int) layerConf().getNOut();
    }

    @Override
    public double f1Score(DataSet data) {
        throw notHere();
    }

    @Override
    public double f1Score(INDArray examples, INDArray wanted) {
        throw notHere();
    }

    @Override
    public void fit(DataSetIterator iterator) {
        throw notHere();
    }

    @Override
    public int[] predict(INDArray examples) {
        throw notHere();
    }

    @Override
    public List<String> predict(DataSet data) {
        throw notHere();
    }

    @Override
    public void fit(INDArray examples, INDArray wanted) {
        throw notHere();
    }

    @Override
    public void fit(DataSet data) {
        throw notHere();
    }

    @Override
    public void fit(INDArray examples, int[] wanted) {
        throw notHere();
    }

    private static UnsupportedOperationException notHere() {
        return new UnsupportedOperationException("a head is trained and asked through its network");
    }
}
