package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.gpu.CellGroup;
import dev.powersweep.worker.gpu.cuda.CudaDevice;
import dev.powersweep.worker.gpu.cuda.CudaException;
import dev.powersweep.worker.kernels.KernelChoice;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.network.KernelSets;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.bytedeco.javacpp.Loader;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.factory.Nd4jBackend;

/** Loads the backend, checks that it is the one asked for, and says what a results row needs to be re-run. */
final class Preflight {
    /** What the CPU backend's libraries take, unpacked. */
    private static final long ROOM_FOR_LIBRARIES_BYTES = 512L << 20;

    private Preflight() {}

    /** The backend asked for is not there; the message is one sentence with the remedy. */
    static final class UnsupportedDeviceException extends Exception {
        private static final long serialVersionUID = 1L;

        UnsupportedDeviceException(String message, Throwable reason) {
            super(message, reason);
        }
    }

    /** Every host has the device, and this one does not run what stands on it; the message is one sentence with the remedy. */
    static final class HostException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        HostException(String message, Throwable reason) {
            super(message, reason);
        }
    }

    /** Libraries are unpacked before they are loaded: where the disk is full some are missing. */
    private static String remedy() {
        File cache;
        try {
            cache = Loader.getCacheDir();
        } catch (IOException e) {
            return Failures.message(e) + ".";
        }
        long free = cache.getUsableSpace();
        return free < ROOM_FOR_LIBRARIES_BYTES
                ? String.format(
                        Locale.ROOT,
                        "the disk of %s has %d MB left of the %d that the trainer's libraries need: free some.",
                        cache,
                        free >> 20,
                        ROOM_FOR_LIBRARIES_BYTES >> 20)
                : "its libraries were unpacked to " + cache
                        + ": delete that if they are damaged, or install a trainer built for this platform.";
    }

    /**
     * A trainer that can begin.
     *
     * @param ready what it says of itself
     */
    record Prepared(Frame.Ready ready, TrainingPlace place) {}

    /**
     * Finds where cells are trained: for a GPU on the engine of our own where the host has what that needs, else on ND4J's
     * backend.
     *
     * @param cells at once, ≥ 1; more than one need the engine of our own
     * @throws UnsupportedDeviceException when there is no such device, or ND4J has started on another
     */
    static Prepared run(CommandLine.Backend wanted, KernelChoice kernels, int cells) throws UnsupportedDeviceException {
        String objection = "";
        if (wanted == CommandLine.Backend.CUDA && kernels != KernelChoice.PORTABLE) {
            try {
                return card(cells);
            } catch (CudaException e) {
                if (e.kind() != CudaException.Kind.UNSUPPORTED) {
                    throw new HostException(Failures.message(e) + ".", e);
                }
                objection = "the engine for GPUs cannot start: " + Failures.message(e) + "; ";
            }
        }
        if (cells > 1) {
            throw new UnsupportedDeviceException(
                    objection + "--cells " + cells + " is for GPUs on kernels of our own; train one cell at a time"
                            + " (resources.cellsPerGpu: 1).",
                    null);
        }
        return new Prepared(nd4j(wanted, kernels, objection), new TrainingPlace.Network(kernels));
    }

    private static Prepared card(int cells) {
        Path cubins;
        try {
            cubins = Loader.getCacheDir().toPath().resolve("powersweep-cubins");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        CudaDevice device = CudaDevice.open(0, Optional.of(cubins));
        device.prepare(CellGroup.COMMON_KERNELS);
        Frame.Ready ready = new Frame.Ready(
                ProcessHandle.current().pid(),
                CommandLine.Backend.CUDA.name().toLowerCase(Locale.ROOT),
                "kernels of our own in CUDA C",
                device.describe(),
                1,
                provenance("cuda"));
        return new Prepared(
                ready, cells > 1 ? new TrainingPlace.Shared(new SharedCard(device)) : new TrainingPlace.Card(device));
    }

    /** @param objection why the engine for GPUs is not taken, with a semicolon */
    private static Frame.Ready nd4j(CommandLine.Backend wanted, KernelChoice kernels, String objection)
            throws UnsupportedDeviceException {
        if (wanted == CommandLine.Backend.CUDA) {
            Optional<String> uncovered = CudaCoverage.objection();
            if (uncovered.isPresent()) {
                throw new UnsupportedDeviceException(objection + uncovered.get(), null);
            }
        }
        Nd4jBackend backend;
        try {
            backend = Nd4j.getBackend();
            // Touches native code, where a missing library or device shows itself.
            Nd4j.scalar(1.0f).addi(1.0f).getFloat(0);
        } catch (RuntimeException | LinkageError e) {
            String why = "ND4J cannot start its backend for " + platform() + ": " + rootMessage(e);
            if (wanted == CommandLine.Backend.CPU) {
                throw new HostException(why + "; " + remedy(), e);
            }
            throw new UnsupportedDeviceException(objection + why + "; install a trainer built for this platform.", e);
        }
        String found = backend.getClass().getSimpleName();
        boolean isCpu = found.equals("CpuBackend");
        if (isCpu != (wanted == CommandLine.Backend.CPU)) {
            throw new UnsupportedDeviceException(
                    objection + "--backend " + wanted.name().toLowerCase(Locale.ROOT)
                            + " was asked for, but ND4J started "
                            + found + (isCpu ? ": no usable CUDA backend is on this trainer's class path" : "")
                            + "; ask for the other backend or start the trainer that was built for it.",
                    null);
        }
        // ND4J collects garbage by itself every few seconds; the step allocates nothing.
        Nd4j.getMemoryManager().togglePeriodicGc(false);

        String kernelSet;
        try (Kernels opened = KernelSets.open(kernels)) {
            kernelSet = opened.describe();
        } catch (IllegalArgumentException e) {
            throw new UnsupportedDeviceException(
                    "--kernels " + kernels.name().toLowerCase(Locale.ROOT) + ": " + Failures.message(e) + ".", e);
        }
        return new Frame.Ready(
                ProcessHandle.current().pid(),
                wanted.name().toLowerCase(Locale.ROOT),
                kernelSet,
                isCpu ? cpuModel() : System.getenv().getOrDefault("CUDA_VISIBLE_DEVICES", "all"),
                Nd4j.getEnvironment().maxThreads(),
                provenance(found));
    }

    private static Map<String, String> provenance(String backend) {
        Map<String, String> provenance = new LinkedHashMap<>(builtWith());
        provenance.put("java", System.getProperty("java.vm.name") + " " + Runtime.version());
        provenance.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        provenance.put("platform", platform());
        provenance.put("cpu", cpuModel());
        provenance.put("backend", backend);
        return provenance;
    }

    /** Versions and commit, as the build wrote them. */
    static Map<String, String> builtWith() {
        Properties properties = new Properties();
        try (InputStream in = Preflight.class.getResourceAsStream("build.properties")) {
            if (in == null) {
                throw new IllegalStateException("build.properties is missing from the trainer's jar");
            }
            properties.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Map<String, String> versions = new LinkedHashMap<>();
        properties.stringPropertyNames().forEach(name -> versions.put(name, properties.getProperty(name)));
        return versions;
    }

    private static String platform() {
        return Loader.getPlatform();
    }

    private static String cpuModel() {
        try {
            return Files.readString(Path.of("/proc/cpuinfo"), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse(System.getProperty("os.arch"));
        } catch (IOException e) {
            return System.getProperty("os.arch");
        }
    }

    private static String rootMessage(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return Failures.message(root);
    }
}
