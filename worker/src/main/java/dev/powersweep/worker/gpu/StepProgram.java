package dev.powersweep.worker.gpu;

import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ModelShape.Activation;
import dev.powersweep.worker.cell.ModelShape.Normalization;
import dev.powersweep.worker.cell.ModelShape.Positions;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.gpu.GroupMemory.Layer;
import dev.powersweep.worker.gpu.Product.Factor;
import dev.powersweep.worker.gpu.Product.Order;
import dev.powersweep.worker.gpu.Product.Result;
import dev.powersweep.worker.model.ParameterLayout;
import dev.powersweep.worker.model.ParameterLayout.Norm;
import dev.powersweep.worker.model.ParameterLayout.Tensor;

/**
 * Queues the kernels and products of a step for all cells of a group: the same mathematics as
 * {@link dev.powersweep.worker.model.Transformer} and {@link dev.powersweep.worker.train.TrainingSession}. Everything that
 * changes from step to step is read from the device's memory, so that a step can be captured once.
 */
final class StepProgram {

    private static final int WARP = 32;
    private static final int ROW_WARPS = 4;
    private static final int ELEMENT_THREADS = 256;
    private static final int COLUMN_THREADS = 128;
    private static final int SORT_THREADS = 256;
    private static final int ATTENTION_THREADS = 128;
    private static final int MOST_THREADS = 1024;

    private final Device device;
    private final GroupShape shape;
    private final ModelShape model;
    private final ParameterLayout parameters;
    private final DeviceLayout layout;
    private final GroupMemory memory;
    private final int slots;
    private final boolean dropout;
    private final String suffix;
    private final long cellParameters;
    private final long rules;
    /** Where products read weights, and how long a number is there. */
    private final long weights;

    private final int number;

    /** Of all cells that the memory is for. */
    StepProgram(
            Device device,
            GroupShape shape,
            ParameterLayout parameters,
            DeviceLayout layout,
            GroupMemory memory,
            int slots,
            boolean dropout) {
        this(device, shape, parameters, layout, memory, slots, dropout, 0);
    }

    private StepProgram(
            Device device,
            GroupShape shape,
            ParameterLayout parameters,
            DeviceLayout layout,
            GroupMemory memory,
            int slots,
            boolean dropout,
            int firstCell) {
        this.device = device;
        this.shape = shape;
        this.parameters = parameters;
        this.layout = layout;
        this.memory = memory;
        this.slots = slots;
        this.dropout = dropout;
        model = shape.model();
        suffix = KernelSources.suffix(shape.precision());
        number = shape.precision().bytes();
        long before = firstCell * layout.stride();
        cellParameters = memory.parameters + before * Float.BYTES;
        rules = memory.rules + (long) firstCell * CellRule.BYTES;
        weights = shape.precision() == Precision.BFLOAT16 ? memory.rounded + before * number : cellParameters;
    }

    /** A program that {@linkplain #score scores} with one of the cells alone. */
    StepProgram ofOne(int cell) {
        return new StepProgram(device, shape.of(1), parameters, layout, memory, slots, dropout, cell);
    }

    /** One step of every cell. */
    void step() {
        device.beside(() -> device.zero(memory.gradients, shape.slices() * layout.stride() * Float.BYTES));
        device.launch(
                "readWindows" + 8 * memory.tokenBytes,
                Grid.of(shape.batchSequences(), shape.cells()),
                COLUMN_THREADS,
                memory.pool,
                memory.starts,
                memory.plans,
                rules,
                memory.standings,
                memory.inputs,
                memory.targets,
                slots,
                shape.parts(),
                shape.passes(),
                model.context());
        float weight = (float) (1.0 / shape.batchTokens());
        for (int pass = 0; pass < shape.passes(); pass++) {
            Pass p = new Pass(pass, dropout ? memory.standings : 0);
            device.beside(() -> sortRows(p));
            forward(p);
            head(p, weight);
            backward(p);
        }
        device.join();
        update();
    }

    /** Losses of the tokens that stand in the place of the first pass, without dropout. */
    void score() {
        Pass p = new Pass(0, 0);
        forward(p);
        head(p, 0);
    }

