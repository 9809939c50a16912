package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.ROOT;

import dev.powersweep.orchestrator.driver.StandInTrainer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** A Spark cluster and an HDFS that all tests of a run share, since they take a while to start. */
final class Loopback implements AutoCloseable {
    /** In the environment of every executor, where trainers must not have it from. */
    static final String SECRET_VARIABLE = "AWS_SECRET_ACCESS_KEY";

    static final String SECRET = "not-for-trainers";

    private static final int WORKERS = 2;
    private static final int DATA_NODES = 2;

    private final Path folder;
    private final LoopbackHdfs hdfs;
    private final LoopbackCluster cluster;
    private int submissions;

    private Loopback(Path folder, LoopbackHdfs hdfs, LoopbackCluster cluster) {
        this.folder = folder;
        this.hdfs = hdfs;
        this.cluster = cluster;
    }

    private static Loopback start() {
        try {
            Path folder = Files.createTempDirectory("powersweep-loopback");
            LoopbackHdfs hdfs = LoopbackHdfs.start(folder.resolve("hdfs"), DATA_NODES);
            try {
                return new Loopback(
                        folder,
                        hdfs,
                        LoopbackCluster.start(
                                folder.resolve("spark"),
                                WORKERS,
                                Map.of(StandInTrainer.PRETENDS_CUDA, "yes", SECRET_VARIABLE, SECRET)));
            } catch (IOException | InterruptedException | RuntimeException | Error e) {
                hdfs.close();
                throw e;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    LoopbackHdfs hdfs() {
        return hdfs;
    }

    LoopbackCluster cluster() {
        return cluster;
    }

    /** For files of a test. */
    Path folder() {
        return folder;
    }

    /** Options of a plain spark-submit beside the usual ones. */
    record Options(List<String> settings, Map<String, String> environment) {
        static final Options NONE = new Options(List.of(), Map.of());

        Options with(String setting) {
            List<String> more = new ArrayList<>(settings);
            more.add(setting);
            return new Options(more, environment);
        }

        /** As another user of HDFS. */
        Options as(String user) {
            return new Options(settings, Map.of("HADOOP_USER_NAME", user));
        }
    }

    /** Starts a driver by a plain spark-submit of the application's jar: two slots of one core and one GPU. */
    Daemon submit(Options options, Object... arguments) throws IOException {
        List<String> command = new ArrayList<>(LoopbackCluster.spark(
                "org.apache.spark.deploy.SparkSubmit", "--master", cluster.url(), "--driver-memory", "1g"));
        List<String> settings = new ArrayList<>(List.of(
                "spark.executor.memory=600m",
                "spark.executor.extraJavaOptions=" + ClassArchive.executorOptions(),
                "spark.executor.cores=1",
                "spark.executor.resource.gpu.amount=1",
                "spark.task.resource.gpu.amount=1"));
        if (options.settings().stream().noneMatch(setting -> setting.startsWith("spark.cores.max="))) {
            settings.add("spark.cores.max=2");
        }
        settings.addAll(options.settings());
        settings.forEach(setting -> command.addAll(List.of("--conf", setting)));
        command.add(applicationJar().toString());
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        Map<String, String> environment = new HashMap<>(options.environment());
        environment.put("SPARK_LOCAL_IP", "127.0.0.1");
        environment.put("HADOOP_CONF_DIR", hdfs.clientConfiguration().toString());
        return Daemon.start("driver", folder.resolve("driver-" + ++submissions + ".log"), environment, command);
    }

    static Path applicationJar() throws IOException {
        try (Stream<Path> files = Files.list(ROOT.resolve("orchestrator/target"))) {
            return files.filter(file -> file.getFileName().toString().matches("powersweep-[0-9].*\\.jar"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    @Override
    public void close() {
        cluster.close();
        hdfs.close();
        try (Stream<Path> walk = Files.walk(folder)) {
            for (Path each : walk.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(each);
            }
        } catch (IOException e) {
            // Some process still wrote; the system cleans its temporary folder.
            return;
        }
    }

    /** Gives the one {@link Loopback} of a run to the tests that ask for it. */
    static final class Shared implements ParameterResolver {
        @Override
        public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
            return parameter.getParameter().getType() == Loopback.class;
        }

        @Override
        public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
            return context.getRoot()
                    .getStore(Namespace.create(Loopback.class))
                    .getOrComputeIfAbsent(Loopback.class, key -> start(), Loopback.class);
        }
    }
}
