package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.storage.UserError;
import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/** What file systems are reached with: Hadoop's own files, and what a user gave to spark-submit. */
final class HadoopSettings {
    /** Where the launcher says which folders hold Hadoop's files. */
    static final String FOLDERS = "powersweep.hadoop.conf";

    private static final String PREFIX = "spark.hadoop.";

    private HadoopSettings() {}

    /** Needs no Spark: spark-submit leaves {@code --conf spark.hadoop.NAME} in the system properties. */
    static Configuration configuration() {
        requireUser(System.getProperty("user.name"));
        Optional.ofNullable(System.getProperty(FOLDERS)).ifPresent(HadoopSettings::read);
        Configuration configuration = new Configuration();
        System.getProperties().stringPropertyNames().stream()
                .filter(name -> name.startsWith(PREFIX))
                .forEach(name -> configuration.set(name.substring(PREFIX.length()), System.getProperty(name)));
        return configuration;
    }

    /**
     * Hadoop finds its files by the thread's class loader, in this thread and those that it starts. On the JVM's own class
     * path a folder would keep it from mapping classes that it laid out in memory before.
     */
    private static void read(String folders) {
        Thread thread = Thread.currentThread();
        URL[] places = Arrays.stream(folders.split(File.pathSeparator))
                .map(HadoopSettings::place)
                .toArray(URL[]::new);
        thread.setContextClassLoader(new URLClassLoader(places, thread.getContextClassLoader()));
    }

    private static URL place(String folder) {
        try {
            return Path.of(folder).toUri().toURL();
        } catch (MalformedURLException | InvalidPathException e) {
            throw new UserError("HADOOP_CONF_DIR names " + folder + ", which is no folder", e);
        }
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
