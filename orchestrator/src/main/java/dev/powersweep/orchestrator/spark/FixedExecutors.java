package dev.powersweep.orchestrator.spark;

import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.SparkConf;

/**
 * Switches dynamic allocation off. It asks for executors when tasks wait and lets them go when none do; a driver that
 * counts slots before it submits a task would wait for ever, and slots would come and go with pauses between cells.
 */
public final class FixedExecutors {
    private static final Logger LOG = LogManager.getLogger(FixedExecutors.class);

    private static final String DYNAMIC = "spark.dynamicAllocation.enabled";
    private static final String MOST = "spark.dynamicAllocation.maxExecutors";
    private static final String INSTANCES = "spark.executor.instances";

    private FixedExecutors() {}

    /**
     * Changes the settings of an application that is about to start, and says so. The bound of dynamic allocation, where
     * one is set, becomes the number of executors.
     */
    public static void require(SparkConf conf) {
        if (!conf.getBoolean(DYNAMIC, false)) {
            return;
        }
        conf.set(DYNAMIC, "false");
        if (conf.contains(MOST)) {
            conf.setIfMissing(INSTANCES, conf.get(MOST));
        }
        String asked = conf.get("spark.master", "").startsWith("spark:")
                ? "the master's free cores up to spark.cores.max = " + conf.get("spark.cores.max", "(all)")
                : INSTANCES + " = " + conf.get(INSTANCES, "2 (Spark's default)") + " executors";
        LOG.warn(
                "{} = true is switched off: slots are counted before tasks are submitted; this application takes {}",
                DYNAMIC,
                asked);
    }
}
