package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.ROOT;
import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Spark's own submission and scheduler for Kubernetes, with our scripts, settings and templates of pods. */
@Tag("nightly")
class KubernetesIT {
    private static final Path SPEC = ROOT.resolve("orchestrator/src/test/resources/end2end/tiny.yaml");
    private static final Path SUBMIT = ROOT.resolve("deploy/kubernetes/spark-submit");
    private static final String STEPS = "select cell, step, loss from steps order by 1, 2";

    @TempDir
    private Path folder;

    @Test
    void aSubmissionMakesADriverThatMayDoLittleAndKnowsItsSweep() throws IOException {
        // kubectl has nothing to do with Spark: here it only says that it was asked for the specification.
        Path kubectl = Files.writeString(folder.resolve("kubectl"), "#!/bin/bash\ncat /dev/null\n");
        Files.setPosixFilePermissions(kubectl, PosixFilePermissions.fromString("rwxr-xr-x"));
        try (LoopbackKubernetes kubernetes = LoopbackKubernetes.start(folder.resolve("pods"))) {
            PowerSweepProcess.run(
                            Map.of("PATH", folder + ":" + System.getenv("PATH")),
                            "deploy/kubernetes/spark-submit/submit.sh",
                            "--master",
                            kubernetes.master(),
                            "--gpu",
                            SPEC,
                            "file:///results/sweeps/one",
                            "spark.kubernetes.submission.waitAppCompletion=false")
                    .orFail();

            assertThat(kubernetes.pods("driver")).singleElement().satisfies(KubernetesIT::isADriver);
        }
    }

    private static void isADriver(Pod pod) {
        assertThat(pod.getMetadata().getNamespace()).isEqualTo("powersweep");
        assertThat(pod.getMetadata().getLabels()).containsEntry("app.kubernetes.io/component", "driver");
        assertThat(pod.getSpec().getServiceAccountName()).isEqualTo("powersweep-driver");
        assertThat(pod.getSpec().getSecurityContext().getRunAsNonRoot()).isTrue();
        assertThat(pod.getSpec().getSecurityContext().getSeccompProfile().getType())
                .isEqualTo("RuntimeDefault");
        Container container = pod.getSpec().getContainers().get(0);
        isConfined(container);
        assertThat(container.getImage()).isEqualTo("ghcr.io/example/powersweep:0.1.0-cuda");
        assertThat(container.getArgs())
                .startsWith("driver")
                .containsSequence(
                        "local:///opt/powersweep/powersweep.jar",
                        "run",
                        "/etc/powersweep/sweep.yaml",
                        "--output",
                        "file:///results/sweeps/one",
                        "--set",
                        "resources.gpus=1");
        assertThat(container.getVolumeMounts())
                .anyMatch(mount -> mount.getMountPath().equals("/etc/powersweep") && mount.getReadOnly())
                .anyMatch(mount -> mount.getMountPath().equals("/results"));
        // 2g of heap and 512m beside it.
        assertThat(memory(container)).isEqualTo((2048 + 512) * 1024L * 1024);
    }

    @Test
    void executorsOfAGpuSweepAskForTheGpuAndForTheirTrainersMemory() throws Exception {
        try (LoopbackKubernetes kubernetes = LoopbackKubernetes.start(folder.resolve("pods"));
                Daemon driver = driver(
                        kubernetes,
                        "gpu.conf",
                        "executor-pod-gpu.yaml",
                        List.of("spark.executor.instances=1", "spark.driver.memory=1g"),
                        "--set",
                        "resources.gpus=1")) {
            Pod pod = firstExecutor(kubernetes, driver);
            assertThat(pod.getSpec().getServiceAccountName()).isEqualTo("powersweep-executor");
            assertThat(pod.getSpec().getAutomountServiceAccountToken()).isFalse();
            assertThat(pod.getSpec().getNodeSelector()).containsEntry("nvidia.com/gpu.present", "true");
            Container container = pod.getSpec().getContainers().get(0);
            isConfined(container);
            assertThat(container.getResources().getLimits().get("nvidia.com/gpu"))
                    .isEqualTo(new Quantity("1"));
            // 2g of heap and 28g for a trainer that mirrors the card.
            assertThat(memory(container)).isEqualTo(30 * 1024L * 1024 * 1024);
        }
    }

