package dev.powersweep.worker.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.cell.ModelShape.Activation;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.gpu.EmulatedDevice.Threads;
import dev.powersweep.worker.kernels.AdamStep;
import dev.powersweep.worker.kernels.AttentionShape;
import dev.powersweep.worker.kernels.Dropout;
import dev.powersweep.worker.kernels.DropoutMask;
import dev.powersweep.worker.kernels.EmbeddingTables;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.Matrix;
import dev.powersweep.worker.kernels.Norm;
import dev.powersweep.worker.kernels.Span;
import dev.powersweep.worker.kernels.Write;
import dev.powersweep.worker.kernels.cpu.CpuKernels;
import dev.powersweep.worker.kernels.nd4j.Nd4jKernels;
import dev.powersweep.worker.model.RandomStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Every kernel on the emulated device against the portable set in double precision, with threads and blocks in both
 * orders. Two cells of two parts each, whose parameters and rules differ.
 */
class EmulatedKernelsTest {

    private static final long SEED = Long.getLong("test.seed", 20260101);
    private static final int CELLS = 2;
    private static final int PARTS = 2;
    private static final int SLICES = CELLS * PARTS;
    /** Rows of a micro-batch before those of the pass under test. */
    private static final int FIRST_ROW = 7;

    private static final int SITE = 3;
    private static final long[] KEYS = {0x1234_5678_9ABC_DEF0L, -77};
    private static final double[] RATES = {0.25, 0};
    private static final float[] ATTENTION_SCALES = {0.3f, 0.21f};
    private static final float[] LOGIT_SCALES = {1, 0.5f};

    private final Random random = new Random(SEED);
    private final Kernels oracle = new Nd4jKernels(DataType.DOUBLE);

    @AfterEach
    void free() {
        oracle.close();
    }

    /** How the device is built. */
    EmulatedDevice device(Threads threads) {
        return new EmulatedDevice(threads);
    }

    /** Both orders and both precisions. */
    static Stream<Arguments> ways() {
        return Stream.of(Threads.values()).flatMap(threads -> Stream.of(Precision.FLOAT32, Precision.BFLOAT16)
                .map(precision -> Arguments.of(threads, precision)));
    }

