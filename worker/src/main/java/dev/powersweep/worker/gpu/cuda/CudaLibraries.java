package dev.powersweep.worker.gpu.cuda;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import dev.powersweep.worker.gpu.cuda.CudaException.Kind;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The machine's driver, and NVRTC and cuBLASLt of its CUDA 13 or 12: from the folders that {@value #FOLDERS} names, from
 * where the system's loader looks, and from where CUDA and Python's packages of it are installed.
 */
final class CudaLibraries {

    /** Folders with libnvrtc.so.N and libcublasLt.so.N, separated by colons. */
    static final String FOLDERS = "POWERSWEEP_CUDA_LIBRARIES";

    private static final int NEWEST = 13;
    private static final int OLDEST = 12;
    private static final Map<String, ?> OPTIONS = Map.of(Library.OPTION_STRING_ENCODING, "UTF-8");

    private CudaLibraries() {}

    static CudaDriver driver() {
        try {
            return Native.load("libcuda.so.1", CudaDriver.class, OPTIONS);
        } catch (UnsatisfiedLinkError e) {
            throw new CudaException(
                    Kind.UNSUPPORTED,
                    "this host has no NVIDIA driver (libcuda.so.1 is not found: " + brief(e)
                            + "); install one, or let the container see it",
                    e);
        }
    }

    static Nvrtc nvrtc() {
        return load("nvrtc", Nvrtc.class);
    }

    static CublasLt cublasLt() {
        return load("cublasLt", CublasLt.class);
    }

    private static <L extends Library> L load(String name, Class<L> type) {
        List<String> tried = new ArrayList<>();
        for (int version = NEWEST; version >= OLDEST; version--) {
            String file = "lib" + name + ".so." + version;
            for (Path folder : folders()) {
                Path library = folder.resolve(file);
                if (Files.exists(library)) {
                    try {
                        // NVRTC opens these by their bare name, which finds them once they are open.
                        for (Path needed : children(folder, "lib" + name + "-builtins.so." + version + "*")) {
                            NativeLibrary.getInstance(needed.toString());
                        }
                        return Native.load(library.toString(), type, OPTIONS);
                    } catch (UnsatisfiedLinkError e) {
                        tried.add(library + ": " + brief(e));
                    }
                }
            }
            try {
                return Native.load(file, type, OPTIONS);
            } catch (UnsatisfiedLinkError e) {
                tried.add(brief(e));
            }
        }
        throw new CudaException(
                Kind.UNSUPPORTED,
                "CUDA's lib" + name + ".so." + NEWEST + " (or ." + OLDEST + ") is not on this host; install CUDA "
                        + NEWEST + "'s libraries nvrtc and cublas, or name their folder in " + FOLDERS + " (" + tried
                        + ")");
    }

    private static List<Path> folders() {
        List<Path> folders = new ArrayList<>();
        for (String folder : System.getenv().getOrDefault(FOLDERS, "").split(":")) {
            if (!folder.isBlank()) {
                folders.add(Path.of(folder));
            }
        }
        String home = System.getenv("CUDA_HOME");
        if (home != null && !home.isBlank()) {
            folders.add(Path.of(home, "lib64"));
        }
        for (String parent : List.of("/usr/local", "/opt")) {
            for (Path cuda : children(Path.of(parent), "cuda*")) {
                folders.add(cuda.resolve("lib64"));
                folders.add(cuda.resolve("targets/x86_64-linux/lib"));
            }
        }
        for (String parent : List.of("/usr/lib/python3", "/usr/local/lib")) {
            for (Path python : children(Path.of(parent), "*")) {
                for (String packages : List.of("site-packages", "dist-packages")) {
                    for (Path nvidia : children(python.resolve(packages).resolve("nvidia"), "*")) {
                        folders.add(nvidia.resolve("lib"));
                    }
                }
            }
        }
        return folders;
    }

    private static List<Path> children(Path parent, String pattern) {
        List<Path> children = new ArrayList<>();
        if (Files.isDirectory(parent)) {
            try (DirectoryStream<Path> stream = Files.newDirectoryStream(parent, pattern)) {
                stream.forEach(children::add);
            } catch (IOException e) {
                return children;
            }
        }
        children.sort(null);
        return children;
    }

    private static String brief(UnsatisfiedLinkError e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    }
}