    /** Renews the parameters' copy in bfloat16, where there is one. */
    void refresh() {
        if (memory.rounded != 0) {
            long length = shape.cells() * layout.stride();
            device.launch(
                    "roundParameters",
                    Grid.of(Grid.blocks(length, ELEMENT_THREADS)),
                    ELEMENT_THREADS,
                    cellParameters,
                    memory.rounded,
                    length);
        }
    }

    /**
     * One pass.
     *
     * @param standings where kernels read the dropout's key; 0 for no dropout
     */
    private record Pass(int number, long standings) {}

    private void forward(Pass pass) {
        device.launch(
                "embed",
                rowGrid(),
                ROW_WARPS * WARP,
                inputs(pass),
                cellParameters,
                rules,
                pass.standings,
                memory.residual[0],
                layout.stride(),
                layout.offset(parameters.tokenEmbedding()),
                layout.offset(parameters.positionEmbedding()),
                shape.parts(),
                shape.rows(),
                shape.partRows(),
                firstRow(pass),
                model.context(),
                model.width());
        for (int i = 0; i < model.layers(); i++) {
            ParameterLayout.Block block = parameters.block(i);
            Layer layer = memory.layers[i];
            normalise(pass, 2 * i, block.attentionNorm(), layer.normed(), layer.statistics());
            linear(layer.normed(), block.qkv(), layer.packed());
            rotate(layer.packed(), 1);
            attention(layer);
            linear(layer.attended(), block.attentionOut(), memory.branch);
            normalise(
                    pass, 2 * i + 1, block.feedForwardNorm(), layer.feedForwardNormed(), layer.feedForwardStatistics());
            activated(layer.feedForwardNormed(), block.up(), layer);
            linear(layer.hidden(), block.down(), memory.branch);
        }
        normalise(pass, 2 * model.layers(), parameters.finalNorm(), memory.finalNormed, memory.finalStatistics);
    }

    private void head(Pass pass, float weight) {
        int at = shape.logitRows();
        boolean whole = at == shape.cellRows();
        int width = model.width();
        int vocabulary = model.vocabulary();
        long cellStride = (long) shape.cellRows() * width;
        long logitStride = (long) at * vocabulary;
        long unembedding = layout.offset(parameters.unembedding());
        Factor table = new Factor(weights + unembedding * number, width, layout.stride(), Order.AS_IS);
        for (int row = 0; row < shape.cellRows(); row += at) {
            long first = (long) row * width * number;
            Factor normed = new Factor(memory.finalNormed + first, width, cellStride, Order.AS_IS);
            Factor dNormed = new Factor(memory.dNormed + first, width, cellStride, Order.AS_IS);
            Factor logits = new Factor(memory.logits, vocabulary, logitStride, Order.AS_IS);
            Factor dLogits = new Factor(memory.dLogits, vocabulary, logitStride, Order.AS_IS);
            // The rows before may still be read.
            device.join();
            multiply(normed, transposed(table), logits, at, vocabulary, width, shape.cells(), Result.SINGLE, 0);
            device.launch(
                    "classify" + suffix,
                    Grid.of(at, shape.cells()),
                    Math.max(WARP, Math.min(MOST_THREADS, (vocabulary / 8 + WARP - 1) / WARP * WARP)),
                    memory.logits,
                    weight == 0 ? 0 : memory.dLogits,
                    memory.targets + (pass.number * shape.allRows() + row) * Integer.BYTES,
                    memory.losses + (pass.number * shape.allRows() + row) * Float.BYTES,
                    rules,
                    shape.cellRows(),
                    vocabulary,
                    Device.single(weight));
            if (weight == 0) {
                continue;
            }
            // Each slice has a gradient of its own: all of them, or the one that these rows belong to in every cell.
            int slicesOfCell = whole ? 1 : shape.parts();
            int batch = whole ? shape.slices() : shape.cells();
            int rows = whole ? shape.rows() : at;
            long part = whole ? 0 : row / shape.rows();
            device.beside(() -> multiply(
                    transposed(dLogits.address(), vocabulary, (long) rows * vocabulary),
                    new Factor(normed.address(), width, whole ? (long) rows * width : cellStride, Order.AS_IS),
                    new Factor(
                            memory.gradients + (part * layout.stride() + unembedding) * Float.BYTES,
                            width,
                            slicesOfCell * layout.stride(),
                            Order.AS_IS),
                    vocabulary,
                    width,
                    rows,
                    batch,
                    Result.SINGLE,
                    1));
            multiply(dLogits, table, dNormed, at, width, vocabulary, shape.cells(), Result.AS_FACTORS, 0);
        }
    }

