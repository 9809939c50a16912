package dev.powersweep.worker.gpu;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Makes machine code for cards that need not be there, by NVRTC as trainers do, or by nvcc. */
sealed interface CudaCompiler {

    /**
     * What it says of one unit with ptxas' numbers of every kernel.
     *
     * @param folder with all sources
     * @param architecture as in {@code sm_90}
     * @param macros as in {@code NAME=text}
     */
    String compile(Path folder, String unit, String architecture, List<String> macros) throws IOException;

    /**
     * NVRTC where {@code NVRTC_LIBRARY} or the usual places have it and g++ is there to call it, else nvcc on the path.
     *
     * @param folder for what has to be built
     */
    static Optional<CudaCompiler> find(Path folder) throws IOException {
        String named = System.getenv().getOrDefault("NVRTC_LIBRARY", "");
        Optional<Path> library = Stream.of(
                        named,
                        "/usr/local/cuda/lib64/libnvrtc.so",
                        "/usr/local/cuda/lib/libnvrtc.so",
                        "/usr/lib/x86_64-linux-gnu/libnvrtc.so")
                .filter(name -> !name.isEmpty())
                .map(Path::of)
                .filter(Files::exists)
                .findFirst();
        if (library.isPresent()) {
            Path source = folder.resolve("nvrtc.cpp");
            try (InputStream stream = CudaCompiler.class.getResourceAsStream("nvrtc.cpp")) {
                Files.write(source, stream.readAllBytes());
            }
            Path program = folder.resolve("nvrtc");
            if (runs(List.of("g++", "--version"))) {
                run(List.of("g++", "-std=c++17", "-o", program.toString(), source.toString(), "-ldl"));
                return Optional.of(new Nvrtc(program, library.get()));
            }
        }
        return runs(List.of("nvcc", "--version")) ? Optional.of(new Nvcc()) : Optional.empty();
    }

    /** @param program of nvrtc.cpp */
    record Nvrtc(Path program, Path library) implements CudaCompiler {
        @Override
        public String compile(Path folder, String unit, String architecture, List<String> macros) throws IOException {
            List<String> command = new ArrayList<>(List.of(
                    program.toString(),
                    library.toString(),
                    folder.resolve(unit + ".cu").toString(),
                    "--gpu-architecture=" + architecture,
                    "--std=c++17",
                    "--ptxas-options=-v",
                    "--include-path=" + folder));
            macros.forEach(macro -> command.add("-D" + macro));
            return run(command, Map.of("LD_LIBRARY_PATH", library.getParent().toString()));
        }
    }

    /** The compiler driver. */
    record Nvcc() implements CudaCompiler {
        @Override
        public String compile(Path folder, String unit, String architecture, List<String> macros) throws IOException {
            List<String> command = new ArrayList<>(List.of(
                    "nvcc",
                    "-std=c++17",
                    "-cubin",
                    "-arch=" + architecture,
                    "-Xptxas",
                    "-v",
                    "-I" + folder,
                    "-o",
                    folder.resolve(unit + "." + architecture).toString(),
                    folder.resolve(unit + ".cu").toString()));
            macros.forEach(macro -> command.add("-D" + macro));
            return run(command);
        }
    }

    private static boolean runs(List<String> command) {
        try {
            run(command);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static String run(List<String> command) throws IOException {
        return run(command, Map.of());
    }

    /** @throws AssertionError with what the command said when it fails */
    private static String run(List<String> command, Map<String, String> environment) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        Process process = builder.start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new AssertionError(String.join(" ", command) + "\n" + said);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted in " + command, e);
        }
        return said;
    }
}