    @Test
    void aSweepOnKubernetesHasTheNumbersOfALocalOne() throws Exception {
        Path directory = folder.resolve("sweep");
        try (LoopbackKubernetes kubernetes = LoopbackKubernetes.start(folder.resolve("pods"));
                Daemon driver = driver(
                        kubernetes,
                        "cpu.conf",
                        "executor-pod.yaml",
                        List.of(
                                "spark.executor.instances=2",
                                "spark.executor.cores=1",
                                "spark.executor.memory=600m",
                                "spark.driver.memory=1g"))) {
            assertThat(driver.awaitEnd(400)).as(driver.log()).isZero();
        }
        Path disk = folder.resolve("disk");
        PowerSweepProcess.powersweep("run", SPEC, "--output", disk, "--master", "local[2]")
                .orFail();
        String steps =
                PowerSweepProcess.powersweep("query", disk, STEPS).orFail().out();
        assertThat(steps.lines().count()).isGreaterThan(100);
        assertThat(PowerSweepProcess.powersweep("query", directory, STEPS)
                        .orFail()
                        .out())
                .isEqualTo(steps);
    }

    /** The driver as its pod would start it: a client whose executors are pods. */
    private Daemon driver(
            LoopbackKubernetes kubernetes, String conf, String template, List<String> more, String... arguments)
            throws IOException {
        Path settings = folder.resolve("settings.conf");
        Files.writeString(
                settings,
                Files.readString(ROOT.resolve("deploy/conf/sweep.conf"))
                        + Files.readString(ROOT.resolve("deploy/conf/secure.conf"))
                        + Files.readString(SUBMIT.resolve(conf)));
        List<String> all = new ArrayList<>(List.of(
                "spark.kubernetes.executor.podTemplateFile=" + SUBMIT.resolve(template),
                "spark.eventLog.dir="
                        + Files.createDirectories(folder.resolve("events")).toUri(),
                "spark.driver.host=127.0.0.1",
                // Pods have ports of their own; these processes share one host.
                "spark.driver.port=0",
                "spark.driver.blockManager.port=0",
                "spark.blockManager.port=0"));
        all.addAll(more);
        List<String> command = new ArrayList<>(List.of(
                ROOT.resolve("deploy/standalone/spark-class").toString(),
                "org.apache.spark.deploy.SparkSubmit",
                "--master",
                kubernetes.master(),
                "--properties-file",
                settings.toString()));
        all.forEach(setting -> command.addAll(List.of("--conf", setting)));
        command.addAll(List.of(
                Loopback.applicationJar().toString(),
                "run",
                SPEC.toString(),
                "--output",
                folder.resolve("sweep").toString()));
        command.addAll(List.of(arguments));
        return Daemon.start(
                "driver", folder.resolve("driver/driver.log"), Map.of("SPARK_LOCAL_IP", "127.0.0.1"), command);
    }

    private static Pod firstExecutor(LoopbackKubernetes kubernetes, Daemon driver) throws InterruptedException {
        for (int tries = 0; tries < 600; tries++) {
            List<Pod> pods = kubernetes.pods("executor");
            if (!pods.isEmpty()) {
                return pods.get(0);
            }
            assertThat(driver.alive()).as(driver.log()).isTrue();
            Thread.sleep(200);
        }
        throw new AssertionError("no executor was asked for:\n" + driver.log());
    }

    private static void isConfined(Container container) {
        assertThat(container.getSecurityContext().getAllowPrivilegeEscalation()).isFalse();
        assertThat(container.getSecurityContext().getReadOnlyRootFilesystem()).isTrue();
        assertThat(container.getSecurityContext().getCapabilities().getDrop()).containsExactly("ALL");
    }

    private static long memory(Container container) {
        return Quantity.getAmountInBytes(container.getResources().getLimits().get("memory"))
                .longValueExact();
    }
}