    private void backward(Pass pass) {
        int last = 2 * model.layers();
        normaliseBackward(pass, last, parameters.finalNorm(), memory.finalStatistics, false);
        for (int i = model.layers() - 1; i >= 0; i--) {
            ParameterLayout.Block block = parameters.block(i);
            Layer layer = memory.layers[i];
            long dBranch = memory.dBranch == 0 ? memory.dResidual : memory.dBranch;
            linearBackward(layer.hidden(), block.down(), dBranch, memory.dHidden);
            activate(activation() + "Backward", layer.inner(), memory.dHidden);
            linearBackward(layer.feedForwardNormed(), block.up(), memory.dHidden, memory.dNormed);
            // The gradients of weights have read dBranch, and the shares of the norm before are added.
            device.join();
            normaliseBackward(pass, 2 * i + 1, block.feedForwardNorm(), layer.feedForwardStatistics(), true);
            linearBackward(layer.attended(), block.attentionOut(), dBranch, memory.dAttended);
            attentionBackward(layer);
            device.join();
            rotate(memory.dPacked, -1);
            linearBackward(layer.normed(), block.qkv(), memory.dPacked, memory.dNormed);
            normaliseBackward(pass, 2 * i, block.attentionNorm(), layer.statistics(), true);
        }
        embeddingBackward(pass);
    }

    private void sortRows(Pass pass) {
        int rounds = (31 - Integer.numberOfLeadingZeros(Math.max(1, model.vocabulary() - 1))) / 4 + 1;
        device.launch(
                "sortRows",
                Grid.of(shape.slices()),
                SORT_THREADS,
                inputs(pass),
                memory.order,
                memory.otherOrder,
                shape.rows(),
                rounds);
    }

    private void embeddingBackward(Pass pass) {
        // The unembedding's gradient may be the same tensor's.
        device.join();
        int width = model.width();
        long columns = Grid.blocks(width, COLUMN_THREADS);
        long buckets = Grid.blocks(shape.rows(), GroupMemory.BUCKET);
        long tokenAt = layout.offset(parameters.tokenEmbedding());
        if (parameters.positionEmbedding() != null) {
            device.beside(() -> device.launch(
                    "positionBackward",
                    Grid.of(columns, model.context(), shape.slices()),
                    COLUMN_THREADS,
                    memory.dResidual,
                    rules,
                    pass.standings,
                    memory.gradients,
                    layout.stride(),
                    layout.offset(parameters.positionEmbedding()),
                    shape.parts(),
                    shape.rows(),
                    shape.partRows(),
                    firstRow(pass),
                    width));
        }
        device.launch(
                "embedBackward",
                Grid.of(columns, buckets, shape.slices()),
                COLUMN_THREADS,
                inputs(pass),
                memory.order,
                memory.dResidual,
                rules,
                pass.standings,
                memory.gradients,
                memory.open,
                layout.stride(),
                tokenAt,
                shape.parts(),
                shape.rows(),
                shape.partRows(),
                firstRow(pass),
                width);
        device.launch(
                "embedBackwardOpen",
                Grid.of(columns, buckets, shape.slices()),
                COLUMN_THREADS,
                inputs(pass),
                memory.order,
                memory.open,
                memory.gradients,
                layout.stride(),
                tokenAt,
                shape.rows(),
                width);
    }

