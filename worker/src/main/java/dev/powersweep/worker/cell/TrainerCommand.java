package dev.powersweep.worker.cell;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * How a trainer's JVM is started: the one list that a supervisor uses, and that a trainer started by hand uses to start
 * itself again when something of it is missing. The variables must stand in the environment of the process, because
 * OpenMP and OpenBLAS read them once, when they are loaded.
 *
 * @param jvmOptions before {@code -jar}
 * @param environment variables to set; all others are inherited
 */
public record TrainerCommand(List<String> jvmOptions, Map<String, String> environment) {
    /**
     * JavaCPP compares a library's time with that of the jar's entry, which a JVM reads as its own zone's: processes of
     * different zones would unpack a shared library again and again, under the feet of those that load it.
     */
    public static final String TIME_ZONE = "-Duser.timezone=UTC";

    /** Exit status of a trainer whose backend is not the one it was asked for, or cannot run here. */
    public static final int EXIT_UNSUPPORTED_DEVICE = 3;
    /** Exit status of a trainer that was asked to stop (SIGTERM) and has said all it had to say. */
    public static final int EXIT_INTERRUPTED = 143;

    /** Bytes of Java heap; arrays live outside it. */
    static final long HEAP_BYTES = 256L << 20;
    /** The same where cells are trained on a GPU: states on their way between card and checkpoint lie there. */
    static final long GPU_HEAP_BYTES = 8L << 30;
    /** Bytes that code, thread stacks and the libraries themselves take of a process, besides heap and arrays. */
    static final long PROCESS_BYTES = 256L << 20;

    /** What the jar's manifest names. */
    private static final String MAIN = "dev.powersweep.worker.trainer.Main";

    private static final String CPU_INFO = "/proc/cpuinfo";
    private static final Set<String> SKYLAKEX_INSTRUCTIONS =
            Set.of("avx512f", "avx512dq", "avx512cd", "avx512bw", "avx512vl", "fma");

    /**
     * What a trainer may use.
     *
     * @param threads of OpenMP and BLAS, ≥ 1
     * @param memoryBytes cap on its arrays; 0 for none
     * @param nativeCache where JavaCPP unpacks native libraries; empty for {@code ~/.javacpp/cache}. Trainers that start
     *     for the first time at the same moment must not share one.
     * @param cudaDevices addresses of the GPUs it may see, none for an empty list; empty to inherit what this process
     *     sees
     */
    public record Resources(
            int threads, long memoryBytes, Optional<Path> nativeCache, Optional<List<String>> cudaDevices) {
        public Resources {
            if (threads < 1) {
                throw new IllegalArgumentException("threads = " + threads + " must be at least 1");
            }
            if (memoryBytes < 0) {
                throw new IllegalArgumentException("memoryBytes = " + memoryBytes + " must be at least 0");
            }
            cudaDevices = cudaDevices.map(List::copyOf);
        }

        /** Threads alone; no cap, JavaCPP's own cache, whatever devices this process sees. */
        public static Resources threads(int threads) {
            return new Resources(threads, 0, Optional.empty(), Optional.empty());
        }
    }

    public TrainerCommand {
        jvmOptions = List.copyOf(jvmOptions);
        environment = Map.copyOf(environment);
    }

    /** Options and variables for this machine's processor. */
    public static TrainerCommand of(Resources resources) {
        return of(resources, cpuInfo());
    }

