package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.plan.Slots;
import dev.powersweep.orchestrator.run.SweepPlugin;
import java.util.Optional;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/** Spark sessions with what a sweep needs set; whatever was given to spark-submit wins. */
final class SparkSessions {
    private SparkSessions() {}

    /**
     * A session that runs cells.
     *
     * @param threads of a cell: cores a task takes
     * @param gpus of a cell
     */
    static SparkSession forSweep(String name, Optional<String> master, int threads, int gpus) {
        SparkConf conf = base("powersweep " + name, master)
                .setIfMissing("spark.task.cpus", Integer.toString(threads))
                // A speculative copy would train a cell twice.
                .set("spark.speculation", "false")
                // Cells go to any free slot; their data is fetched once per host.
                .setIfMissing("spark.locality.wait", "0")
                .setIfMissing("spark.scheduler.mode", "FIFO")
                // Slots are counted once executors are there.
                .setIfMissing("spark.scheduler.minRegisteredResourcesRatio", "1.0");
        conf.set(
                "spark.plugins",
                conf.getOption("spark.plugins").isDefined()
                        ? conf.get("spark.plugins") + "," + SweepPlugin.class.getName()
                        : SweepPlugin.class.getName());
        if (gpus > 0 && !conf.get("spark.master").startsWith("local[")) {
            conf.setIfMissing("spark.executor.resource.gpu.amount", Integer.toString(gpus))
                    .setIfMissing("spark.task.resource.gpu.amount", Integer.toString(gpus));
        }
        return session(conf);
    }

    /** A small session for SQL over result tables. */
    static SparkSession forQueries(Optional<String> master) {
        return session(base("powersweep query", master)
                .setIfMissing("spark.ui.enabled", "false")
                .setIfMissing("spark.sql.shuffle.partitions", "2")
                .setIfMissing("spark.sql.adaptive.enabled", "false"));
    }

    static JavaSparkContext java(SparkSession session) {
        return JavaSparkContext.fromSparkContext(session.sparkContext());
    }

    /** How many cells run at once, and what memory each may take where that is known. */
    static Slots slots(SparkSession session) {
        int cores = session.sparkContext().defaultParallelism();
        int perTask = session.sparkContext().getConf().getInt("spark.task.cpus", 1);
        return new Slots(Math.max(1, cores / perTask), 0);
    }

    private static SparkConf base(String name, Optional<String> master) {
        SparkConf conf = new SparkConf().setIfMissing("spark.app.name", name);
        conf.setIfMissing("spark.master", master.orElse("local[*]"));
        conf.setAppName(name);
        conf.setIfMissing("spark.ui.showConsoleProgress", "false");
        conf.setIfMissing("spark.sql.warehouse.dir", System.getProperty("java.io.tmpdir") + "/powersweep-warehouse");
        if (conf.get("spark.master").startsWith("local")) {
            conf.setIfMissing("spark.driver.host", "127.0.0.1").setIfMissing("spark.driver.bindAddress", "127.0.0.1");
        }
        return conf;
    }

    private static SparkSession session(SparkConf conf) {
        return SparkSession.builder().config(conf).getOrCreate();
    }
}
