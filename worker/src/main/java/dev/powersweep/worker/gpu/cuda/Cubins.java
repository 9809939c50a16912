package dev.powersweep.worker.gpu.cuda;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import dev.powersweep.worker.gpu.KernelSources;
import dev.powersweep.worker.gpu.cuda.CudaException.Kind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Machine code of the kernels for one architecture, made by NVRTC and kept in a folder by source, architecture and
 * compiler. Machine code and never PTX: a driver refuses the PTX of a newer compiler. Safe for use by several threads.
 */
final class Cubins {

    private static final Logger LOG = LogManager.getLogger(Cubins.class);

    private static final long STACK = 64L << 20;

    private final Supplier<Nvrtc> loader;
    private final String architecture;
    private final Optional<Path> folder;
    private final Map<String, String> sources = KernelSources.files();
    private Nvrtc nvrtc;

    /**
     * @param architecture as in {@code sm_90}
     * @param folder where machine code is kept; made when it is not there
     */
    Cubins(Supplier<Nvrtc> loader, String architecture, Optional<Path> folder) {
        this.loader = loader;
        this.architecture = architecture;
        this.folder = folder;
    }

    /** @param macros as in {@code NAME=text} */
    byte[] of(String unit, List<String> macros) {
        open();
        Optional<Path> file = folder.map(path -> path.resolve(unit + "-" + key(unit, macros) + ".cubin"));
        if (file.isPresent() && Files.isRegularFile(file.get())) {
            try {
                return Files.readAllBytes(file.get());
            } catch (IOException e) {
                LOG.warn("{} cannot be read ({}); the kernels are compiled again", file.get(), e.toString());
            }
        }
        byte[] image = withStack(() -> compile(unit, macros));
        file.ifPresent(path -> keep(path, image));
        return image;
    }

    private synchronized void open() {
        if (nvrtc == null) {
            nvrtc = loader.get();
        }
    }

    /** The compiler's recursion needs more of a stack than Java's threads have. */
    private static byte[] withStack(Supplier<byte[]> compiling) {
        FutureTask<byte[]> task = new FutureTask<>(compiling::get);
        Thread thread = new Thread(null, task, "nvrtc", STACK);
        thread.start();
        try {
            return task.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof CudaException cuda) {
                throw cuda;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while kernels were compiled", e);
        }
    }

    private byte[] compile(String unit, List<String> macros) {
        List<String> names =
                sources.keySet().stream().filter(name -> name.endsWith(".cuh")).toList();
        String[] texts = names.stream().map(sources::get).toArray(String[]::new);
        PointerByReference reference = new PointerByReference();
        check(
                nvrtc.nvrtcCreateProgram(
                        reference,
                        sources.get(unit + ".cu"),
                        unit + ".cu",
                        texts.length,
                        texts,
                        names.toArray(String[]::new)),
                "nvrtcCreateProgram");
        Pointer program = reference.getValue();
        try {
            List<String> options = new ArrayList<>(List.of("--gpu-architecture=" + architecture, "--std=c++17"));
            macros.forEach(macro -> options.add("-D" + macro));
            int code = nvrtc.nvrtcCompileProgram(program, options.size(), options.toArray(String[]::new));
            if (code != 0) {
                throw new CudaException(
                        Kind.UNSUPPORTED,
                        "NVRTC " + version() + " cannot compile " + unit + ".cu for " + architecture + ": "
                                + log(program));
            }
            LongByReference size = new LongByReference();
            check(nvrtc.nvrtcGetCUBINSize(program, size), "nvrtcGetCUBINSize");
            byte[] image = new byte[Math.toIntExact(size.getValue())];
            check(nvrtc.nvrtcGetCUBIN(program, image), "nvrtcGetCUBIN");
            return image;
        } finally {
            nvrtc.nvrtcDestroyProgram(reference);
        }
    }

    String version() {
        IntByReference major = new IntByReference();
        IntByReference minor = new IntByReference();
        check(nvrtc.nvrtcVersion(major, minor), "nvrtcVersion");
        return major.getValue() + "." + minor.getValue();
    }

    private String log(Pointer program) {
        LongByReference size = new LongByReference();
        check(nvrtc.nvrtcGetProgramLogSize(program, size), "nvrtcGetProgramLogSize");
        byte[] log = new byte[Math.toIntExact(Math.max(1, size.getValue()))];
        check(nvrtc.nvrtcGetProgramLog(program, log), "nvrtcGetProgramLog");
        return new String(log, StandardCharsets.UTF_8).replace('\0', ' ').strip();
    }

    /** Another process may write the same file: the last whole one stays. */
    private static void keep(Path file, byte[] image) {
        try {
            Files.createDirectories(file.getParent());
            Path own = Files.createTempFile(file.getParent(), "cubin", ".part");
            Files.write(own, image);
            Files.move(own, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            LOG.warn("the kernels' machine code cannot be kept as {} ({}); the next trainer compiles again", file, e);
        }
    }

    private String key(String unit, List<String> macros) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (Map.Entry<String, String> source : sources.entrySet()) {
                if (source.getKey().endsWith(".cuh") || source.getKey().equals(unit + ".cu")) {
                    digest.update(source.getValue().getBytes(StandardCharsets.UTF_8));
                }
            }
            digest.update((macros + architecture + version()).getBytes(StandardCharsets.UTF_8));
            return architecture + "-" + HexFormat.of().formatHex(digest.digest(), 0, 10);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private void check(int code, String call) {
        if (code != 0) {
            throw new CudaException(Kind.FAILED, call + " failed: " + nvrtc.nvrtcGetErrorString(code));
        }
    }
}