    private void update() {
        device.launch(
                "addParts",
                Grid.of(memory.squaresBlocks, shape.cells()),
                ELEMENT_THREADS,
                memory.gradients,
                memory.squares,
                layout.stride(),
                shape.parts());
        device.launch(
                "judge",
                Grid.of(shape.cells()),
                ELEMENT_THREADS,
                memory.losses,
                memory.squares,
                rules,
                memory.standings,
                memory.results,
                slots,
                shape.passes(),
                shape.cellRows(),
                memory.squaresBlocks,
                shape.parts());
        device.launch(
                "adamw",
                Grid.of(memory.stretchCount, shape.cells()),
                ELEMENT_THREADS,
                cellParameters,
                memory.gradients,
                memory.firstMoments,
                memory.secondMoments,
                memory.rounded,
                memory.stretches,
                rules,
                memory.standings,
                layout.stride(),
                shape.parts() * layout.stride());
    }

    /** Makes {@code residual[state]} of the branch, but for the first, and norms it. */
    private void normalise(Pass pass, int state, Norm norm, long out, long statistics) {
        boolean first = state == 0;
        device.launch(
                "addNormalise" + suffix,
                rowGrid(),
                ROW_WARPS * WARP,
                memory.residual[first ? 0 : state - 1],
                first ? 0 : memory.branch,
                memory.residual[state],
                cellParameters,
                rules,
                pass.standings,
                out,
                statistics,
                layout.stride(),
                layout.offset(norm.gain()),
                layout.offset(norm.bias()),
                state,
                shape.parts(),
                shape.rows(),
                shape.partRows(),
                firstRow(pass),
                model.width());
    }

    /** The gradient of {@code residual[state]}, and of the branch that made it. */
    private void normaliseBackward(Pass pass, int state, Norm norm, long statistics, boolean add) {
        long shares = Grid.blocks(shape.rows(), GroupMemory.BUCKET);
        device.launch(
                "normaliseBackward" + suffix,
                Grid.of(shares, shape.slices()),
                ELEMENT_THREADS,
                memory.dNormed,
                memory.residual[state],
                statistics,
                cellParameters,
                rules,
                pass.standings,
                memory.shares,
                memory.dResidual,
                state == 0 ? 0 : memory.dBranch,
                layout.stride(),
                layout.offset(norm.gain()),
                model.normalization() == Normalization.LAYER_NORM ? 1 : 0,
                add ? 1 : 0,
                state,
                shape.parts(),
                shape.rows(),
                shape.partRows(),
                firstRow(pass),
                model.width());
        device.beside(() -> device.launch(
                "normaliseShares",
                Grid.of(Grid.blocks(model.width(), COLUMN_THREADS), shape.slices()),
                COLUMN_THREADS,
                memory.shares,
                memory.gradients,
                layout.stride(),
                layout.offset(norm.gain()),
                layout.offset(norm.bias()),
                shares,
                model.width()));
    }

    private void rotate(long packed, int direction) {
        if (model.positions() == Positions.ROTARY) {
            device.launch(
                    "rotate" + suffix,
                    Grid.of(shape.allRows()),
                    COLUMN_THREADS,
                    packed,
                    memory.turns,
                    model.context(),
                    model.heads(),
                    shape.headWidth(),
                    Device.single(direction));
        }
    }

    private void attention(Layer layer) {
        attend(
                "Forward",
                layer.packed(),
                layer.attended(),
                layer.logSums(),
                rules,
                model.context(),
                model.heads(),
                shape.parts() * shape.passSequences());
    }

    /** Lanes of a warp that share the dot product of a head: a power of two. */
    static int dotLanes(int headWidth) {
        int packs = headWidth % 8 == 0 ? headWidth / 8 : headWidth;
        return Math.min(WARP, Integer.highestOneBit(2 * packs - 1));
    }

    private void attentionBackward(Layer layer) {
        long tokens = shape.allRows();
        int lanes = dotLanes(shape.headWidth());
        device.launch(
                "attentionDots" + suffix,
                Grid.of(Grid.blocks(tokens * model.heads() * lanes, ROW_WARPS * WARP)),
                ROW_WARPS * WARP,
                layer.attended(),
                memory.dAttended,
                memory.dots,
                tokens,
                model.context(),
                model.heads(),
                shape.headWidth(),
                lanes);
        device.beside(() -> attendBackward("Keys", layer));
        attendBackward("Queries", layer);
    }

    private void attendBackward(String part, Layer layer) {
        attend(
                part,
                layer.packed(),
                memory.dAttended,
                layer.logSums(),
                memory.dots,
                memory.dPacked,
                rules,
                model.context(),
                model.heads(),
                shape.parts() * shape.passSequences());
    }