    @ParameterizedTest
    @EnumSource
    void windowsAreReadFromEachCellsRing(Threads threads) {
        int context = 5;
        int passes = 2;
        int ofPass = 3;
        int sequences = PARTS * passes * ofPass;
        int slots = 4;
        long[] steps = {6, 3};
        int[] pool = random.ints(100, 0, 200).toArray();
        try (EmulatedDevice device = device(threads)) {
            long[] starts =
                    random.longs((long) slots * CELLS * sequences, 0, 40).toArray();
            for (int bytes = 1; bytes <= 4; bytes *= 2) {
                ByteBuffer tokens = EmulatedDevice.buffer(pool.length * bytes);
                for (int token : pool) {
                    switch (bytes) {
                        case 1 -> tokens.put((byte) token);
                        case 2 -> tokens.putShort((short) token);
                        default -> tokens.putInt(token);
                    }
                }
                ByteBuffer plans = EmulatedDevice.buffer(slots * CELLS * StepPlan.BYTES);
                for (int i = 0; i < slots * CELLS; i++) {
                    new StepPlan(100 + i, i, 1, 1, 1).write(plans);
                }
                long standings = standings(device, steps);
                int rows = ofPass * context;
                long inputs = device.allocate(4L * passes * SLICES * rows);
                long targets = device.allocate(4L * passes * SLICES * rows);
                device.launch(
                        "readWindows" + 8 * bytes,
                        Grid.of(sequences, CELLS),
                        32,
                        device.filled(tokens),
                        longs(device, starts),
                        device.filled(plans),
                        rules(device),
                        standings,
                        inputs,
                        targets,
                        slots,
                        PARTS,
                        passes,
                        context);
                int[] in = device.readInts(inputs, passes * SLICES * rows);
                int[] out = device.readInts(targets, passes * SLICES * rows);
                for (int cell = 0; cell < CELLS; cell++) {
                    int slot = (int) (steps[cell] % slots);
                    for (int sequence = 0; sequence < sequences; sequence++) {
                        int part = sequence / (passes * ofPass);
                        int pass = sequence / ofPass % passes;
                        int at = ((pass * CELLS + cell) * PARTS + part) * rows + sequence % ofPass * context;
                        long start = starts[(slot * CELLS + cell) * sequences + sequence];
                        for (int i = 0; i < context; i++) {
                            assertThat(in[at + i]).isEqualTo(pool[ringStart(cell) + (int) ((start + i) % 40)]);
                            assertThat(out[at + i]).isEqualTo(pool[ringStart(cell) + (int) ((start + i + 1) % 40)]);
                        }
                    }
                    ByteBuffer standing = EmulatedDevice.buffer(CellStanding.BYTES);
                    device.read(standings + (long) cell * CellStanding.BYTES, standing);
                    assertThat(standing.getLong(16)).isEqualTo(100 + slot * CELLS + cell);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void rowsAreSortedByTokenAndThenByNumber(Threads threads) {
        try (EmulatedDevice device = device(threads)) {
            for (int rows : new int[] {1, 5, 700}) {
                for (int vocabulary : new int[] {2, 16, 17, 256, 70_000}) {
                    int[] tokens =
                            random.ints((long) SLICES * rows, 0, vocabulary).toArray();
                    int rounds = 1;
                    while (1L << 4 * rounds < vocabulary) {
                        rounds++;
                    }
                    long order = device.allocate(4L * tokens.length);
                    device.launch(
                            "sortRows",
                            Grid.of(SLICES),
                            256,
                            device.ints(tokens),
                            order,
                            device.allocate(4L * tokens.length),
                            rows,
                            rounds);
                    int[] made = device.readInts(order, tokens.length);
                    for (int slice = 0; slice < SLICES; slice++) {
                        int first = slice * rows;
                        assertThat(Arrays.copyOfRange(made, first, first + rows))
                                .containsExactly(IntStream.range(0, rows)
                                        .boxed()
                                        .sorted(Comparator.comparingInt(row -> tokens[first + row]))
                                        .mapToInt(Integer::intValue)
                                        .toArray());
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void embeddingAndItsGradient(Threads threads) {
        try (EmulatedDevice device = device(threads)) {
            // Few kinds make tokens whose rows fill several buckets.
            embedding(device, 24, 200, 10, 3, true, true);
            embedding(device, 21, 70, 35, 50, false, true);
            embedding(device, 140, 33, 11, 90, true, false);
        }
    }

    private void embedding(
            EmulatedDevice device, int width, int rows, int context, int kinds, boolean dropout, boolean learned) {
        int tokenLength = (kinds * width + 15) / 16 * 16;
        int stride = tokenLength + (context * width + 15) / 16 * 16;
        float[] parameters = gaussian(CELLS * stride);
        int[] tokens = random.ints((long) SLICES * rows, 0, kinds).toArray();
        float[] dOut = gaussian(SLICES * rows * width);
        int partRows = rows + FIRST_ROW;
        long positionAt = learned ? tokenLength : -1;
        long inputs = device.ints(tokens);
        long out = device.allocate(4L * SLICES * rows * width);
        long rules = rules(device);
        long standings = dropout ? standings(device, new long[CELLS]) : 0;
        device.launch(
                "embed",
                Grid.of(Grid.blocks(rows, 4), SLICES),
                128,
                inputs,
                device.floats(parameters),
                rules,
                standings,
                out,
                stride,
                0,
                positionAt,
                PARTS,
                rows,
                partRows,
                FIRST_ROW,
                context,
                width);
        float[] made = device.readFloats(out, SLICES * rows * width);

        float[] old = gaussian(SLICES * stride);
        long gradients = device.floats(old);
        long order = device.allocate(4L * SLICES * rows);
        long buckets = Grid.blocks(rows, GroupMemory.BUCKET);
        long open = device.allocate(4L * SLICES * buckets * 2 * width);
        long rowGradients = device.floats(dOut);
        device.launch("sortRows", Grid.of(SLICES), 256, inputs, order, device.allocate(4L * SLICES * rows), rows, 2);
        Grid grid = Grid.of(Grid.blocks(width, 64), buckets, SLICES);
        device.launch(
                "embedBackward",
                grid,
                64,
                inputs,
                order,
                rowGradients,
                rules,
                standings,
                gradients,
                open,
                stride,
                0,
                PARTS,
                rows,
                partRows,
                FIRST_ROW,
                width);
        device.launch("embedBackwardOpen", grid, 64, inputs, order, open, gradients, stride, 0, rows, width);
        if (learned) {
            device.launch(
                    "positionBackward",
                    Grid.of(Grid.blocks(width, 64), context, SLICES),
                    64,
                    rowGradients,
                    rules,
                    standings,
                    gradients,
                    stride,
                    positionAt,
                    PARTS,
                    rows,
                    partRows,
                    FIRST_ROW,
                    width);
        }
        float[] added = device.readFloats(gradients, SLICES * stride);

        for (int slice = 0; slice < SLICES; slice++) {
            int cell = slice / PARTS;
            Optional<Integer> positions = learned ? Optional.of(tokenLength) : Optional.empty();
            Dropout dropped = dropout ? mask(cell, 0, slice, partRows, width) : Dropout.NONE;
            Matrix expected = oracle.allocate(rows, width);
            EmbeddingTables tables = new EmbeddingTables(
                    matrix(parameters, cell * stride, kinds, width),
                    positions.map(at -> matrix(parameters, cell * stride + at, context, width)));
            oracle.embed(tokens, slice * rows, tables, dropped, expected);
            near(made, slice * rows * width, expected.data(), 1e-6);
            int ofSlice = slice * stride;
            EmbeddingTables dTables = new EmbeddingTables(
                    matrix(old, ofSlice, kinds, width), positions.map(at -> matrix(old, ofSlice + at, context, width)));
            Matrix dRows = matrix(dOut, slice * rows * width, rows, width);
            oracle.embedBackward(tokens, slice * rows, dRows, dropped, dTables);
            near(added, slice * stride, dTables.tokens().data(), 1e-6);
            if (learned) {
                near(
                        added,
                        slice * stride + tokenLength,
                        dTables.positions().orElseThrow().data(),
                        1e-6);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("ways")
    void normsAndTheirGradients(Threads threads, Precision precision) {
        try (EmulatedDevice device = device(threads)) {
            norm(device, precision, 24, 37, true, true, true);
            norm(device, precision, 21, 9, false, true, true);
            norm(device, precision, 300, 70, true, false, false);
            norm(device, precision, 7, 1, false, false, true);
            norm(device, precision, 132, 33, true, true, false);
        }
    }

    private void norm(
            EmulatedDevice device,
            Precision precision,
            int width,
            int rows,
            boolean centred,
            boolean dropout,
            boolean branched) {
        int all = SLICES * rows * width;
        int stride = (2 * width + 15) / 16 * 16;
        int partRows = rows + FIRST_ROW;
        float[] parameters = gaussian(CELLS * stride);
        float[] x = gaussian(all);
        for (int i = 0; i < x.length; i++) {
            x[i] += 3;
        }
        float[] branch = factors(precision, all);
        float[] dOut = factors(precision, all);
        long biasAt = centred ? width : -1;
        long rules = rules(device);
        long standings = dropout ? standings(device, new long[CELLS]) : 0;
        long onDevice = device.floats(parameters);
        long input = device.floats(x);
        long sum = device.allocate(4L * all);
        long out = device.allocate((long) precision.bytes() * all);
        long statistics = device.allocate(8L * SLICES * rows);
        device.launch(
                "addNormalise" + KernelSources.suffix(precision),
                Grid.of(Grid.blocks(rows, 4), SLICES),
                128,
                input,
                branched ? device.factors(precision, branch) : 0,
                sum,
                onDevice,
                rules,
                standings,
                out,
                statistics,
                stride,
                0,
                biasAt,
                SITE,
                PARTS,
                rows,
                partRows,
                FIRST_ROW,
                width);
        float[] made = device.readFactors(precision, out, all);
        float[] total = branched ? device.readFloats(sum, all) : x;

        long shares = Grid.blocks(rows, GroupMemory.BUCKET);
        long share = device.allocate(4L * SLICES * shares * 2 * width);
        float[] old = gaussian(SLICES * stride);
        float[] oldInput = gaussian(all);
        boolean add = branched;
        long gradients = device.floats(old);
        long dx = device.floats(oldInput);
        long dBranch = device.allocate((long) precision.bytes() * all);
        device.launch(
                "normaliseBackward" + KernelSources.suffix(precision),
                Grid.of(shares, SLICES),
                64,
                device.factors(precision, dOut),
                branched ? sum : input,
                statistics,
                onDevice,
                rules,
                standings,
                share,
                dx,
                dBranch,
                stride,
                0,
                centred ? 1 : 0,
                add ? 1 : 0,
                SITE,
                PARTS,
                rows,
                partRows,
                FIRST_ROW,
                width);
        device.launch(
                "normaliseShares",
                Grid.of(Grid.blocks(width, 32), SLICES),
                32,
                share,
                gradients,
                stride,
                0,
                biasAt,
                shares,
                width);
        float[] ofInput = device.readFloats(dx, all);
        float[] ofBranch = device.readFactors(precision, dBranch, all);
        float[] ofParameters = device.readFloats(gradients, SLICES * stride);

        double rounding = precision == Precision.BFLOAT16 ? 4e-3 : 3e-6;
        for (int slice = 0; slice < SLICES; slice++) {
            int cell = slice / PARTS;
            int at = slice * rows * width;
            Dropout dropped = dropout ? mask(cell, SITE, slice, partRows, width) : Dropout.NONE;
            Matrix expectedSum = oracle.allocate(rows, width);
            Matrix expected = oracle.allocate(rows, width);
            Matrix ofRows = oracle.allocate(rows, 2);
            Norm norm = norm(parameters, cell * stride, width, centred);
            Matrix normed = matrix(x, at, rows, width);
            if (branched) {
                Matrix added = matrix(branch, at, rows, width);
                oracle.addNormalise(normed, added, dropped, expectedSum, norm, expected, ofRows);
                near(total, at, expectedSum.data(), 1e-6);
                normed = expectedSum;
            } else {
                oracle.normalise(normed, norm, expected, ofRows);
            }
            near(made, at, expected.data(), rounding);
            Norm ofNorm = norm(old, slice * stride, width, centred);
            Matrix dInput = matrix(oldInput, at, rows, width);
            oracle.normaliseBackward(
                    matrix(dOut, at, rows, width),
                    normed,
                    ofRows,
                    norm,
                    ofNorm,
                    dInput,
                    add ? Write.ADD : Write.REPLACE);
            near(ofInput, at, dInput.data(), 3e-6);
            near(ofParameters, slice * stride, ofNorm.gain(), 3e-6);
            if (centred) {
                near(ofParameters, slice * stride + width, ofNorm.bias().orElseThrow(), 3e-6);
            }
            if (dropped instanceof DropoutMask mask) {
                oracle.drop(dInput, mask, dInput);
            }
            near(ofBranch, at, dInput.data(), rounding);
        }
    }

    private Norm norm(float[] values, int at, int width, boolean centred) {
        Span gain = span(values, at, width);
        return centred ? Norm.layerNorm(gain, span(values, at + width, width)) : Norm.rmsNorm(gain);
    }

    @ParameterizedTest
    @MethodSource("ways")
    void rotationByPosition(Threads threads, Precision precision) {
        int context = 9;
        int heads = 3;
        int headWidth = 10;
        int rows = 2 * context;
        float[] packed = factors(precision, rows * 3 * heads * headWidth);
        float[] turns = new float[context * headWidth];
        for (int i = 0; i < turns.length / 2; i++) {
            double angle = i / (headWidth / 2) * Math.pow(10_000, -2.0 * (i % (headWidth / 2)) / headWidth);
            turns[2 * i] = (float) Math.cos(angle);
            turns[2 * i + 1] = (float) Math.sin(angle);
        }
        try (EmulatedDevice device = device(threads)) {
            for (int direction : new int[] {1, -1}) {
                long own = device.factors(precision, packed);
                device.launch(
                        "rotate" + KernelSources.suffix(precision),
                        Grid.of(rows),
                        32,
                        own,
                        device.floats(turns),
                        context,
                        heads,
                        headWidth,
                        Device.single(direction));
                Span expected = span(packed, 0, packed.length);
                oracle.rotate(
                        new Matrix(expected, rows, 3 * heads * headWidth),
                        new AttentionShape(context, heads, headWidth, 1),
                        direction);
                near(
                        device.readFactors(precision, own, packed.length),
                        0,
                        expected,
                        precision == Precision.BFLOAT16 ? 4e-3 : 1e-6);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("ways")
    void plainAttentionAndItsGradients(Threads threads, Precision precision) {
        try (EmulatedDevice device = device(threads)) {
            for (int[] size : new int[][] {{4, 1}, {8, 50}, {12, 33}, {40, 19}, {72, 35}, {136, 6}}) {
                attention(device, precision, size[0], size[1], false);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void flashAttentionAndItsGradients(Threads threads) {
        try (EmulatedDevice device = device(threads)) {
            for (int[] size : new int[][] {{16, 1}, {16, 130}, {48, 37}, {64, 128}, {128, 65}}) {
                attention(device, Precision.BFLOAT16, size[0], size[1], true);
            }
        }
    }

    private void attention(EmulatedDevice device, Precision precision, int headWidth, int context, boolean flash) {
        int heads = 2;
        int ofCell = 2;
        int sequences = CELLS * ofCell;
        int width = heads * headWidth;
        int tokens = sequences * context;
        float[] packed = factors(precision, tokens * 3 * width);
        float[] dOut = factors(precision, tokens * width);
        String kind = flash ? "flash" : "plain";
        String suffix = (flash ? "" : KernelSources.suffix(precision)) + "_" + headWidth;
        int rows = flash ? 64 : headWidth <= 64 ? 16 : headWidth <= 128 ? 8 : 4;
        Grid grid = Grid.of(Grid.blocks(context, rows), heads, sequences);
        long rules = rules(device);
        long qkv = device.factors(precision, packed);
        long out = device.allocate((long) precision.bytes() * tokens * width);
        long sums = device.allocate(4L * tokens * heads);
        long dots = device.allocate(4L * tokens * heads);
        long gradient = device.factors(precision, dOut);
        long dPacked = device.allocate((long) precision.bytes() * tokens * 3 * width);
        device.launch(kind + "Forward" + suffix, grid, 128, qkv, out, sums, rules, context, heads, ofCell);
        int lanes = StepProgram.dotLanes(headWidth);
        device.launch(
                "attentionDots" + KernelSources.suffix(precision),
                Grid.of(Grid.blocks((long) tokens * heads * lanes, 128)),
                128,
                out,
                gradient,
                dots,
                tokens,
                context,
                heads,
                headWidth,
                lanes);
        for (String part : new String[] {"Keys", "Queries"}) {
            device.launch(
                    kind + part + suffix, grid, 128, qkv, gradient, sums, dots, dPacked, rules, context, heads, ofCell);
        }
        float[] made = device.readFactors(precision, out, tokens * width);
        float[] gradients = device.readFactors(precision, dPacked, tokens * 3 * width);
        double rounding = precision == Precision.BFLOAT16 ? 6e-3 : 3e-6;
        for (int cell = 0; cell < CELLS; cell++) {
            int at = cell * ofCell * context;
            int length = ofCell * context * width;
            AttentionShape shape = new AttentionShape(context, heads, headWidth, ATTENTION_SCALES[cell]);
            int ofRows = ofCell * context;
            Matrix own = new Matrix(span(packed, at * 3 * width, 3 * length), ofRows, 3 * width);
            Matrix expected = oracle.allocate(ofRows, width);
            Matrix expectedGradients = oracle.allocate(ofRows, 3 * width);
            Span probabilities = oracle.allocate(ofCell * shape.probabilities());
            oracle.attention(own, probabilities, expected, shape);
            near(made, at * width, expected.data(), rounding);
            Matrix dOfCell = new Matrix(span(dOut, at * width, length), ofRows, width);
            oracle.attentionBackward(own, probabilities, dOfCell, expectedGradients, shape);
            for (int third = 0; third < 3; third++) {
                // The sums of dOut·out, which scores' gradients are differences to, come from rounded outputs.
                double ofThird = third < 2 && precision == Precision.BFLOAT16 ? 1e-2 : rounding;
                nearThird(gradients, at * 3 * width, expectedGradients.data(), third, width, context == 1, ofThird);
            }
        }
    }

    /** Queries', keys' and values' gradients by themselves; those of a single position's scores are 0. */
    private static void nearThird(
            float[] made, int from, Span expected, int third, int width, boolean single, double most) {
        double gap = 0;
        double size = 0;
        for (long i = 0; i < expected.length(); i++) {
            if (i / width % 3 == third) {
                double difference = made[from + (int) i] - expected.get(i);
                gap += difference * difference;
                size += expected.get(i) * expected.get(i);
            }
        }
        if (single && third < 2) {
            assertThat(Math.sqrt(gap / expected.length())).as("third %s", third).isLessThan(1e-2);
        } else {
            assertThat(Math.sqrt(gap / size))
                    .as("third %s of width %s", third, width)
                    .isLessThan(most);
        }
    }

    @ParameterizedTest
    @MethodSource("ways")
    void activationsAndTheirDerivatives(Threads threads, Precision precision) {
        int length = 1027;
        try (EmulatedDevice device = device(threads)) {
            for (Activation activation : Activation.values()) {
                String name = activation == Activation.GELU ? "gelu" : "squaredRelu";
                float[] x = factors(precision, length);
                x[0] = -60;
                x[1] = 60;
                x[2] = 0;
                float[] dOut = factors(precision, length);
                long onDevice = device.factors(precision, x);
                long out = device.allocate((long) precision.bytes() * length);
                long gradient = device.factors(precision, dOut);
                Grid grid = Grid.of(Grid.blocks(length, 4 * 64));
                device.launch(name + KernelSources.suffix(precision), grid, 64, onDevice, out, length);
                device.launch(
                        name + "Backward" + KernelSources.suffix(precision), grid, 64, onDevice, gradient, length);
                Span expected = span(x, 0, length);
                Matrix derivative = oracle.allocate(1, length);
                oracle.activate(new Matrix(expected, 1, length), derivative, activation);
                double rounding = precision == Precision.BFLOAT16 ? 4e-3 : 1e-6;
                near(device.readFactors(precision, out, length), 0, expected, rounding);
                Span expectedGradient = span(dOut, 0, length);
                oracle.multiply(new Matrix(expectedGradient, 1, length), derivative);
                near(device.readFactors(precision, gradient, length), 0, expectedGradient, rounding);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("ways")
    void crossEntropyAndItsGradient(Threads threads, Precision precision) {
        float weight = 0.01f;
        int rows = 5;
        try (EmulatedDevice device = device(threads)) {
            for (int[] size : new int[][] {{2, 32}, {37, 32}, {300, 64}, {3001, 1024}}) {
                int vocabulary = size[0];
                int all = CELLS * rows * vocabulary;
                float[] logits = gaussian(all);
                for (int i = 0; i < all; i++) {
                    logits[i] *= 4;
                }
                int stride = rows + 3;
                int[] targets =
                        random.ints((long) CELLS * stride, 0, vocabulary).toArray();
                long onDevice = device.floats(logits);
                long dLogits = precision == Precision.BFLOAT16 ? device.allocate(2L * all) : onDevice;
                long losses = device.allocate(4L * CELLS * stride);
                long onlyLosses = device.allocate(4L * CELLS * stride);
                long target = device.ints(targets);
                long rules = rules(device);
                Grid grid = Grid.of(rows, CELLS);
                String kernel = "classify" + KernelSources.suffix(precision);
                device.launch(kernel, grid, size[1], onDevice, 0, target, onlyLosses, rules, stride, vocabulary, 0);
                device.launch(
                        kernel,
                        grid,
                        size[1],
                        onDevice,
                        dLogits,
                        target,
                        losses,
                        rules,
                        stride,
                        vocabulary,
                        Device.single(weight));
                float[] gradients = device.readFactors(precision, dLogits, all);
                float[] made = device.readFloats(losses, CELLS * stride);
                assertThat(device.readFloats(onlyLosses, CELLS * stride)).isEqualTo(made);
                for (int cell = 0; cell < CELLS; cell++) {
                    Span expected = span(logits, cell * rows * vocabulary, rows * vocabulary);
                    double[] expectedLosses = new double[rows];
                    int[] own = Arrays.copyOfRange(targets, cell * stride, cell * stride + rows);
                    oracle.crossEntropy(
                            new Matrix(expected, rows, vocabulary), own, 0, LOGIT_SCALES[cell], weight, expectedLosses);
                    for (int row = 0; row < rows; row++) {
                        assertThat((double) made[cell * stride + row])
                                .isCloseTo(expectedLosses[row], org.assertj.core.data.Offset.offset(4e-6));
                    }
                    near(gradients, cell * rows * vocabulary, expected, precision == Precision.BFLOAT16 ? 4e-3 : 2e-6);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aLogitThatIsNotFiniteShowsInItsRowsLossAlone(Threads threads) {
        int vocabulary = 40;
        try (EmulatedDevice device = device(threads)) {
            for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
                for (int at : new int[] {0, 20, 39}) {
                    float[] logits = gaussian(CELLS * 2 * vocabulary);
                    logits[vocabulary + at] = bad;
                    long losses = device.allocate(16);
                    device.launch(
                            "classify_float",
                            Grid.of(2, CELLS),
                            32,
                            device.floats(logits),
                            0,
                            device.ints(1, 2, 3, 4),
                            losses,
                            rules(device),
                            2,
                            vocabulary,
                            0);
                    float[] made = device.readFloats(losses, 4);
                    assertThat(made[1]).isNaN();
                    assertThat(made[0]).isFinite();
                    assertThat(made[2]).isFinite();
                    assertThat(made[3]).isFinite();
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aStepIsJudgedByItsLossAndNorm(Threads threads) {
        int stride = 9000;
        int rows = 300;
        int passes = 2;
        long blocks = Grid.blocks(stride, GroupMemory.SQUARES_BLOCK);
        try (EmulatedDevice device = device(threads)) {
            float[] gradients = gaussian(SLICES * stride);
            float[] losses = gaussian(passes * CELLS * rows);
            long onDevice = device.floats(gradients);
            long squares = device.allocate(16L * CELLS * blocks);
            long standings = standings(device, 3, 4);
            long results = device.allocate((long) CELLS * 2 * StepResult.BYTES);
            long rules = rules(device);
            device.launch("addParts", Grid.of(blocks, CELLS), 256, onDevice, squares, stride, PARTS);
            long[] judge = {device.floats(losses), squares, rules, standings, results, 2, passes, rows, blocks, PARTS};
            device.launch("judge", Grid.of(CELLS), 256, judge);
            float[] sums = device.readFloats(onDevice, SLICES * stride);
            for (int cell = 0; cell < CELLS; cell++) {
                double big = 0;
                double small = 0;
                double loss = 0;
                for (int i = 0; i < stride; i++) {
                    float first = gradients[2 * cell * stride + i];
                    float second = gradients[(2 * cell + 1) * stride + i];
                    assertThat(sums[2 * cell * stride + i]).isEqualTo(first + second);
                    big += (double) (first + second) * (first + second);
                    small += (double) first * first + (double) second * second;
                }
                for (int pass = 0; pass < passes; pass++) {
                    for (int row = 0; row < rows; row++) {
                        loss += losses[(pass * CELLS + cell) * rows + row];
                    }
                }
                // Cells stand at steps 3 and 4: their results go to slots 1 and 0.
                StepResult result = result(device, results, (1 - cell) * CELLS + cell);
                assertThat(result.step()).isEqualTo(4 + cell);
                assertThat(result.outcome()).isEqualTo(StepOutcome.GOES_ON);
                close(result.loss(), loss / (passes * rows), 1e-9);
                close(result.gradientSquareBig(), big, 1e-5);
                close(result.gradientSquareSmall(), PARTS * small, 1e-5);
                assertThat(standing(device, standings, cell))
                        .isEqualTo(new CellStanding(4 + cell, 0, StepOutcome.GOES_ON));
                // The first cell clips at 0.5, the second not at all.
                float scale = scale(device, standings, cell);
                if (cell == 0) {
                    close(scale, 0.5 / Math.sqrt(big), 1e-5);
                } else {
                    assertThat(scale).isEqualTo(1);
                }
            }
            for (int[] bad : new int[][] {{0, 17}, {1, 4999}}) {
                ends(device, gradients, losses, bad, judge, blocks, stride, standings, results);
            }
        }
    }

    /** A gradient, or a loss, of the second cell that is not finite ends it and not the first. */
    private static void ends(
            EmulatedDevice device,
            float[] gradients,
            float[] losses,
            int[] bad,
            long[] judge,
            long blocks,
            int stride,
            long standings,
            long results) {
        float[] badGradients = gradients.clone();
        float[] badLosses = losses.clone();
        if (bad[0] == 0) {
            badLosses[badLosses.length - 1 - bad[1]] = Float.NEGATIVE_INFINITY;
        } else {
            badGradients[3 * stride + bad[1]] = Float.NaN;
        }
        long again = device.floats(badGradients);
        write(
                device,
                standings,
                new CellStanding(3, 0, StepOutcome.GOES_ON),
                new CellStanding(4, 0, StepOutcome.GOES_ON));
        device.launch("addParts", Grid.of(blocks, CELLS), 256, again, judge[1], stride, PARTS);
        long[] arguments = judge.clone();
        arguments[0] = device.floats(badLosses);
        device.launch("judge", Grid.of(CELLS), 256, arguments);
        assertThat(standing(device, standings, 0)).isEqualTo(new CellStanding(4, 0, StepOutcome.GOES_ON));
        CellStanding stopped = new CellStanding(4, 0, StepOutcome.NOT_FINITE);
        assertThat(standing(device, standings, 1)).isEqualTo(stopped);
        StepResult told = result(device, results, 1);
        assertThat(told.step()).isEqualTo(5);
        assertThat(told.outcome()).isEqualTo(StepOutcome.NOT_FINITE);
        // Later steps leave all as it is.
        device.launch("judge", Grid.of(CELLS), 256, judge);
        assertThat(standing(device, standings, 1)).isEqualTo(stopped);
        assertThat(result(device, results, 1).outcome()).isEqualTo(StepOutcome.NOT_FINITE);
    }

    @ParameterizedTest
    @EnumSource
    void aLossAboveTheBoundEndsACellAfterItsWindow(Threads threads) {
        try (EmulatedDevice device = device(threads)) {
            long standings = standings(device, 0, 0);
            long results = device.allocate((long) CELLS * StepResult.BYTES);
            long squares = device.allocate(16L * CELLS);
            device.zero(squares, 16L * CELLS);
            long rules = rules(device);
            // The bounds are 2 and 3, the windows 2 and 3.
            float[][] losses = {{2.5f, 2.5f}, {1, 3.5f}, {2.5f, 3.5f}, {2.5f, 3.5f}, {9, 9}};
            int[][] above = {{1, 0}, {0, 1}, {1, 2}, {2, 3}, {2, 3}};
            long[][] steps = {{1, 1}, {2, 2}, {3, 3}, {3, 3}, {3, 3}};
            for (int i = 0; i < losses.length; i++) {
                device.launch(
                        "judge",
                        Grid.of(CELLS),
                        32,
                        device.floats(losses[i]),
                        squares,
                        rules,
                        standings,
                        results,
                        1,
                        1,
                        1,
                        1,
                        1);
                for (int cell = 0; cell < CELLS; cell++) {
                    assertThat(standing(device, standings, cell))
                            .isEqualTo(new CellStanding(
                                    steps[i][cell],
                                    above[i][cell],
                                    i < 3 ? StepOutcome.GOES_ON : StepOutcome.ABOVE_BOUND));
                }
            }
            assertThat(result(device, results, 0).gradientSquareSmall()).isNaN();
        }
    }

    @ParameterizedTest
    @EnumSource
    void theUpdateIsTheCpusBitByBit(Threads threads) {
        int[] lengths = {100, 2048, 37};
        int[] offsets = {0, 112, 2160};
        int[] kinds = {3, 2, 0};
        int stride = 2208;
        try (EmulatedDevice device = device(threads);
                Kernels cpu = new CpuKernels()) {
            float[] parameters = gaussian(CELLS * stride);
            float[] gradients = gaussian(SLICES * stride);
            float[] first = gaussian(CELLS * stride);
            float[] second = gaussian(CELLS * stride);
            for (int i = 0; i < second.length; i++) {
                second[i] *= second[i];
                // Among them what is rounded away.
                if (i % 7 == 0) {
                    gradients[i] *= 1e-33f;
                    first[i] *= 1e-33f;
                    second[i] *= 1e-35f;
                }
            }
            ByteBuffer stretches = EmulatedDevice.buffer(lengths.length * DeviceLayout.STRETCH_BYTES);
            for (int i = 0; i < lengths.length; i++) {
                stretches.putLong(offsets[i]).putInt(lengths[i]).putInt(kinds[i]);
            }
            long[] vectors = {
                device.floats(parameters), device.floats(gradients), device.floats(first), device.floats(second)
            };
            long rounded = device.allocate(2L * CELLS * stride);
            long standings = standings(device, 5, 6);
            device.launch(
                    "adamw",
                    Grid.of(lengths.length, CELLS),
                    64,
                    vectors[0],
                    vectors[1],
                    vectors[2],
                    vectors[3],
                    rounded,
                    device.filled(stretches),
                    rules(device),
                    standings,
                    stride,
                    PARTS * stride);
            float[] copy = device.readFactors(Precision.BFLOAT16, rounded, CELLS * stride);
            for (int cell = 0; cell < CELLS; cell++) {
                for (int i = 0; i < lengths.length; i++) {
                    Span p = span(cpu, parameters, cell * stride + offsets[i], lengths[i]);
                    Span g = span(cpu, gradients, PARTS * cell * stride + offsets[i], lengths[i]);
                    Span m = span(cpu, first, cell * stride + offsets[i], lengths[i]);
                    Span v = span(cpu, second, cell * stride + offsets[i], lengths[i]);
                    cpu.adamw(
                            p,
                            g,
                            m,
                            v,
                            new AdamStep(
                                    0.7f,
                                    0.9f,
                                    0.1f,
                                    0.95f,
                                    0.05f,
                                    1e-8f,
                                    (kinds[i] & 1) != 0 ? 0.02f : 0.03f,
                                    1.5f,
                                    (kinds[i] & 2) != 0 ? 0.99f : 1));
                    same(device, vectors[0], cell * stride + offsets[i], p);
                    same(device, vectors[2], cell * stride + offsets[i], m);
                    same(device, vectors[3], cell * stride + offsets[i], v);
                    for (int k = 0; k < lengths[i]; k++) {
                        assertThat(copy[cell * stride + offsets[i] + k]).isEqualTo(BFloat16.round((float) p.get(k)));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aStoppedCellIsNotUpdated(Threads threads) {
        try (EmulatedDevice device = device(threads)) {
            long vectors = device.floats(1, 2, 3, 4);
            long standings = standings(device, 5, 6);
            write(
                    device,
                    standings,
                    new CellStanding(5, 0, StepOutcome.NOT_FINITE),
                    new CellStanding(6, 0, StepOutcome.ABOVE_BOUND));
            ByteBuffer stretches = EmulatedDevice.buffer(DeviceLayout.STRETCH_BYTES);
            stretches.putLong(0).putInt(2).putInt(0);
            device.launch(
                    "adamw",
                    Grid.of(1, CELLS),
                    32,
                    vectors,
                    vectors,
                    vectors,
                    vectors,
                    0,
                    device.filled(stretches),
                    rules(device),
                    standings,
                    2,
                    2);
            assertThat(device.readFloats(vectors, 4)).containsExactly(1, 2, 3, 4);
        }
    }

    @ParameterizedTest
    @EnumSource
    void parametersAreRoundedToNearestEven(Threads threads) {
        float[] values = gaussian(1000);
        int[] bits = {0x3F808000, 0x3F818000, 0x3F808001, 0x7F7FFFFF, 0x7F800000, 0xFF800000, 0x80000000, 0x00000001};
        for (int i = 0; i < bits.length; i++) {
            values[i] = Float.intBitsToFloat(bits[i]);
        }
        values[bits.length] = Float.NaN;
        try (EmulatedDevice device = device(threads)) {
            long rounded = device.allocate(2000);
            device.launch("roundParameters", Grid.of(Grid.blocks(1000, 64)), 64, device.floats(values), rounded, 1000);
            float[] made = device.readFactors(Precision.BFLOAT16, rounded, 1000);
            assertThat(made[bits.length]).isNaN();
            assertThat(made[0]).isEqualTo(1);
            assertThat(made[1]).isEqualTo(Float.intBitsToFloat(0x3F820000));
            assertThat(made[3]).isInfinite();
            for (int i = 0; i < 1000; i++) {
                if (i != bits.length) {
                    assertThat(made[i]).isEqualTo(BFloat16.round(values[i]));
                }
            }
        }
    }

    private static void close(double made, double expected, double relative) {
        assertThat(made).isCloseTo(expected, org.assertj.core.data.Offset.offset(relative * Math.abs(expected)));
    }

    private static void same(EmulatedDevice device, long vector, int from, Span expected) {
        float[] made = device.readFloats(vector + 4L * from, (int) expected.length());
        for (int i = 0; i < made.length; i++) {
            assertThat(made[i]).as("element %s", i).isEqualTo((float) expected.get(i));
        }
    }

    /** The relative distance of a stretch from what was expected is below a bound, and none of it is NaN. */
    private static void near(float[] made, int from, Span expected, double most) {
        double gap = 0;
        double size = 0;
        for (int i = 0; i < expected.length(); i++) {
            double difference = made[from + i] - expected.get(i);
            gap += difference * difference;
            size += expected.get(i) * expected.get(i);
        }
        assertThat(Math.sqrt(gap)).as("seed %s", SEED).isLessThanOrEqualTo(most * Math.sqrt(size));
    }

    private float[] gaussian(int length) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** Numbers that the precision has. */
    private float[] factors(Precision precision, int length) {
        float[] values = gaussian(length);
        if (precision == Precision.BFLOAT16) {
            for (int i = 0; i < length; i++) {
                values[i] = BFloat16.round(values[i]);
            }
        }
        return values;
    }

    private Span span(float[] values, int from, int length) {
        return span(oracle, values, from, length);
    }

    private Matrix matrix(float[] values, int from, int rows, int columns) {
        return new Matrix(span(values, from, rows * columns), rows, columns);
    }

    private static Span span(Kernels kernels, float[] values, int from, int length) {
        Span span = kernels.allocate(length);
        for (int i = 0; i < length; i++) {
            span.set(i, values[from + i]);
        }
        return span;
    }

    private static DropoutMask mask(int cell, int site, int slice, int partRows, int width) {
        long firstRow = (long) slice % PARTS * partRows + FIRST_ROW;
        return new DropoutMask(RATES[cell]).at(RandomStream.bits(KEYS[cell], site), firstRow * width);
    }

    private static int ringStart(int cell) {
        return 10 + 50 * cell;
    }

    private static long rules(EmulatedDevice device) {
        ByteBuffer rules = EmulatedDevice.buffer(CELLS * CellRule.BYTES);
        for (int cell = 0; cell < CELLS; cell++) {
            DropoutMask mask = new DropoutMask(RATES[cell]);
            new CellRule(
                            ATTENTION_SCALES[cell],
                            LOGIT_SCALES[cell],
                            mask.keepBelow(),
                            mask.scale(),
                            0.9f,
                            0.1f,
                            0.95f,
                            0.05f,
                            1e-8f,
                            2 + cell,
                            cell == 0 ? 0.5 : 0,
                            2 + cell,
                            ringStart(cell),
                            40)
                    .write(rules);
        }
        return device.filled(rules);
    }

    /** Cells in the middle of a step. */
    private static long standings(EmulatedDevice device, long... steps) {
        ByteBuffer standings = EmulatedDevice.buffer(CELLS * CellStanding.BYTES);
        for (int cell = 0; cell < CELLS; cell++) {
            int end = standings.position() + CellStanding.BYTES;
            standings.putLong(steps[cell]).putInt(0).putInt(0);
            new StepPlan(KEYS[cell], 0.02f, 0.03f, 0.99f, 1.5f).write(standings);
            standings.putFloat(0.7f).position(end);
        }
        return device.filled(standings);
    }

    private static void write(EmulatedDevice device, long standings, CellStanding... cells) {
        ByteBuffer bytes = EmulatedDevice.buffer(CELLS * CellStanding.BYTES);
        for (CellStanding cell : cells) {
            cell.write(bytes);
        }
        device.write(standings, bytes.flip());
    }

    private static CellStanding standing(EmulatedDevice device, long standings, int cell) {
        ByteBuffer bytes = EmulatedDevice.buffer(CellStanding.BYTES);
        device.read(standings + (long) cell * CellStanding.BYTES, bytes);
        return CellStanding.read(bytes);
    }

    private static float scale(EmulatedDevice device, long standings, int cell) {
        ByteBuffer bytes = EmulatedDevice.buffer(CellStanding.BYTES);
        device.read(standings + (long) cell * CellStanding.BYTES, bytes);
        return bytes.getFloat(CellStanding.BYTES - 8);
    }

    private static StepResult result(EmulatedDevice device, long results, int index) {
        ByteBuffer bytes = EmulatedDevice.buffer(StepResult.BYTES);
        device.read(results + (long) index * StepResult.BYTES, bytes);
        return StepResult.read(bytes);
    }

    private static long longs(EmulatedDevice device, long... values) {
        ByteBuffer bytes = EmulatedDevice.buffer(values.length * Long.BYTES);
        for (long value : values) {
            bytes.putLong(value);
        }
        return device.filled(bytes);
    }
}