    /** As {@link #of(Resources)} for the text of a {@code /proc/cpuinfo}. */
    static TrainerCommand of(Resources resources, String cpuInfo) {
        List<String> options = new ArrayList<>();
        // Java 17 ignores options that only later releases know.
        options.add("-XX:+IgnoreUnrecognizedVMOptions");
        options.add("--add-modules=jdk.incubator.vector");
        // Bounds checks of vectors and shuffles take as long as the vector arithmetic; tests run with them.
        options.add("-Djdk.incubator.vector.VECTOR_ACCESS_OOB_CHECK=0");
        options.add("--enable-native-access=ALL-UNNAMED");
        options.add("--sun-misc-unsafe-memory-access=allow");
        options.add("-Dfile.encoding=UTF-8");
        options.add(TIME_ZONE);
        // Standard output carries frames alone; the report of a crash goes where the log goes, not into a working
        // folder.
        options.add("-XX:+DisplayVMOutputToStderr");
        options.add("-XX:+ErrorFileToStderr");
        // C2 inlines a fixed amount of code into one method and boxes the vectors of what is beyond it, so that every
        // kernel of a row or block is compiled by itself.
        options.add("-XX:CompileCommand=quiet");
        options.add("-XX:CompileCommand=dontinline,dev.powersweep.worker.kernels.cpu.*::*Row");
        options.add("-XX:CompileCommand=dontinline,dev.powersweep.worker.kernels.cpu.*::*Block");
        // What they are made of: C2 calls, and does not inline, a method that it happens to have compiled by itself
        // before, and boxes the vectors that it takes and gives: sums then take ten times as long.
        options.add("-XX:CompileCommand=inline,dev.powersweep.worker.kernels.cpu.Lanes::*");
        options.add("-XX:CompileCommand=inline,dev.powersweep.worker.kernels.cpu.Elements::factors");
        // One mutator thread and a heap of a few megabytes: other collectors only cost memory.
        options.add("-XX:+UseSerialGC");
        options.add("-Xms16m");
        // The step's loops end up in the second compiler anyway; the first one's profiling code costs a tenth of the
        // processor time of short cells.
        options.add("-XX:-TieredCompilation");
        boolean gpu =
                resources.cudaDevices().filter(devices -> !devices.isEmpty()).isPresent();
        options.add("-Xmx" + ((gpu ? GPU_HEAP_BYTES : HEAP_BYTES) >> 20) + "m");
        // JavaCPP would cap arrays at the heap's size.
        options.add("-Dorg.bytedeco.javacpp.maxbytes=" + resources.memoryBytes());
        options.add("-Dorg.bytedeco.javacpp.maxphysicalbytes="
                + (resources.memoryBytes() == 0 ? 0 : resources.memoryBytes() + HEAP_BYTES + PROCESS_BYTES));
        resources.nativeCache().ifPresent(cache -> options.add("-Dorg.bytedeco.javacpp.cachedir=" + cache));

        Map<String, String> environment = new LinkedHashMap<>();
        String threads = Integer.toString(resources.threads());
        // A JVM takes the encoding of file names from the locale, and of POSIX only ASCII.
        environment.put("LC_ALL", "C.UTF-8");
        environment.put("OMP_NUM_THREADS", threads);
        environment.put("OPENBLAS_NUM_THREADS", threads);
        // Threads that spin between parallel regions take the processor from other trainers.
        environment.put("OMP_WAIT_POLICY", "passive");
        // OpenBLAS 0.3.19 takes AMD processors with AVX-512 for older ones; its SKYLAKEX kernels run on any processor
        // with these instructions, and would be killed by SIGILL on one without.
        if (hasSkylakeXInstructions(cpuInfo)) {
            environment.put("OPENBLAS_CORETYPE", "SKYLAKEX");
        }
        resources
                .cudaDevices()
                .ifPresent(devices -> environment.put("CUDA_VISIBLE_DEVICES", String.join(",", devices)));
        return new TrainerCommand(options, environment);
    }

    /**
     * The whole command line.
     *
     * @param javaHome of the JDK to run on, which must have {@code jdk.incubator.vector}
     * @param trainerJar the shaded {@code powersweep-worker-…-trainer.jar}
     * @param listeners jars that follow it on the class path
     * @param arguments {@code serve}, or {@code train} with its file, and their options
     */
    public List<String> line(Path javaHome, Path trainerJar, List<Path> listeners, List<String> arguments) {
        List<String> line = new ArrayList<>();
        line.add(javaHome.resolve("bin").resolve("java").toString());
        line.addAll(jvmOptions);
        if (listeners.isEmpty()) {
            line.addAll(List.of("-jar", trainerJar.toString()));
        } else {
            String classPath = Stream.concat(Stream.of(trainerJar), listeners.stream())
                    .map(Path::toString)
                    .collect(Collectors.joining(File.pathSeparator));
            line.addAll(List.of("-cp", classPath, MAIN));
        }
        line.addAll(arguments);
        return line;
    }

    /** As {@link #line(Path, Path, List, List)} without listeners. */
    public List<String> line(Path javaHome, Path trainerJar, List<String> arguments) {
        return line(javaHome, trainerJar, List.of(), arguments);
    }

    /** A process builder for {@link #line} with the environment set; streams are pipes. */
    public ProcessBuilder process(Path javaHome, Path trainerJar, List<String> arguments) {
        ProcessBuilder builder = new ProcessBuilder(line(javaHome, trainerJar, arguments));
        builder.environment().putAll(environment);
        return builder;
    }

    private static boolean hasSkylakeXInstructions(String cpuInfo) {
        return cpuInfo.lines()
                .filter(line -> line.startsWith("flags"))
                .findFirst()
                .map(line -> Arrays.asList(
                                line.substring(line.indexOf(':') + 1).strip().split("\\s+"))
                        .containsAll(SKYLAKEX_INSTRUCTIONS))
                .orElse(false);
    }

    private static String cpuInfo() {
        try {
            return Files.readString(Path.of(CPU_INFO), StandardCharsets.UTF_8);
        } catch (IOException e) {
            // No Linux: OpenBLAS chooses for itself.
            return "";
        }
    }
}
