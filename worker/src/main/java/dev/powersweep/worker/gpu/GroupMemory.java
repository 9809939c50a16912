package dev.powersweep.worker.gpu;

import dev.powersweep.worker.cell.Precision;
import java.util.ArrayList;
import java.util.List;

/**
 * What a group of cells holds on its device: addresses of vectors, activations and rings. Shapes stand at the fields; T is
 * the precision of factors.
 */
final class GroupMemory implements AutoCloseable {

    /** Rows of a bucket of the embedding's gradient (embedding.cu), and of a share of a norm's (norm.cu). */
    static final int BUCKET = 32;

    /** Numbers whose squares one block adds (optimiser.cu). */
    static final int SQUARES_BLOCK = 4096;

    private final Device device;
    private final List<Long> addresses = new ArrayList<>();
    private long bytes;

    // Of each cell: [cell][stride], gradients [slice][stride].
    final long parameters;
    final long firstMoments;
    final long secondMoments;
    final long gradients;
    /** [cell][stride] in bfloat16; 0 in other precisions. */
    final long rounded;

    final long stretches;
    final int stretchCount;
    /** [cell][blocks][2] doubles. */
    final long squares;

    final long squaresBlocks;

    final long rules;
    final long standings;
    // Rings: [slot][cell].
    final long plans;
    final long results;
    /** [slot][cell][sequences] longs. */
    final long starts;

    /** Rings of tokens, of {@link #tokenBytes} each; the group's own only where it holds the windows of single steps. */
    final long pool;

    final int tokenBytes;

    /** [context][headWidth/2][2]: cosines and sines; 0 with learned positions. */
    final long turns;

    // [pass][slice][rows]
    final long inputs;
    final long targets;
    final long losses;
    // [slice][rows]
    final long order;
    final long otherOrder;

    /** 2·layers + 1 of [slice][rows][width], single precision. */
    final long[] residual;

    final Layer[] layers;
    final long finalNormed;
    final long finalStatistics;
    /** [cell][logitRows][vocabulary], single precision. */
    final long logits;
    /** The same in T; the logits themselves in single precision. */
    final long dLogits;

    // [slice][rows][…] in T, dResidual in single precision.
    final long branch;
    final long dResidual;
    final long dNormed;
    final long dBranch;
    final long dHidden;
    final long dPacked;
    final long dAttended;
    /** [sequence][head][context]. */
    final long dots;
    /** [slice][⌈rows / BUCKET⌉][2][width]. */
    final long shares;

    final long open;

    /** What the forward pass of a block leaves for its backward pass, [slice][rows][…] in T. */
    record Layer(
            long normed,
            long statistics,
            long packed,
            long logSums,
            long attended,
            long feedForwardNormed,
            long feedForwardStatistics,
            long inner,
            long hidden) {}

    /**
     * @param slots steps that may be queued at once
     * @param tokens of all cells
     */
    GroupMemory(Device device, GroupShape shape, DeviceLayout layout, int slots, StepInputs tokens, boolean dropout) {
        this.device = device;
        try {
            int number = shape.precision().bytes();
            long rows = shape.allRows();
            long width = rows * shape.model().width();
            long inner = rows * shape.model().feedForward();
            long lines = rows * shape.model().heads();
            long vectors = shape.cells() * layout.stride();
            boolean narrow = shape.precision() == Precision.BFLOAT16;

            parameters = zeros(vectors * Float.BYTES);
            firstMoments = zeros(vectors * Float.BYTES);
            secondMoments = zeros(vectors * Float.BYTES);
            gradients = room(shape.parts() * vectors * Float.BYTES);
            rounded = narrow ? zeros(vectors * Short.BYTES) : 0;
            var table = layout.stretches();
            stretchCount = table.remaining() / DeviceLayout.STRETCH_BYTES;
            stretches = room(table.remaining());
            device.write(stretches, table);
            squaresBlocks = Grid.blocks(layout.stride(), SQUARES_BLOCK);
            squares = room(shape.cells() * squaresBlocks * 2 * Double.BYTES);

            rules = room((long) shape.cells() * CellRule.BYTES);
            standings = room((long) shape.cells() * CellStanding.BYTES);
            plans = room((long) slots * shape.cells() * StepPlan.BYTES);
            results = zeros((long) slots * shape.cells() * StepResult.BYTES);
            starts = room((long) slots * shape.cells() * shape.batchSequences() * Long.BYTES);
            tokenBytes = tokens.tokenBytes();
            pool = tokens.storeAddress().orElseGet(() -> room(tokens.poolTokens() * tokenBytes));
            turns = room((long) shape.model().context() * shape.headWidth() * Float.BYTES);

            inputs = room(shape.passes() * rows * Integer.BYTES);
            targets = room(shape.passes() * rows * Integer.BYTES);
            losses = room(shape.passes() * rows * Float.BYTES);
            order = room(rows * Integer.BYTES);
            otherOrder = room(rows * Integer.BYTES);

            residual = new long[2 * shape.model().layers() + 1];
            for (int i = 0; i < residual.length; i++) {
                residual[i] = room(width * Float.BYTES);
            }
            layers = new Layer[shape.model().layers()];
            for (int i = 0; i < layers.length; i++) {
                layers[i] = new Layer(
                        room(width * number),
                        room(rows * 2 * Float.BYTES),
                        room(3 * width * number),
                        room(lines * Float.BYTES),
                        room(width * number),
                        room(width * number),
                        room(rows * 2 * Float.BYTES),
                        room(inner * number),
                        room(inner * number));
            }
            finalNormed = room(width * number);
            finalStatistics = room(rows * 2 * Float.BYTES);
            long ofLogits =
                    (long) shape.cells() * shape.logitRows() * shape.model().vocabulary();
            logits = room(ofLogits * Float.BYTES);
            dLogits = narrow ? room(ofLogits * number) : logits;

            branch = room(width * number);
            dResidual = room(width * Float.BYTES);
            dNormed = room(width * number);
            dBranch = narrow || dropout ? room(width * number) : 0;
            dHidden = room(inner * number);
            dPacked = room(3 * width * number);
            dAttended = room(width * number);
            dots = room(lines * Float.BYTES);
            long shareBytes = shape.slices()
                    * Grid.blocks(shape.rows(), BUCKET)
                    * 2
                    * shape.model().width()
                    * Float.BYTES;
            shares = room(shareBytes);
            open = room(shareBytes);
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    /** Taken from the device. */
    long bytes() {
        return bytes;
    }

    @Override
    public void close() {
        addresses.forEach(device::free);
        addresses.clear();
    }

    private long room(long size) {
        long address = device.allocate(size);
        addresses.add(address);
        bytes += size;
        return address;
    }

    private long zeros(long size) {
        long address = room(size);
        device.zero(address, size);
        return address;
    }
}
