package dev.powersweep.orchestrator.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Runs the scripts under {@code deploy/} with stand-ins for the commands of a cluster on their PATH. */
class DeployScriptsTest {
    private static final Path DISCOVERY = Deployment.ROOT.resolve("deploy/gpu-discovery.sh");

    @TempDir
    Path directory;

    /** What a process said and how it ended. */
    record Result(int status, String out, String err) {}

    private Result run(Map<String, String> environment, String... command) {
        try {
            Path out = Files.createTempFile(directory, "out", "");
            Path err = Files.createTempFile(directory, "err", "");
            ProcessBuilder builder =
                    new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
            builder.environment().remove("CUDA_VISIBLE_DEVICES");
            builder.environment().putAll(environment);
            builder.environment().merge("PATH", directory + ":", (path, stand) -> stand + path);
            int status = builder.start().waitFor();
            return new Result(status, Files.readString(out), Files.readString(err));
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** An executable of this name, first on the scripts' PATH. */
    private Path standIn(String name, String body) throws IOException {
        Path file = Files.createDirectories(directory.resolve(name).getParent())
                .resolve(Path.of(name).getFileName());
        Files.writeString(file, "#!/bin/bash\n" + body + "\n", StandardCharsets.UTF_8);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static List<String> addresses(Result result) throws IOException {
        assertThat(result.status()).as(result.err()).isZero();
        JsonNode json = Deployment.JSON.readTree(result.out());
        assertThat(json.path("name").asText()).isEqualTo("gpu");
        List<String> addresses = new ArrayList<>();
        json.path("addresses").forEach(address -> addresses.add(address.asText()));
        return addresses;
    }

    static List<Path> scripts() {
        return Stream.concat(
                        Stream.of("deploy", "docker")
                                .flatMap(name -> Deployment.files(Deployment.ROOT.resolve(name), ".sh").stream()),
                        Stream.of("bin/powersweep", "deploy/standalone/spark-class")
                                .map(Deployment.ROOT::resolve))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("scripts")
    void everyScriptIsExecutableStrictAndParses(Path script) {
        assertThat(script).isExecutable();
        assertThat(Deployment.text(script)).startsWith("#!/usr/bin/env bash\n").contains("set -euo pipefail");
        assertThat(run(Map.of(), "bash", "-n", script.toString())).isEqualTo(new Result(0, "", ""));
    }

    @ParameterizedTest
    @MethodSource("scripts")
    void noScriptHasWhatShellcheckWarnsOf(Path script) {
        assumeTrue(run(Map.of(), "bash", "-c", "command -v shellcheck").status() == 0, "no shellcheck on PATH");
        assertThat(run(Map.of(), "shellcheck", script.toString())).isEqualTo(new Result(0, "", ""));
    }

    @Test
    void workersOfOneHostNeverShareAGpu() throws IOException {
        StringBuilder listing = new StringBuilder();
        for (int gpu = 0; gpu < 8; gpu++) {
            listing.append("GPU ")
                    .append(gpu)
                    .append(": NVIDIA A100-SXM4-80GB (UUID: GPU-0000000")
                    .append(gpu)
                    .append("-abcd)\n");
        }
        standIn("nvidia-smi", "cat <<'E'\n" + listing + "E");

        for (int workers : new int[] {1, 2, 3, 8}) {
            Set<String> seen = new LinkedHashSet<>();
            for (int worker = 0; worker < workers; worker++) {
                List<String> own = addresses(run(
                        Map.of(
                                "POWERSWEEP_WORKER_COUNT",
                                Integer.toString(workers),
                                "POWERSWEEP_WORKER_INDEX",
                                Integer.toString(worker)),
                        DISCOVERY.toString()));
                assertThat(own).hasSizeBetween(8 / workers, 8 / workers + 1);
                assertThat(seen).doesNotContainAnyElementsOf(own);
                seen.addAll(own);
            }
            assertThat(seen).as("%d workers", workers).hasSize(8);
        }
    }

    @Test
    void aCardCutIntoInstancesOffersTheInstances() throws IOException {
        standIn(
                "nvidia-smi",
                """
                cat <<'E'
                GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aaaa)
                  MIG 3g.20gb     Device  0: (UUID: MIG-1111)
                  MIG 3g.20gb     Device  1: (UUID: MIG-2222)
                GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bbbb)
                E""");
        assertThat(addresses(run(Map.of(), DISCOVERY.toString()))).containsExactly("MIG-1111", "MIG-2222", "GPU-bbbb");
    }

    @Test
    void whatAContainerMaySeeIsAllThatIsOffered() throws IOException {
        standIn("nvidia-smi", "exit 9");
        assertThat(addresses(run(Map.of("CUDA_VISIBLE_DEVICES", "3,GPU-77"), DISCOVERY.toString())))
                .containsExactly("3", "GPU-77");
    }

    @Test
    void aMachineWithoutEnoughGpusSaysSo() throws IOException {
        standIn("nvidia-smi", "echo 'GPU 0: NVIDIA L4 (UUID: GPU-aaaa)'");
        Result second =
                run(Map.of("POWERSWEEP_WORKER_COUNT", "2", "POWERSWEEP_WORKER_INDEX", "1"), DISCOVERY.toString());
        assertThat(second.status()).isEqualTo(1);
        assertThat(second.out()).isEmpty();
        assertThat(second.err()).contains("Worker 1 of 2").contains("has no GPU left: 1 found");

        assertThat(run(Map.of("POWERSWEEP_WORKER_INDEX", "1"), DISCOVERY.toString())
                        .err())
                .contains("POWERSWEEP_WORKER_INDEX = 1 must be a whole number from 0 to 0");
        standIn("nvidia-smi", "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18");
        assertThat(run(Map.of(), DISCOVERY.toString()).err())
                .contains("nvidia-smi -L failed: Failed to initialize NVML");
    }

    @Test
    void aClusterSecretIsRandomAndForItsOwnerAlone() throws IOException {
        String script =
                Deployment.ROOT.resolve("deploy/standalone/make-secret.sh").toString();
        Path first = directory.resolve("first.conf");
        Path second = directory.resolve("second.conf");
        for (Path file : List.of(first, second)) {
            assertThat(run(Map.of(), script, file.toString()).status()).isZero();
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                    .isEqualTo("rw-------");
            assertThat(Deployment.settings(file))
                    .containsEntry("spark.authenticate", "true")
                    .containsEntry("spark.network.crypto.enabled", "true")
                    .hasEntrySatisfying("spark.authenticate.secret", secret -> assertThat(secret)
                            .matches("[0-9a-f]{64}"));
        }
        assertThat(first).usingCharset(StandardCharsets.UTF_8).content().isNotEqualTo(Deployment.text(second));
        Result again = run(Map.of(), script, first.toString());
        assertThat(again.status()).isEqualTo(1);
        assertThat(again.err()).contains("exists");
    }

    @Test
    void aKubernetesSubmissionShipsTheSpecificationAndTheGpuSettings() throws IOException {
        standIn(
                "kubectl",
                "echo \"kubectl $*\" >>" + directory
                        + "/calls; if [[ $1 == apply ]]; then cat; else echo 'kind: ConfigMap'; fi");
        standIn(
                "spark/bin/spark-submit",
                "echo \"submit $*\" >>" + directory
                        + "/calls; while [[ $1 != --properties-file ]]; do shift; done; cp \"$2\" " + directory
                        + "/settings");
        Path specification = Files.writeString(directory.resolve("spec.yaml"), "grid: {}\n");
        String script = Deployment.ROOT
                .resolve("deploy/kubernetes/spark-submit/submit.sh")
                .toString();
        Map<String, String> home =
                Map.of("SPARK_HOME", directory.resolve("spark").toString());

        Result submitted = run(
                home,
                script,
                "--master",
                "k8s://https://10.0.0.1:6443",
                "--gpu",
                specification.toString(),
                "s3a://bucket/sweep",
                "spark.executor.instances=3");

        assertThat(submitted.status()).as(submitted.err()).isZero();
        assertThat(Deployment.text(directory.resolve("calls")))
                .contains("create configmap powersweep-specification --from-file=sweep.yaml=" + specification)
                .contains("--master k8s://https://10.0.0.1:6443 --deploy-mode cluster")
                .contains("executor-pod-gpu.yaml")
                .contains("--conf spark.executor.instances=3")
                .contains("run /etc/powersweep/sweep.yaml --output s3a://bucket/sweep --set resources.gpus=1");
        assertThat(Deployment.settings(directory.resolve("settings")))
                .containsEntry("spark.executor.resource.gpu.amount", "1")
                .containsEntry("spark.authenticate", "true")
                .containsEntry("spark.speculation", "false");

        assertThat(run(home, script, "--master", "yarn", specification.toString(), "s3a://b/s")
                        .err())
                .contains("must begin with k8s://");
        assertThat(run(home, script, "--master", "k8s://x", specification.toString(), "/results/x")
                        .err())
                .contains("/results/x names no file system");
        assertThat(run(
                                home,
                                script,
                                "--master",
                                "k8s://x",
                                specification.toString(),
                                "s3a://b/s",
                                "spark.hadoop.fs.s3a.secret.key=hunter2")
                        .err())
                .contains("spark.hadoop.fs.s3a.secret.key would show in lists of processes")
                .doesNotContain("hunter2");
    }

    @Test
    void aYarnSubmissionShipsAJdkTheScriptAndTheSpecification() throws IOException {
        standIn(
                "spark/bin/spark-submit",
                "echo \"$*\" >" + directory + "/call; while [[ $1 != --properties-file ]]; do shift; done; cp \"$2\" "
                        + directory + "/settings");
        // The layout of an installed archive.
        Path home = directory.resolve("powersweep");
        for (String file : List.of(
                "deploy/yarn/submit.sh",
                "deploy/yarn/gpu.conf",
                "deploy/conf/sweep.conf",
                "deploy/conf/secure.conf",
                "deploy/gpu-discovery.sh")) {
            Files.createDirectories(home.resolve(file).getParent());
            Files.copy(Deployment.ROOT.resolve(file), home.resolve(file), StandardCopyOption.COPY_ATTRIBUTES);
        }
        Files.createFile(Files.createDirectories(home.resolve("lib")).resolve("powersweep-1.jar"));
        Path specification = Files.writeString(directory.resolve("spec.yaml"), "grid: {}\n");
        String script = home.resolve("deploy/yarn/submit.sh").toString();
        Map<String, String> environment =
                Map.of("SPARK_HOME", directory.resolve("spark").toString(), "HADOOP_CONF_DIR", directory.toString());

        Result submitted = run(
                environment, script, "--gpu", "--queue", "research", specification.toString(), "hdfs:///sweeps/one");

        assertThat(submitted.status()).as(submitted.err()).isZero();
        assertThat(Deployment.text(directory.resolve("call")))
                .contains("--master yarn --deploy-mode cluster --name sweep-one --queue research")
                .contains("/sweep.yaml," + home + "/deploy/yarn/../gpu-discovery.sh")
                .endsWith("powersweep-1.jar run sweep.yaml --output hdfs:///sweeps/one --set resources.gpus=1\n");
        assertThat(Deployment.settings(directory.resolve("settings")))
                .containsEntry("spark.yarn.dist.archives", "hdfs:///apps/powersweep/jdk.tar.gz#jdk")
                .containsEntry("spark.executorEnv.JAVA_HOME", "./jdk")
                .containsEntry("spark.yarn.appMasterEnv.JAVA_HOME", "./jdk")
                .containsEntry("spark.executor.resource.gpu.amount", "1")
                .containsEntry("spark.executor.resource.gpu.discoveryScript", "./gpu-discovery.sh")
                .containsEntry("spark.authenticate", "true");

        assertThat(run(
                                Map.of(
                                        "SPARK_HOME",
                                        directory.resolve("spark").toString(),
                                        "HADOOP_CONF_DIR",
                                        "/nowhere"),
                                script,
                                specification.toString(),
                                "hdfs:///x")
                        .err())
                .contains("HADOOP_CONF_DIR must be");
        assertThat(run(environment, script, specification.toString(), "/x").err())
                .contains("/x names no file system");
    }
}
