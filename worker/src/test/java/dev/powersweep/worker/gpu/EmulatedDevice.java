package dev.powersweep.worker.gpu;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.powersweep.worker.cell.Precision;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * A device in a process of its own, made of the kernels' sources by a C++ compiler: device.cpp has its commands. Tests are
 * skipped where there is no compiler.
 */
public final class EmulatedDevice implements Device {

    /** In what order threads and blocks run; backwards, work beside other work is done after it, as late as it may be. */
    public enum Threads {
        FORWARDS,
        BACKWARDS
    }

    /** How the process is built. */
    enum Build {
        QUICK(List.of("-O1", "-march=native")),
        /** With address and undefined-behaviour sanitisers. */
        SANITISED(List.of(
                "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"));

        private final List<String> options;

        Build(List<String> options) {
            this.options = options;
        }
    }

    private static final String COMPILER = System.getenv().getOrDefault("CXX", "g++");

    private final Process process;
    private final Path errors;
    private final DataInputStream answers;
    private final OutputStream commands;
    /** Work that may wait; null where it is done at once. */
    private final Set<Precision> multiplied = EnumSet.noneOf(Precision.class);

    private final List<Runnable> waiting;

    /** While work is captured. */
    private ByteArrayOutputStream captured;

    /** Null where none is wanted. */
    private final Recording recording;

    public EmulatedDevice(Threads threads) {
        this(Build.QUICK, threads);
    }

