package dev.powersweep.orchestrator.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code bin/powersweep} in a small source tree, with stand-ins for Maven's wrapper and Java. */
class LauncherTest {
    private static final String BUILT = "built";
    private static final Instant LONG_AGO = Instant.parse("2026-01-01T00:00:00Z");

    @TempDir
    private Path folder;

    private Path tree;

    @BeforeEach
    void tree() throws Exception {
        tree = folder.resolve("tree");
        for (String file : List.of(
                "pom.xml",
                "worker/pom.xml",
                "fitting/pom.xml",
                "orchestrator/pom.xml",
                "worker/src/main/java/A.java",
                "fitting/src/main/java/B.java",
                "orchestrator/src/main/java/C.java")) {
            write(file, "as it was built");
        }
        for (String script : List.of("bin/powersweep", "deploy/standalone/private.sh")) {
            write(script, Files.readString(Deployment.ROOT.resolve(script)));
        }
        write("mvnw", "#!/bin/bash\necho " + BUILT + " >&2\ntouch orchestrator/target/powersweep-1.jar\n");
        write("java/bin/java", "#!/bin/bash\nexit 0\n");
        for (String script : List.of("bin/powersweep", "mvnw", "java/bin/java")) {
            Files.setPosixFilePermissions(tree.resolve(script), PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        Files.createDirectories(tree.resolve("orchestrator/target/spark/jars"));
        write("orchestrator/target/powersweep-1.jar", "");
        assertThat(run(
                        "bash",
                        "-c",
                        "find pom.xml {worker,fitting,orchestrator}/{pom.xml,src/main} -type f | xargs sha256sum"
                                + " > orchestrator/target/SOURCES"))
                .isEmpty();
    }

    private void write(String name, String text) throws IOException {
        Path file = tree.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    /** What it said on standard error. */
    private String run(String... command) throws Exception {
        Result result = process(Map.of(), List.of(command));
        assertThat(result.status()).as(result.err()).isZero();
        return result.err();
    }

    /** How it ended, and what it said on standard error. */
    private record Result(int status, String err) {}

    private Result process(Map<String, String> environment, List<String> command) throws Exception {
        Path err = Files.createTempFile(folder, "err", "");
        ProcessBuilder builder = new ProcessBuilder(command).directory(tree.toFile());
        builder.environment().put("JAVA_HOME", tree.resolve("java").toString());
        builder.environment().remove("SPARK_HOME");
        builder.environment().remove("SPARK_LOCAL_IP");
        builder.environment().putAll(environment);
        builder.redirectError(err.toFile()).redirectOutput(ProcessBuilder.Redirect.DISCARD);
        int status = builder.start().waitFor();
        return new Result(status, Files.readString(err));
    }

    private String launch() throws Exception {
        return run(tree.resolve("bin/powersweep").toString(), "--version");
    }

    private void jarFrom(Instant time) throws IOException {
        Files.setLastModifiedTime(tree.resolve("orchestrator/target/powersweep-1.jar"), FileTime.from(time));
    }

    @Test
    void aCopyOfABuiltTreeIsNotBuiltAgainWhateverItsTimes() throws Exception {
        Path copy = folder.resolve("copy");
        jarFrom(LONG_AGO);
        try (Stream<Path> all = Files.walk(tree)) {
            for (Path file : all.toList()) {
                Files.copy(file, copy.resolve(tree.relativize(file).toString()), StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
        tree = copy;

        assertThat(launch()).isEmpty();
        assertThat(Files.getLastModifiedTime(tree.resolve("orchestrator/target/powersweep-1.jar"))
                        .toInstant())
                .as("the next command need not read the sources")
                .isAfter(LONG_AGO);
    }

    @Test
    void aChangedAnAddedAndADeletedSourceAreBuiltAgain() throws Exception {
        jarFrom(LONG_AGO);
        write("worker/src/main/java/A.java", "changed");
        assertThat(launch()).contains("sources are newer than the build", BUILT);

        write("worker/src/main/java/A.java", "as it was built");
        jarFrom(LONG_AGO);
        assertThat(launch()).isEmpty();

        write("fitting/src/main/java/New.java", "new");
        jarFrom(LONG_AGO);
        assertThat(launch()).contains(BUILT);

        Files.delete(tree.resolve("fitting/src/main/java/New.java"));
        Files.delete(tree.resolve("orchestrator/src/main/java/C.java"));
        jarFrom(LONG_AGO);
        assertThat(launch()).contains(BUILT);
    }

    @Test
    void aUserWithoutANameIsRefusedInASentence() throws Exception {
        write("names/id", "#!/bin/bash\nif [[ $1 == -un ]]; then exit 1; fi\necho 12345\n");
        Result refused = ran("run", "sweep.yaml");
        assertThat(refused.status()).isEqualTo(1);
        assertThat(refused.err()).hasLineCount(1).contains("the user id 12345 has no name", "/etc/passwd");
    }

    @Test
    void aMachineWhoseNameHasNoAddressIsRefusedForAClusterAlone() throws Exception {
        write("names/getent", "#!/bin/bash\nexit 2\n");
        write("names/uname", "#!/bin/bash\necho nobody-knows-me\n");
        Result refused = ran("run", "sweep.yaml", "--master", "spark://elsewhere:7077");
        assertThat(refused.status()).isEqualTo(1);
        assertThat(refused.err()).hasLineCount(1).contains("nobody-knows-me, has no address", "SPARK_LOCAL_IP");
        assertThat(ran("run", "sweep.yaml")).isEqualTo(new Result(0, ""));
        assertThat(ran("run", "sweep.yaml", "--master", "spark://127.0.0.1:7077"))
                .isEqualTo(new Result(0, ""));
    }

    /** With stand-ins for the commands that tell names. */
    private Result ran(String... arguments) throws Exception {
        for (Path standIn : Files.list(tree.resolve("names")).toList()) {
            Files.setPosixFilePermissions(standIn, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        List<String> command =
                new ArrayList<>(List.of(tree.resolve("bin/powersweep").toString()));
        command.addAll(List.of(arguments));
        return process(Map.of("PATH", tree.resolve("names") + ":" + System.getenv("PATH")), command);
    }

    @Test
    void aBuildThatNotedNoSourcesIsJudgedByItsTime() throws Exception {
        Files.delete(tree.resolve("orchestrator/target/SOURCES"));
        assertThat(launch()).isEmpty();
        jarFrom(LONG_AGO);
        assertThat(launch()).contains("sources are newer than the build", BUILT);
    }

    /** A folder on the class path keeps a JVM from mapping classes. */
    @Test
    void hadoopsSettingsAreOnTheClassPathOnlyOfCommandsWithoutAnArchiveOfClasses() throws Exception {
        write("java/bin/java", "#!/bin/bash\nprintf '%s\\n' \"$@\" > given\n");

        List<String> query = given("query", "DIR", "select 1");
        assertThat(query).contains("-Dpowersweep.hadoop.conf=/etc/hadoop settings");
        assertThat(query.get(query.indexOf("-cp") + 1)).endsWith("/spark/jars/*");
        assertThat(query)
                .anyMatch(option -> option.startsWith("-XX:ArchiveClassesAtExit=")
                        && option.contains("/.powersweep-query-hadoop.jsa."));

        List<String> export = given("export", "DIR", "CELL", "model.zip");
        assertThat(export).noneMatch(option -> option.startsWith("-Dpowersweep.hadoop.conf="));
        assertThat(export.get(export.indexOf("-cp") + 1)).endsWith("/spark/jars/*:/etc/hadoop settings");

        List<String> run = given("query", "DIR", "select 1", "--master", "local[1]");
        assertThat(run.get(run.indexOf("-cp") + 1)).endsWith("/spark/jars/*:/etc/hadoop settings");
    }

    private List<String> given(String... arguments) throws Exception {
        List<String> command =
                new ArrayList<>(List.of(tree.resolve("bin/powersweep").toString()));
        command.addAll(List.of(arguments));
        assertThat(process(Map.of("HADOOP_CONF_DIR", "/etc/hadoop settings"), command)
                        .status())
                .isZero();
        return Files.readAllLines(tree.resolve("given"));
    }

    /** A signal to the launcher would otherwise leave the server behind. */
    @Test
    void aServerOfPagesIsTheLaunchersOwnProcess() throws Exception {
        write("java/bin/java", "#!/bin/bash\necho $$ > served\n");
        for (String classes : List.of("", "orchestrator/target/.powersweep-status.jsa")) {
            if (!classes.isEmpty()) {
                write(classes, "");
            }
            assertItsOwnProcess("view", "DIR");
        }
    }

    @Test
    void oneThatWatchesIsTheLaunchersOwnProcess() throws Exception {
        write("java/bin/java", "#!/bin/bash\necho $$ > served\n");
        assertItsOwnProcess("status", "DIR", "--watch");
    }

    private void assertItsOwnProcess(String... arguments) throws Exception {
        Files.deleteIfExists(tree.resolve("served"));
        List<String> command =
                new ArrayList<>(List.of(tree.resolve("bin/powersweep").toString()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).directory(tree.toFile());
        builder.environment().put("JAVA_HOME", tree.resolve("java").toString());
        builder.environment().remove("SPARK_HOME");
        Process launcher = builder.start();
        assertThat(launcher.waitFor()).isZero();
        assertThat(Files.readString(tree.resolve("served")).strip()).isEqualTo(Long.toString(launcher.pid()));
    }
}
