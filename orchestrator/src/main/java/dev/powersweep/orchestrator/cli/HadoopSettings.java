package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.storage.UserError;
import org.apache.hadoop.conf.Configuration;

/** What file systems are reached with: Hadoop's own files, and what a user gave to spark-submit. */
final class HadoopSettings {
    private static final String PREFIX = "spark.hadoop.";

    private HadoopSettings() {}

    /** Needs no Spark: spark-submit leaves {@code --conf spark.hadoop.NAME} in the system properties. */
    static Configuration configuration() {
        requireUser(System.getProperty("user.name"));
        Configuration configuration = new Configuration();
        System.getProperties().stringPropertyNames().stream()
                .filter(name -> name.startsWith(PREFIX))
                .forEach(name -> configuration.set(name.substring(PREFIX.length()), System.getProperty(name)));
        return configuration;
    }

    /** Hadoop logs its user in by name, and fails with a stack trace where there is none. */
    static void requireUser(String name) {
        if (name == null || name.isBlank() || name.equals("?")) {
            throw new UserError("this process's user id has no name, which Hadoop needs: add an entry for it to"
                    + " /etc/passwd (in a container: when the image is built, or by its entry point), or run as a user"
                    + " that has one");
        }
    }
}