    EmulatedDevice(Build build, Threads threads) {
        assumeTrue(
                System.getProperty("os.name").equals("Linux"),
                "the emulated device's fibers are written for Linux alone");
        assumeTrue(compiler(), () -> "no C++ compiler " + COMPILER + " here, and the emulated device is made by one");
        try {
            errors = Files.createTempFile("emulated-device", ".txt");
            ProcessBuilder builder = new ProcessBuilder(
                            binary(build).toString(), threads == Threads.BACKWARDS ? "backwards" : "forwards")
                    .redirectError(errors.toFile());
            builder.environment().put("ASAN_OPTIONS", "detect_leaks=0");
            process = builder.start();
            answers = new DataInputStream(process.getInputStream());
            commands = new BufferedOutputStream(process.getOutputStream(), 1 << 16);
            recording = threads == Threads.FORWARDS ? Recording.begin() : null;
            waiting = threads == Threads.BACKWARDS ? new ArrayList<>() : null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String describe() {
        return "an emulated device";
    }

    @Override
    public long allocate(long bytes) {
        send(command('a', 8).putLong(bytes));
        long address = answer(Long.BYTES).getLong(0);
        if (recording != null) {
            recording.allocated(bytes, address);
        }
        return address;
    }

    @Override
    public void free(long address) {
        send(command('f', 8).putLong(address));
        if (recording != null) {
            recording.freed(address);
        }
    }

    @Override
    public void write(long address, ByteBuffer from) {
        ByteBuffer command = command('w', 16 + from.remaining());
        send(command.putLong(address).putLong(from.remaining()).put(from.duplicate()));
        if (recording != null) {
            recording.written(address, from);
        }
    }

    @Override
    public void read(long address, ByteBuffer to) {
        read(address, to, 'x');
    }

    /** @param type as {@link Recording#read} has it */
    private void read(long address, ByteBuffer to, char type) {
        send(command('r', 16).putLong(address).putLong(to.remaining()));
        to.duplicate().put(answer(to.remaining()));
        if (recording != null) {
            recording.read(address, type, to);
        }
    }

    @Override
    public void zero(long address, long bytes) {
        send(command('z', 16).putLong(address).putLong(bytes));
        if (recording != null) {
            recording.zeroed(address, bytes);
        }
    }

    @Override
    public void launch(String kernel, Grid grid, int threads, long... arguments) {
        byte[] name = kernel.getBytes(StandardCharsets.US_ASCII);
        ByteBuffer command = command('l', 24 + name.length + Long.BYTES * arguments.length);
        command.putInt(name.length).put(name);
        command.putInt(grid.x()).putInt(grid.y()).putInt(grid.z()).putInt(threads);
        command.putInt(arguments.length);
        for (long argument : arguments) {
            command.putLong(argument);
        }
        send(command);
        if (recording != null) {
            recording.launched(kernel, grid, threads, arguments);
        }
    }

    /** In what numbers products have been made so far. */
    public Set<Precision> multiplied() {
        return multiplied;
    }

    @Override
    public void multiply(Product p) {
        multiplied.add(p.precision());
        int type = p.precision() == Precision.BFLOAT16 ? 1 : 0;
        ByteBuffer command = command('m', 40 + 10 * Long.BYTES);
        command.putInt(p.a().order().ordinal()).putInt(p.b().order().ordinal());
        command.putInt(p.rows()).putInt(p.columns()).putInt(p.inner()).putInt(p.batch());
        command.putInt(type).putInt(p.result() == Product.Result.SINGLE ? 0 : type);
        command.putFloat(p.scale()).putFloat(p.keep());
        command.putLong(p.a().address()).putLong(p.b().address()).putLong(p.c().address());
        command.putLong(p.a().rowStride()).putLong(p.b().rowStride()).putLong(p.c().rowStride());
        command.putLong(p.a().batchStride()).putLong(p.b().batchStride());
        command.putLong(p.c().batchStride());
        command.putLong(p.beforeGelu());
        send(command);
    }

    @Override
    public void beside(Runnable work) {
        if (waiting == null) {
            work.run();
        } else {
            waiting.add(work);
        }
    }

    @Override
    public void join() {
        if (waiting != null) {
            waiting.forEach(Runnable::run);
            waiting.clear();
        }
    }

    @Override
    public Work capture(Runnable work) {
        captured = new ByteArrayOutputStream();
        work.run();
        byte[] all = captured.toByteArray();
        captured = null;
        return new Work() {
            @Override
            public void run() {
                send(ByteBuffer.wrap(all).position(all.length));
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public void close() {
        if (recording != null) {
            recording.close();
        }
        try {
            commands.close();
            if (!process.waitFor(60, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
            if (process.exitValue() != 0) {
                throw died(null);
            }
            Files.deleteIfExists(errors);
        } catch (IOException e) {
            throw died(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    // What tests need beside the device's own methods.

    long floats(float... values) {
        ByteBuffer bytes = buffer(values.length * Float.BYTES);
        for (float value : values) {
            bytes.putFloat(value);
        }
        return filled(bytes);
    }

    /** Numbers as a precision's products read them. */
    long factors(Precision precision, float... values) {
        if (precision != Precision.BFLOAT16) {
            return floats(values);
        }
        ByteBuffer bytes = buffer(values.length * Short.BYTES);
        for (float value : values) {
            bytes.putShort((short) (Float.floatToRawIntBits(BFloat16.round(value)) >>> 16));
        }
        return filled(bytes);
    }

    long ints(int... values) {
        ByteBuffer bytes = buffer(values.length * Integer.BYTES);
        for (int value : values) {
            bytes.putInt(value);
        }
        return filled(bytes);
    }

    long filled(ByteBuffer bytes) {
        bytes.flip();
        long address = allocate(bytes.remaining());
        write(address, bytes);
        return address;
    }

    float[] readFloats(long address, int count) {
        ByteBuffer bytes = buffer(count * Float.BYTES);
        read(address, bytes, 'f');
        float[] values = new float[count];
        bytes.asFloatBuffer().get(values);
        return values;
    }

    float[] readFactors(Precision precision, long address, int count) {
        if (precision != Precision.BFLOAT16) {
            return readFloats(address, count);
        }
        ByteBuffer bytes = buffer(count * Short.BYTES);
        read(address, bytes, 'b');
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = Float.intBitsToFloat(bytes.getShort(i * Short.BYTES) << 16);
        }
        return values;
    }

    int[] readInts(long address, int count) {
        ByteBuffer bytes = buffer(count * Integer.BYTES);
        read(address, bytes, 'i');
        int[] values = new int[count];
        bytes.asIntBuffer().get(values);
        return values;
    }

    static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static ByteBuffer command(char name, int bytes) {
        return buffer(1 + bytes).put((byte) name);
    }

    private void send(ByteBuffer command) {
        if (captured != null) {
            captured.write(command.array(), 0, command.position());
            return;
        }
        try {
            commands.write(command.array(), 0, command.position());
        } catch (IOException e) {
            throw died(e);
        }
    }

    private ByteBuffer answer(int bytes) {
        try {
            commands.flush();
            ByteBuffer answer = buffer(bytes);
            answers.readFully(answer.array());
            return answer;
        } catch (IOException e) {
            throw died(e);
        }
    }

    private AssertionError died(IOException reason) {
        try {
            process.waitFor(10, TimeUnit.SECONDS);
            return new AssertionError("the emulated device ended: " + Files.readString(errors), reason);
        } catch (IOException e) {
            return new AssertionError("the emulated device ended without a word", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new AssertionError("interrupted while the emulated device ended", e);
        }
    }

    private static boolean compiler() {
        try {
            return new ProcessBuilder(COMPILER, "--version")
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Built once for each state of the sources, under this module's target folder. */
    private static Path binary(Build build) throws IOException {
        Map<String, String> files = new TreeMap<>(KernelSources.files());
        for (String name : List.of("emulator.h", "device.cpp")) {
            try (InputStream stream = EmulatedDevice.class.getResourceAsStream(name)) {
                files.put(name, new String(stream.readAllBytes(), StandardCharsets.UTF_8));
            }
        }
        Path folder = Path.of("target", "emulated-device", hash(files + build.options.toString()));
        Path binary = folder.resolve("device");
        if (Files.exists(binary)) {
            return binary.toAbsolutePath();
        }
        Files.createDirectories(folder);
        // Other tests may build it, too.
        Path own = Files.createTempDirectory(folder, "build");
        for (Map.Entry<String, String> file : files.entrySet()) {
            Files.writeString(own.resolve(file.getKey()), file.getValue());
        }
        List<String> command =
                new ArrayList<>(List.of(COMPILER, "-std=c++17", "-ffp-contract=off", "-fno-strict-aliasing"));
        command.addAll(build.options);
        command.addAll(List.of("-o", "device", "device.cpp"));
        Process compiler = new ProcessBuilder(command)
                .directory(own.toFile())
                .redirectErrorStream(true)
                .start();
        String said = new String(compiler.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (compiler.waitFor() != 0) {
                throw new AssertionError(String.join(" ", command) + " in " + own + "\n" + said);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted while the emulated device was built", e);
        }
        try {
            Files.move(own.resolve("device"), binary, StandardCopyOption.ATOMIC_MOVE);
        } catch (FileAlreadyExistsException e) {
            return binary.toAbsolutePath();
        }
        return binary.toAbsolutePath();
    }

    private static String hash(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
