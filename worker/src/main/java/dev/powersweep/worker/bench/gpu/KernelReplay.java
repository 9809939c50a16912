package dev.powersweep.worker.bench.gpu;

import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.gpu.Device;
import dev.powersweep.worker.gpu.Grid;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.GZIPInputStream;

/**
 * Recordings of what tests asked of an emulated device, asked of a card again: allocations, writes, launches and what
 * reads answered. Numbers may differ by rounding, as the emulator's functions do; integers may not.
 */
final class KernelReplay {

    /** Of the largest number of a vector. */
    private static final double SINGLE_BOUND = 2e-5;

    private static final double NARROW_BOUND = 1.6e-2;

    private final Device device;
    /** Recorded beginnings of allocations, with the card's and the bytes. */
    private final TreeMap<Long, long[]> allocations = new TreeMap<>();

    private final Map<Character, double[]> worst = new TreeMap<>();
    private final TreeSet<String> kernels = new TreeSet<>();

    private KernelReplay(Device device) {
        this.device = device;
    }

    static void compare(Device device, Path file, Report report) {
        report.row("replay", file.getFileName().toString(), Precision.FLOAT32, row -> {
            KernelReplay replay = new KernelReplay(device);
            try (DataInputStream in = new DataInputStream(
                    new BufferedInputStream(new GZIPInputStream(Files.newInputStream(file)), 1 << 16))) {
                replay.run(in);
            } finally {
                replay.allocations.values().forEach(allocation -> device.free(allocation[0]));
            }
            double single = replay.worst.getOrDefault('f', new double[2])[1];
            double narrow = replay.worst.getOrDefault('b', new double[2])[1];
            double integers = replay.worst.getOrDefault('i', new double[2])[1];
            row.put("kernels", String.join(" ", replay.kernels))
                    .put("single", single)
                    .put("bfloat16", narrow)
                    .put("integers", integers)
                    .put("holds", single <= SINGLE_BOUND && narrow <= NARROW_BOUND && integers == 0);
        });
    }

    private void run(DataInputStream in) throws IOException {
        while (true) {
            int command;
            try {
                command = in.readUnsignedByte();
            } catch (EOFException e) {
                return;
            }
            switch (command) {
                case 'a' -> {
                    long bytes = in.readLong();
                    long recorded = in.readLong();
                    long address = device.allocate(bytes);
                    byte[] undefined = new byte[Math.toIntExact(bytes)];
                    Arrays.fill(undefined, (byte) 0xFF);
                    device.write(address, ByteBuffer.wrap(undefined));
                    allocations.put(recorded, new long[] {address, bytes});
                }
                case 'f' -> device.free(allocations.remove(in.readLong())[0]);
                case 'w' -> {
                    long address = here(in.readLong());
                    device.write(address, ByteBuffer.wrap(in.readNBytes(in.readInt())));
                }
                case 'z' -> device.zero(here(in.readLong()), in.readLong());
                case 'l' -> launch(in);
                case 'r' -> {
                    long address = here(in.readLong());
                    char type = (char) in.readUnsignedByte();
                    byte[] expected = in.readNBytes(in.readInt());
                    byte[] ours = new byte[expected.length];
                    device.read(address, ByteBuffer.wrap(ours));
                    double[] largest = worst.computeIfAbsent(type, key -> new double[2]);
                    largest[0]++;
                    largest[1] = Math.max(largest[1], apart(type, ours, expected));
                }
                default -> throw new IOException("a recording has no command " + command);
            }
        }
    }

    private void launch(DataInputStream in) throws IOException {
        String kernel = new String(in.readNBytes(in.readInt()), StandardCharsets.US_ASCII);
        Grid grid = new Grid(in.readInt(), in.readInt(), in.readInt());
        int threads = in.readInt();
        long[] arguments = new long[in.readInt()];
        for (int i = 0; i < arguments.length; i++) {
            arguments[i] = here(in.readLong());
        }
        kernels.add(kernel);
        device.launch(kernel, grid, threads, arguments);
    }

    /** An address inside a recorded allocation as the card's; anything else as it is. */
    private long here(long argument) {
        Map.Entry<Long, long[]> below = allocations.floorEntry(argument);
        return below == null || argument > below.getKey() + below.getValue()[1]
                ? argument
                : below.getValue()[0] + argument - below.getKey();
    }

    private static double apart(char type, byte[] ours, byte[] expected) {
        ByteBuffer a = ByteBuffer.wrap(ours).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer b = ByteBuffer.wrap(expected).order(ByteOrder.LITTLE_ENDIAN);
        double scale = 0;
        double gap = 0;
        while (b.hasRemaining()) {
            switch (type) {
                case 'i' -> gap += a.getInt() == b.getInt() ? 0 : 1;
                case 'f', 'b' -> {
                    float x = number(type, a);
                    float y = number(type, b);
                    if (Float.isNaN(x) != Float.isNaN(y) || Float.isInfinite(y) && x != y) {
                        return Double.POSITIVE_INFINITY;
                    }
                    if (!Float.isNaN(y) && !Float.isInfinite(y)) {
                        scale = Math.max(scale, Math.abs(y));
                        gap = Math.max(gap, Math.abs((double) x - y));
                    }
                }
                default -> {
                    return Arrays.equals(ours, expected) ? 0 : 1;
                }
            }
        }
        return type == 'i' || gap == 0 ? gap : gap / Math.max(scale, Float.MIN_NORMAL);
    }

    private static float number(char type, ByteBuffer from) {
        return type == 'f' ? from.getFloat() : Float.intBitsToFloat(from.getShort() << 16);
    }
}
