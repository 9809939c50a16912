package dev.powersweep.worker.network;

import dev.powersweep.worker.cell.ModelShape.Embeddings;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.Span;
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

    private transient Span normed;
    private transient Span statistics;
    private transient Span dNormed;
    private transient Span logits;
    private transient Span transposed;
    private INDArray labels;

    LanguageModelHeadLayer(NeuralNetConfiguration configuration, DataType type) {
        super(configuration, type);
    }

    @Override
    void allocate(int sequences) {
        KernelHelper memory = helper();
        long rows = (long) sequences * layerConf().getContext();
        long width = layerConf().getNIn();
        normed = memory.allocate(rows * width);
        statistics = memory.allocate(rows * 2);
        dNormed = memory.allocate(rows * width);
        logits = memory.allocate(rows * layerConf().getNOut());
        transposed = memory.allocate(width * layerConf().getNOut());
    }

    /** Leaves the logits. */
    private void forward() {
        int rows = (int) input.size(0);
        int width = (int) layerConf().getNIn();
        int vocabulary = (int) layerConf().getNOut();
        makeRoom(rows / layerConf().getContext());
        Kernels kernels = kernels();
        input = packed(input);
        kernels.addNormalise(
                kernels.wrap(input),
                null,
                null,
                null,
                parameter(LanguageModelHead.GAIN),
                parameter(LanguageModelHead.BIAS),
                normed,
                statistics,
                rows,
                width);
        kernels.transpose(unembedding(), vocabulary, width, transposed);
        kernels.linear(normed, transposed, logits, rows, width, vocabulary);
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
                        logits,
                        targets,
                        0,
                        rows,
                        (int) layerConf().getNOut(),
                        (float) layerConf().getLogitScale(),
                        (float) weight,
                        losses);
        return losses;
    }

    private Span unembedding() {
        return layerConf().getEmbeddings() == Embeddings.UNTIED
                ? parameter(LanguageModelHead.UNEMBEDDING)
                : networkStart(
                        paramsFlattened,
                        layerConf().getParametersBefore(),
                        layerConf().getNIn() * layerConf().getNOut());
    }

    private Span unembeddingGradient() {
        return layerConf().getEmbeddings() == Embeddings.UNTIED
                ? gradient(LanguageModelHead.UNEMBEDDING)
                : networkStart(
                        gradientsFlattened,
                        layerConf().getParametersBefore(),
                        layerConf().getNIn() * layerConf().getNOut());
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        forward();
        int rows = (int) input.size(0);
        int context = layerConf().getContext();
        long vocabulary = layerConf().getNOut();
        INDArray scores = fresh(rows, vocabulary);
        kernels().accumulate(logits.part(0, rows * vocabulary), kernels().wrap(scores), Write.REPLACE, new double[2]);
        return Transforms.softmax(scores.muli(layerConf().getLogitScale()), false)
                .reshape('c', new long[] {rows / context, context, vocabulary})
                .permute(0, 2, 1)
                .dup('c');
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
        forward();
        int rows = (int) input.size(0);
        int width = (int) layerConf().getNIn();
        int vocabulary = (int) layerConf().getNOut();
        Kernels kernels = kernels();
        kernels.zero(kernels.wrap(gradientsFlattened));
        Span dUnembedding = unembeddingGradient();
        kernels.zero(dUnembedding);
        score = mean(losses(1.0 / rows));
        kernels.linear(logits, unembedding(), dNormed, rows, vocabulary, width);
        kernels.weightGradient(logits, normed, dUnembedding, rows, vocabulary, width);
        INDArray dx = fresh(rows, width);
        kernels.normaliseBackward(
                dNormed,
                kernels.wrap(input),
                statistics,
                parameter(LanguageModelHead.GAIN),
                gradient(LanguageModelHead.GAIN),
                gradient(LanguageModelHead.BIAS),
                kernels.wrap(dx),
                Write.REPLACE,
                rows,
                width);
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
