package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.TrainerCommand;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A JVM cannot add a module or change its own environment, so a trainer that was started by a plain {@code java -jar}
 * starts itself once more as a child with all that {@link TrainerCommand} asks for, and becomes its shadow: same
 * streams, same signals, same exit status. A supervisor starts the trainer rightly and never comes here.
 */
final class Relaunch {
    private static final String PARENT = "powersweep.trainer.parent";
    private static final String VECTOR_MODULE = "jdk.incubator.vector";

    private static final String THREADS = "OMP_NUM_THREADS";
    private static final String BLAS_CORE = "OPENBLAS_CORETYPE";

    private Relaunch() {}

    /** What this JVM lacks of {@code wanted}; empty when it may stay. */
    static List<String> missing(TrainerCommand wanted, Map<String, String> environment, boolean vectorModule) {
        List<String> missing = new ArrayList<>();
        if (!vectorModule) {
            missing.add("module " + VECTOR_MODULE);
        }
        // Any number of threads may be meant; numbers depend on the BLAS kernels, so those must be the ones expected.
        if (!environment.containsKey(THREADS)) {
            missing.add("variable " + THREADS);
        }
        String core = wanted.environment().get(BLAS_CORE);
        if (core != null && !core.equals(environment.get(BLAS_CORE))) {
            missing.add("variable " + BLAS_CORE + " = " + core);
        }
        return missing;
    }

    /**
     * Runs the child to its end when this JVM lacks something, and gives its exit status; gives nothing when this JVM is
     * as it should be, or is the child.
     */
    static Optional<Integer> ifNeeded(TrainerCommand wanted, List<String> arguments)
            throws IOException, InterruptedException {
        if (System.getProperty(PARENT) != null) {
            return Optional.empty();
        }
        boolean vectorModule = ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent();
        if (missing(wanted, System.getenv(), vectorModule).isEmpty()) {
            return Optional.empty();
        }
        List<String> line = new ArrayList<>();
        line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        line.addAll(wanted.jvmOptions());
        System.getProperties().stringPropertyNames().stream()
                .filter(name -> name.startsWith("org.bytedeco.javacpp.") || name.startsWith("log4j2."))
                .sorted()
                .forEach(name -> line.add("-D" + name + "=" + System.getProperty(name)));
        line.add("-D" + PARENT + "=" + ProcessHandle.current().pid());
        line.add("-cp");
        line.add(System.getProperty("java.class.path"));
        line.add(Main.class.getName());
        line.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(line).inheritIO();
        wanted.environment().forEach((name, value) -> {
            if (name.equals(BLAS_CORE)) {
                builder.environment().put(name, value);
            } else {
                builder.environment().putIfAbsent(name, value);
            }
        });
        Process child = builder.start();
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> {
                            child.destroy();
                            child.onExit().join();
                        },
                        "pass-on"));
        return Optional.of(child.waitFor());
    }

    /** In the child: asks {@code stop} when the parent is killed and cannot pass the signal on. */
    static void watchParent(StopSignal stop) {
        String parent = System.getProperty(PARENT);
        if (parent != null) {
            ProcessHandle.of(Long.parseLong(parent))
                    .ifPresentOrElse(handle -> handle.onExit().thenRun(stop::request), stop::request);
        }
    }
}
