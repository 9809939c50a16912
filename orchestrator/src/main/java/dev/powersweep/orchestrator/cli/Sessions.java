package dev.powersweep.orchestrator.cli;

import dev.powersweep.fitting.uncertainty.Refits;
import dev.powersweep.orchestrator.driver.LocalMemory;
import dev.powersweep.orchestrator.executor.host.RunnableFolder;
import dev.powersweep.orchestrator.fits.SparkRefits;
import dev.powersweep.orchestrator.network.DriverNetwork;
import dev.powersweep.orchestrator.plan.Slots;
import dev.powersweep.orchestrator.publish.SweepPlugin;
import dev.powersweep.orchestrator.spark.ExecutorSlots;
import dev.powersweep.orchestrator.spark.ExecutorWait;
import dev.powersweep.orchestrator.spark.FixedExecutors;
import dev.powersweep.orchestrator.spark.LocalTasks;
import dev.powersweep.orchestrator.spark.StandaloneMaster;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.tables.TableFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/** Spark sessions with what our jobs need; settings that a user gave to spark-submit are left alone. */
final class Sessions {
    private Sessions() {}

    /**
     * For preparing a corpus and running cells.
     *
     * @throws UserError where nothing in the temporary directory can be run: no table could be written
     */
    static SparkSession forSweep(String sweep, Optional<String> master, CellNeeds cell) {
        RunnableFolder.requireTemporary();
        SparkConf conf = new SparkConf();
        if (!conf.contains("spark.master")) {
            conf.set("spark.master", master.orElse("local[*]"));
        }
        if (!namedByUser(conf)) {
            conf.setAppName("PowerSweep " + sweep);
        }
        String plugins = conf.get("spark.plugins", "");
        conf.set(
                "spark.plugins",
                plugins.isEmpty() ? SweepPlugin.class.getName() : plugins + "," + SweepPlugin.class.getName());
        cell.ask(conf);
        FixedExecutors.require(conf);
        // A speculative copy would train a cell twice.
        conf.set("spark.speculation", "false");
        // Where a cell's data lies does not matter: shards are copied once to every host.
        conf.setIfMissing("spark.locality.wait", "0");
        // Slots are counted once the executors are there.
        conf.setIfMissing("spark.scheduler.minRegisteredResourcesRatio", "1.0");
        conf.setIfMissing("spark.ui.showConsoleProgress", "false");
        // The sweep's numbers, beside Spark's own, under the driver's pages.
        conf.setIfMissing(
                "spark.metrics.conf.driver.sink.prometheusServlet.class",
                "org.apache.spark.metrics.sink.PrometheusServlet");
        conf.setIfMissing("spark.metrics.conf.driver.sink.prometheusServlet.path", "/metrics/prometheus");
        quietHeart(conf);
        LocalTasks.failOnly(conf);
        utf8(conf);
        return session(conf);
    }

    /** Cells at once, and the memory that they share. */
    static Slots slots(JavaSparkContext spark) {
        // An executor that is lost just now comes back, or the sweep waits for another one.
        int count = Math.max(1, new ExecutorSlots(spark).count());
        if (!spark.isLocal()) {
            return new Slots(count, 0);
        }
        // A large cell may use memory that smaller ones leave: cells are placed by memory, too.
        return new Slots(count, LocalMemory.forTrainers());
    }

    /** Without a name spark-submit puts the jar's or the main class's. */
    private static boolean namedByUser(SparkConf conf) {
        String name = conf.get("spark.app.name", "");
        return !name.isEmpty() && !name.endsWith(".jar") && !name.startsWith("dev.powersweep");
    }

    /** Fits with refits on a cluster, which is let go afterwards. */
    static <T> T fitting(String master, Function<Refits.Runner, T> work) {
        SparkConf conf = new SparkConf();
        conf.setIfMissing("spark.master", master);
        conf.setAppName("PowerSweep fit");
        conf.set("spark.ui.showConsoleProgress", "false");
        conf.setIfMissing("spark.scheduler.minRegisteredResourcesRatio", "1.0");
        conf.setIfMissing("spark.driver.maxResultSize", "0");
        FixedExecutors.require(conf);
        quietHeart(conf);
        LocalTasks.failOnly(conf);
        utf8(conf);
        StandaloneMaster.requireAnswer(conf);
        try (JavaSparkContext spark = new JavaSparkContext(DriverNetwork.closed(conf))) {
            ExecutorWait.firstOrFail(spark);
            return work.apply(new SparkRefits(spark));
        }
    }

    /** For queries: starts quickly and needs no cluster. */
    static SparkSession forQuery(String master) {
        SparkConf conf = new SparkConf();
        conf.setIfMissing("spark.master", master);
        conf.setAppName("PowerSweep query");
        // Spark makes the directory of its default database on the first name that it does not know.
        conf.set("spark.sql.warehouse.dir", emptyDirectory().toUri().toString());
        conf.set("spark.ui.enabled", "false");
        conf.set("spark.ui.showConsoleProgress", "false");
        conf.set("spark.sql.shuffle.partitions", "2");
        conf.set("spark.sql.session.timeZone", "UTC");
        conf.set("spark.sql.datetime.java8API.enabled", "true");
        conf.set("spark.sql.sources.parallelPartitionDiscovery.threshold", "1000000");
        conf.set("spark.hadoop." + TableFile.VERIFY_CHECKSUMS, "true");
        quietHeart(conf);
        LocalTasks.failOnly(conf);
        utf8(conf);
        return session(conf);
    }

    /** A session's builder would copy the settings, and the pages' address with it be lost: the context is made first. */
    private static SparkSession session(SparkConf conf) {
        StandaloneMaster.requireAnswer(conf);
        SparkContext.getOrCreate(DriverNetwork.closed(conf));
        // SparkSession.builder() would look for this one by Scala's reflection, which takes half a second.
        return org.apache.spark.sql.classic.SparkSession.builder().config(conf).getOrCreate();
    }

    /** Deleted when the process ends. */
    private static Path emptyDirectory() {
        try {
            Path directory = Files.createTempDirectory("powersweep-warehouse");
            directory.toFile().deleteOnExit();
            return directory;
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "no directory could be made below " + System.getProperty("java.io.tmpdir"), e);
        }
    }

    /**
     * Executors read the names of files as the driver does: a JVM takes their encoding from the locale, and a Worker that
     * was started in POSIX would know ASCII names only.
     */
    private static void utf8(SparkConf conf) {
        conf.setIfMissing("spark.executorEnv.LC_ALL", "C.UTF-8");
        String options = conf.get("spark.executor.defaultJavaOptions", "");
        conf.set("spark.executor.defaultJavaOptions", ("-Dfile.encoding=UTF-8 " + options).strip());
    }

    /**
     * In local mode a heartbeat has no use, and the first one logs a stack trace where Spark takes longer to start than
     * the interval, as on a busy machine.
     */
    private static void quietHeart(SparkConf conf) {
        if (conf.get("spark.master").matches("local(\\[.*)?")) {
            conf.setIfMissing("spark.executor.heartbeatInterval", "60s");
            conf.setIfMissing("spark.network.timeout", "600s");
        }
    }
}