    private void attend(String part, long... arguments) {
        int width = shape.headWidth();
        int rows = shape.flash() ? 64 : width <= 64 ? 16 : width <= 128 ? 8 : 4;
        device.launch(
                shape.flash() ? "flash" + part + "_" + width : "plain" + part + suffix + "_" + width,
                Grid.of(
                        Grid.blocks(model.context(), rows),
                        model.heads(),
                        (long) shape.slices() * shape.passSequences()),
                ATTENTION_THREADS,
                arguments);
    }

    private String activation() {
        return model.activation() == Activation.GELU ? "gelu" : "squaredRelu";
    }

    private void activate(String kernel, long x, long out) {
        long length = shape.allRows() * model.feedForward();
        device.launch(
                kernel + suffix, Grid.of(Grid.blocks(length, 4 * ELEMENT_THREADS)), ELEMENT_THREADS, x, out, length);
    }

    /**
     * {@code inner = x·w} and {@code hidden} its activation. In bfloat16 the product makes both, which saves a pass over
     * them; a product that multiplies by GELU's derivative was slower than two on an H100, but for the widest models.
     */
    private void activated(long x, Tensor w, Layer layer) {
        if (model.activation() == Activation.GELU && shape.precision() == Precision.BFLOAT16) {
            device.multiply(product(x, w, layer.hidden()).withGelu(layer.inner()));
        } else {
            linear(x, w, layer.inner());
            activate(activation(), layer.inner(), layer.hidden());
        }
    }

    /** {@code y = x·w}, all rows of a cell at once. */
    private void linear(long x, Tensor w, long y) {
        device.multiply(product(x, w, y));
    }

    private Product product(long x, Tensor w, long y) {
        return product(activations(x, w.rows()), weights(w), activations(y, w.columns()), w.columns(), w.rows());
    }

    /** {@code dx = dy·wᵀ}, and beside it {@code dw += xᵀ·dy} of each slice. */
    private void linearBackward(long x, Tensor w, long dy, long dx) {
        int inputs = w.rows();
        int outputs = w.columns();
        device.beside(() -> multiply(
                transposed(x, inputs, (long) shape.rows() * inputs),
                new Factor(dy, outputs, (long) shape.rows() * outputs, Order.AS_IS),
                new Factor(memory.gradients + layout.offset(w) * Float.BYTES, outputs, layout.stride(), Order.AS_IS),
                inputs,
                outputs,
                shape.rows(),
                shape.slices(),
                Result.SINGLE,
                1));
        device.multiply(
                product(activations(dy, outputs), transposed(weights(w)), activations(dx, inputs), inputs, outputs));
    }

    private Product product(Factor a, Factor b, Factor c, int columns, int inner) {
        return new Product(
                a, b, c, shape.cellRows(), columns, inner, shape.cells(), shape.precision(), Result.AS_FACTORS, 1, 0);
    }

    private Factor activations(long address, int width) {
        return new Factor(address, width, (long) shape.cellRows() * width, Order.AS_IS);
    }

    private Factor weights(Tensor w) {
        return new Factor(weights + layout.offset(w) * number, w.columns(), layout.stride(), Order.AS_IS);
    }

    private static Factor transposed(Factor factor) {
        return transposed(factor.address(), factor.rowStride(), factor.batchStride());
    }

    private static Factor transposed(long address, long rowStride, long batchStride) {
        return new Factor(address, rowStride, batchStride, Order.TRANSPOSED);
    }

    private void multiply(
            Factor a, Factor b, Factor c, int rows, int columns, int inner, int batch, Result result, float keep) {
        device.multiply(new Product(a, b, c, rows, columns, inner, batch, shape.precision(), result, 1, keep));
    }

    private Grid rowGrid() {
        return Grid.of(Grid.blocks(shape.rows(), ROW_WARPS), shape.slices());
    }

    private long inputs(Pass pass) {
        return memory.inputs + pass.number * shape.allRows() * Integer.BYTES;
    }

    /** Number of the pass's first row in its micro-batch. */
    private long firstRow(Pass pass) {
        return (long) pass.number * shape.rows();
    }
}
