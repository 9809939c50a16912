package dev.powersweep.orchestrator.cli;

import org.apache.hadoop.conf.Configuration;

/** What file systems are reached with: Hadoop's own files, and what a user gave to spark-submit. */
final class HadoopSettings {
    private static final String PREFIX = "spark.hadoop.";

    private HadoopSettings() {}

    /** Needs no Spark: spark-submit leaves {@code --conf spark.hadoop.NAME} in the system properties. */
    static Configuration configuration() {
        Configuration configuration = new Configuration();
        System.getProperties().stringPropertyNames().stream()
                .filter(name -> name.startsWith(PREFIX))
                .forEach(name -> configuration.set(name.substring(PREFIX.length()), System.getProperty(name)));
        return configuration;
    }
}
