package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.ROOT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.end2end.PowerSweepProcess.Result;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A sweep on YARN by the scripts of {@code deploy/yarn}: a ResourceManager, a NodeManager and HDFS. The JDK and Spark's
 * jars reach the containers as they would on a cluster.
 */
@Tag("nightly")
class YarnIT {
    private static final Path SPEC = ROOT.resolve("orchestrator/src/test/resources/end2end/tiny.yaml");
    private static final String STEPS = "select cell, step, loss from steps order by 1, 2";

    @TempDir
    private static Path folder;

    private static LoopbackHdfs hdfs;
    private static Daemon yarn;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        hdfs = LoopbackHdfs.start(folder.resolve("hdfs"), 1);
        yarn = Daemon.start(
                "YARN",
                folder.resolve("yarn/yarn.log"),
                Map.of(),
                LoopbackHdfs.java(
                        hdfs.clientConfiguration(),
                        LoopbackYarn.class.getName(),
                        "1",
                        "6144",
                        hdfs.clientConfiguration().resolve("yarn-site.xml").toString()));
        yarn.await("(?m)^ready$");
    }

    @AfterAll
    static void close() {
        yarn.close();
        hdfs.close();
    }

    @Test
    void aSweepSubmittedToYarnHasTheNumbersOfALocalOneAndTheSameCommandAgainTrainsNothing() {
        String files = hdfs.uri() + "/apps/powersweep";
        String directory = hdfs.uri() + "/sweeps/tiny";
        run("deploy/yarn/prepare.sh", System.getProperty("java.home"), files).orFail();

        submit(files, directory);

        String steps = run("bin/powersweep", "query", directory, STEPS).orFail().out();
        assertThat(steps.lines().count()).isGreaterThan(100);
        Path disk = folder.resolve("disk");
        PowerSweepProcess.powersweep("run", SPEC, "--output", disk, "--master", "local[2]")
                .orFail();
        assertThat(PowerSweepProcess.powersweep("query", disk, STEPS).orFail().out())
                .isEqualTo(steps);

        submit(files, directory);

        assertThat(run(
                                "bin/powersweep",
                                "query",
                                directory,
                                "select state, attempts, count(*) as n from cells group by all")
                        .orFail()
                        .out()
                        .lines())
                .filteredOn(line -> line.contains("FINISHED"))
                .singleElement()
                .asString()
                .containsPattern("FINISHED\\W+1\\W+8\\b");
    }

    private static void submit(String files, String directory) {
        Map<String, String> environment = new HashMap<>(environment());
        environment.put("POWERSWEEP_YARN_FILES", files);
        PowerSweepProcess.run(
                        environment,
                        "deploy/yarn/submit.sh",
                        SPEC,
                        directory,
                        "spark.yarn.submit.waitAppCompletion=true",
                        "spark.driver.memory=1g",
                        "spark.executor.instances=1",
                        "spark.executor.cores=2",
                        "spark.executor.memory=600m",
                        "spark.executor.memoryOverhead=2g")
                .orFail();
    }

    private static Result run(String program, Object... arguments) {
        return PowerSweepProcess.run(environment(), program, arguments);
    }

    private static Map<String, String> environment() {
        return Map.of("HADOOP_CONF_DIR", hdfs.clientConfiguration().toString());
    }
}
