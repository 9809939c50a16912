package dev.powersweep.orchestrator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Settings in folders that the launcher names, which are not on the class path. */
class HadoopFoldersTest {
    private final ClassLoader before = Thread.currentThread().getContextClassLoader();

    @TempDir
    Path folder;

    @AfterEach
    void restore() {
        System.clearProperty(HadoopSettings.FOLDERS);
        Thread.currentThread().setContextClassLoader(before);
    }

    @Test
    void settingsOfTheLaunchersFoldersHoldHereAndInThreadsThatAreStartedLater() throws Exception {
        Path core = settings("with a blank", "core-site.xml", "fs.defaultFS", "hdfs://of-the-folder:1");
        Path other = settings("hdfs", "hdfs-site.xml", "dfs.replication", "7");
        System.setProperty(HadoopSettings.FOLDERS, core + File.pathSeparator + other);

        Configuration configuration = HadoopSettings.configuration();
        configuration.addResource("hdfs-site.xml");

        assertThat(configuration.get("fs.defaultFS")).isEqualTo("hdfs://of-the-folder:1");
        assertThat(configuration.get("dfs.replication")).isEqualTo("7");
        // Hadoop's own code, such as the login, makes settings of its own.
        String[] there = new String[1];
        Thread later = new Thread(() -> there[0] = new Configuration().get("fs.defaultFS"));
        later.start();
        later.join();
        assertThat(there[0]).isEqualTo("hdfs://of-the-folder:1");
    }

    private Path settings(String name, String file, String key, String value) throws Exception {
        Path made = Files.createDirectories(folder.resolve(name));
        Files.writeString(
                made.resolve(file),
                "<configuration><property><name>" + key + "</name><value>" + value
                        + "</value></property></configuration>");
        return made;
    }

    @Test
    void aFolderThatIsNotThereIsNoError() {
        System.setProperty(HadoopSettings.FOLDERS, folder.resolve("none").toString());

        assertThat(HadoopSettings.configuration().get("fs.defaultFS")).isEqualTo("file:///");
    }
}
