package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.ROOT;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A standalone Spark cluster on loopback: a Master, and Workers on 127.0.0.1, 127.0.0.2 and so on, which Spark takes for
 * different hosts. Each Worker offers two cores and, by a discovery script, two GPUs that do not exist.
 */
final class LoopbackCluster implements AutoCloseable {
    /** Between looks at what goes on; each costs some milliseconds of a processor that the sweep wants, too. */
    static final long LOOK_MILLIS = 200;

    /** Addresses that the Worker of a number offers. */
    static List<String> gpus(int worker) {
        return List.of(Integer.toString(2 * worker), Integer.toString(2 * worker + 1));
    }

    private final Path folder;
    private final Map<String, String> environment;
    private final Daemon master;
    private final String url;
    private final List<Daemon> workers = new ArrayList<>();

    private LoopbackCluster(Path folder, Map<String, String> environment, Daemon master, String url) {
        this.folder = folder;
        this.environment = environment;
        this.master = master;
        this.url = url;
    }

    /** @param environment of the Workers, and with that of executors and trainers */
    static LoopbackCluster start(Path folder, int workers, Map<String, String> environment)
            throws IOException, InterruptedException {
        Daemon master = Daemon.start(
                "Master",
                folder.resolve("master.log"),
                Map.of("SPARK_LOCAL_IP", "127.0.0.1"),
                spark(
                        "org.apache.spark.deploy.master.Master",
                        "--host",
                        "127.0.0.1",
                        "--port",
                        "0",
                        "--webui-port",
                        "0"));
        String url = master.await("Starting Spark master at (spark://\\S+)").group(1);
        LoopbackCluster cluster = new LoopbackCluster(folder, environment, master, url);
        try {
            for (int number = 0; number < workers; number++) {
                cluster.workers.add(cluster.startWorker(number));
            }
            cluster.awaitWorkers();
        } catch (IOException | InterruptedException | RuntimeException | Error e) {
            cluster.close();
            throw e;
        }
        return cluster;
    }

    /** {@code spark://…} */
    String url() {
        return url;
    }

    static String host(int worker) {
        return "127.0.0." + (worker + 1);
    }

    int workers() {
        return workers.size();
    }

    void killWorker(int number) {
        workers.get(number).kill();
    }

    void restartWorker(int number) throws IOException {
        workers.set(number, startWorker(number));
    }

    /** Until all of them are registered. */
    void awaitWorkers() throws InterruptedException {
        for (Daemon worker : workers) {
            worker.await("Successfully registered with master");
        }
    }

    /** Executors of the Workers that are alive. */
    List<ProcessHandle> executors() {
        return executors(byParent());
    }

    private List<ProcessHandle> executors(Map<Long, List<ProcessHandle>> byParent) {
        return workers.stream()
                .filter(Daemon::alive)
                .flatMap(worker -> byParent.getOrDefault(worker.handle().pid(), List.of()).stream())
                .filter(process -> commandLine(process).contains("CoarseGrainedExecutorBackend"))
                .toList();
    }

    /** Trainers of executors that are alive. */
    List<ProcessHandle> trainers() {
        Map<Long, List<ProcessHandle>> byParent = byParent();
        return executors(byParent).stream()
                .flatMap(executor -> byParent.getOrDefault(executor.pid(), List.of()).stream())
                .filter(process -> commandLine(process).contains("serve"))
                .toList();
    }

    /** Asking one process after the other for its children reads all of the machine's each time. */
    private static Map<Long, List<ProcessHandle>> byParent() {
        return ProcessHandle.allProcesses()
                .collect(Collectors.groupingBy(
                        process -> process.parent().map(ProcessHandle::pid).orElse(0L)));
    }

    /** Waits until there is one of them, at most some seconds and while the driver lives. */
    static List<ProcessHandle> await(Supplier<List<ProcessHandle>> processes, double seconds, Daemon driver)
            throws InterruptedException {
        long end = System.nanoTime() + (long) (seconds * 1e9);
        List<ProcessHandle> found = processes.get();
        while (found.isEmpty() && driver.alive() && System.nanoTime() < end) {
            TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
            found = processes.get();
        }
        return found;
    }

    static String commandLine(ProcessHandle process) {
        // ProcessHandle.Info gives no command line when the arguments are longer than a page.
        try {
            return Files.readString(Path.of("/proc/" + process.pid() + "/cmdline"))
                    .replace('\0', ' ');
        } catch (IOException e) {
            return "";
        }
    }

    private Daemon startWorker(int number) throws IOException {
        Path home = Files.createDirectories(folder.resolve("worker" + number));
        Path script = home.resolve("gpus.sh");
        Files.deleteIfExists(script);
        Files.createFile(script, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        Files.writeString(
                script,
                "#!/bin/sh\necho '{\"name\":\"gpu\",\"addresses\":[\"" + String.join("\",\"", gpus(number))
                        + "\"]}'\n");
        Path settings = home.resolve("worker.conf");
        Files.writeString(
                settings,
                "spark.worker.resource.gpu.amount 2\nspark.worker.resource.gpu.discoveryScript " + script + "\n");
        Map<String, String> all = new java.util.HashMap<>(environment);
        all.put("SPARK_LOCAL_IP", host(number));
        all.put("POWERSWEEP_TRAINER_TEST_HOST", host(number));
        return Daemon.start(
                "Worker " + number,
                home.resolve("worker.log"),
                all,
                spark(
                        "org.apache.spark.deploy.worker.Worker",
                        "--host",
                        host(number),
                        "--port",
                        "0",
                        "--webui-port",
                        "0",
                        "-c",
                        "2",
                        "-m",
                        "2g",
                        "-d",
                        home.resolve("work").toString(),
                        "--properties-file",
                        settings.toString(),
                        url));
    }

    /** A command of Spark's, from Maven's jars. */
    static List<String> spark(String... words) {
        return Stream.concat(
                        Stream.of(ROOT.resolve("deploy/standalone/spark-class").toString()), Stream.of(words))
                .toList();
    }

    @Override
    public void close() {
        workers.forEach(Daemon::close);
        master.close();
    }
}
