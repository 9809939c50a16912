package dev.powersweep.orchestrator.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs the scripts under {@code deploy/} with stand-ins for the commands of a cluster on their PATH. */
class DeployScriptsTest {
    private static final Path DISCOVERY = Deployment.ROOT.resolve("deploy/gpu-discovery.sh");

    private static final String HOST_FILTER = "dev.powersweep.orchestrator.network.HostFilter";

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

    /** Manifests and scripts are compared with this file, and nothing else with it. */
    @Test
    void theSettingsOfASecureClusterAskForASecretEncryptEverythingAndHideSecrets() {
        Map<String, String> settings = Deployment.settings(Deployment.ROOT.resolve("deploy/conf/secure.conf"));
        assertThat(settings)
                .containsEntry("spark.authenticate", "true")
                .containsEntry("spark.network.crypto.enabled", "true")
                .containsEntry("spark.network.crypto.cipher", "AES/GCM/NoPadding")
                .containsEntry("spark.io.encryption.enabled", "true")
                .containsEntry("spark.io.encryption.keySizeBits", "256")
                .containsEntry("spark.ui.killEnabled", "false")
                .containsEntry("spark.master.rest.enabled", "false");
        Pattern redacted = Pattern.compile(settings.get("spark.redaction.regex"));
        for (String name : List.of(
                "spark.authenticate.secret",
                "spark.hadoop.fs.s3a.secret.key",
                "spark.hadoop.FS.S3A.ACCESS.KEY",
                "spark.executorEnv.AWS_ACCESS_KEY_ID",
                "spark.ssl.keyPassword",
                "spark.ssl.keyPassphrase",
                "spark.hadoop.fs.azure.account.oauth2.token",
                "spark.hadoop.google.credential",
                "my.private-key")) {
            assertThat(redacted.matcher(name).find()).as(name).isTrue();
        }
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
                .doesNotContain("spark.executor.instances")
                .contains("run /etc/powersweep/sweep.yaml --output s3a://bucket/sweep --set resources.gpus=1");
        assertThat(asSparkReads(directory.resolve("settings")))
                .containsEntry("spark.executor.resource.gpu.amount", "1")
                .containsEntry("spark.executor.instances", "3")
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
                .contains(
                        "spark.hadoop.fs.s3a.secret.key is not among the settings that may show in lists of processes")
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
                "deploy/conf/settings.sh",
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

    /** The standalone scripts, with a class launcher that starts nothing but says what Master and Workers say. */
    private Path standaloneScripts() throws IOException {
        Path home = directory.resolve("powersweep");
        for (String file : List.of(
                "deploy/standalone/start-cluster.sh",
                "deploy/standalone/stop-cluster.sh",
                "deploy/standalone/start-history-server.sh",
                "deploy/standalone/make-secret.sh",
                "deploy/standalone/private.sh",
                "deploy/conf/secure.conf")) {
            Files.createDirectories(home.resolve(file).getParent());
            Files.copy(Deployment.ROOT.resolve(file), home.resolve(file), StandardCopyOption.COPY_ATTRIBUTES);
        }
        standIn(
                "powersweep/deploy/standalone/spark-class",
                "echo \"$SPARK_LOCAL_IP $*\" >>" + directory + "/calls; echo 'New state: ALIVE';"
                        + " echo 'Successfully registered with master';"
                        + " echo \"Successfully started service 'HistoryServerUI' on port 18080.\";"
                        + " echo 'Bound HistoryServer to'; exec sleep 600");
        return home.resolve("deploy/standalone");
    }

    @Test
    void aClusterWithoutSettingsHasASecretOfItsOwnNoRestServerAndADirectoryForItsOwnerAlone() throws IOException {
        Path scripts = standaloneScripts();
        Path cluster = directory.resolve("cluster");
        String start = scripts.resolve("start-cluster.sh").toString();
        String stop = scripts.resolve("stop-cluster.sh").toString();
        Map<String, String> environment = Map.of("POWERSWEEP_CLUSTER", cluster.toString());

        Result started = run(environment, start);
        try {
            assertThat(started.status()).as(started.err()).isZero();
            assertThat(started.out()).isEqualTo("spark://127.0.0.1:7077\n");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(cluster)))
                    .isEqualTo("rwx------");
            Set<String> secrets = new LinkedHashSet<>();
            for (String file : List.of("master.conf", "worker-1.conf", "worker-2.conf", "submit.conf")) {
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(cluster.resolve(file))))
                        .as(file)
                        .isEqualTo("rw-------");
                Map<String, String> settings = Deployment.settings(cluster.resolve(file));
                assertThat(settings)
                        .as(file)
                        .containsEntry("spark.authenticate", "true")
                        .containsEntry("spark.master.rest.enabled", "false");
                secrets.add(settings.get("spark.authenticate.secret"));
            }
            assertThat(secrets).singleElement().asString().matches("[0-9a-f]{64}");
            assertThat(Deployment.text(directory.resolve("calls")).lines())
                    .hasSize(3)
                    .allMatch(call -> call.startsWith("127.0.0.1 ") && call.contains("--host 127.0.0.1"))
                    // What is not told of the secret asks nobody for it.
                    .allMatch(
                            call -> call.matches(".* --properties-file " + cluster + "/(master|worker-[12])[.]conf.*"))
                    .noneMatch(call -> secrets.stream().anyMatch(call::contains));
            assertThat(run(environment, start).err()).contains("is running (pid ");
        } finally {
            assertThat(run(environment, stop).status()).isZero();
        }
        assertThat(cluster).isDirectoryNotContaining("glob:**.{conf,pid}");
    }

    @Test
    void aHistoryServerIsOnLoopbackInADirectoryForItsOwnerAloneAndAnswersToItsOwnNames() throws IOException {
        Path scripts = standaloneScripts();
        Path cluster = directory.resolve("cluster");
        Map<String, String> environment = Map.of("POWERSWEEP_CLUSTER", cluster.toString());
        Result started = run(
                environment,
                scripts.resolve("start-history-server.sh").toString(),
                "--events",
                directory.resolve("events").toString());
        try {
            assertThat(started.status()).as(started.err()).isZero();
            assertThat(started.out()).isEqualTo("http://127.0.0.1:18080\n");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(cluster)))
                    .isEqualTo("rwx------");
            for (String file : List.of("history-server.conf", "history-server.log")) {
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(cluster.resolve(file))))
                        .as(file)
                        .isEqualTo("rw-------");
            }
            assertThat(Deployment.settings(cluster.resolve("history-server.conf")))
                    .containsEntry("spark.ui.filters", HOST_FILTER);
            assertThat(Deployment.text(directory.resolve("calls")))
                    .startsWith("127.0.0.1 ")
                    .contains(" --properties-file " + cluster + "/history-server.conf");
        } finally {
            assertThat(run(environment, scripts.resolve("stop-cluster.sh").toString())
                            .status())
                    .isZero();
        }
    }

    @Test
    void settingsOfOnesOwnLeaveRestAndEndingApplicationsOffUnlessTheyTurnThemOn() throws IOException {
        Path scripts = standaloneScripts();
        Map<String, String> environment =
                Map.of("POWERSWEEP_CLUSTER", directory.resolve("cluster").toString());
        String stop = scripts.resolve("stop-cluster.sh").toString();
        Map<String, String> off = Map.of("spark.master.rest.enabled", "false", "spark.ui.killEnabled", "false");
        Map<String, String> on = Map.of("spark.master.rest.enabled", "true", "spark.ui.killEnabled", "true");
        // The first without a line end, to which what is added must not stick.
        Map<String, Map<String, String>> cases = Map.of(
                "spark.authenticate true", off,
                "spark.master.rest.enabled true\n  spark.ui.killEnabled=true\n", on);
        for (Map.Entry<String, Map<String, String>> each : cases.entrySet()) {
            Path file = Files.writeString(directory.resolve("own.conf"), each.getKey());
            Result started =
                    run(environment, scripts.resolve("start-cluster.sh").toString(), "--properties", file.toString());
            try {
                assertThat(started.status()).as(started.err()).isZero();
                for (String settings : List.of("master.conf", "worker-1.conf")) {
                    assertThat(asSparkReads(directory.resolve("cluster").resolve(settings)))
                            .as("%s of %s", settings, each.getKey())
                            .containsAllEntriesOf(each.getValue());
                }
            } finally {
                assertThat(run(environment, stop).status()).isZero();
            }
        }
    }

    @Test
    void theSecretOfOneClusterGoesToThatMasterAlone() throws IOException {
        Path cluster = Files.createDirectory(
                directory.resolve("cluster"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Path settings = Files.writeString(cluster.resolve("submit.conf"), "# spark://127.0.0.1:7077\n");
        standIn("spark/bin/spark-submit", "echo \"$*\"");
        Map<String, String> environment =
                Map.of("SPARK_HOME", directory.resolve("spark").toString(), "POWERSWEEP_CLUSTER", cluster.toString());
        // As an installed archive: in a source tree that is not built yet the launcher would build it.
        Path home = Files.createDirectory(directory.resolve("home"));
        for (String file : List.of("bin/powersweep", "deploy/standalone/private.sh")) {
            Files.createDirectories(home.resolve(file).getParent());
            Files.copy(Deployment.ROOT.resolve(file), home.resolve(file), StandardCopyOption.COPY_ATTRIBUTES);
        }
        Files.createFile(Files.createDirectory(home.resolve("lib")).resolve("powersweep-1.jar"));
        String launcher = home.resolve("bin/powersweep").toString();

        assertThat(run(environment, launcher, "run", "a.yaml", "--master", "spark://127.0.0.1:7077")
                        .out())
                .contains("--properties-file " + settings + " --load-spark-defaults");
        assertThat(run(environment, launcher, "run", "a.yaml", "--master", "spark://192.0.2.1:7077")
                        .out())
                .doesNotContain("--properties-file");
        Path elsewhere = Files.move(settings, directory.resolve("elsewhere.conf"));
        Files.createSymbolicLink(settings, elsewhere);
        assertThat(run(environment, launcher, "run", "a.yaml", "--master", "spark://127.0.0.1:7077")
                        .out())
                .as("settings by a link")
                .doesNotContain("--properties-file");
        Files.move(elsewhere, settings, StandardCopyOption.REPLACE_EXISTING);
        if (System.getProperty("user.name").equals("root")) {
            for (Path foreign : List.of(settings, cluster)) {
                Files.setAttribute(foreign, "unix:uid", 65534);
                assertThat(run(environment, launcher, "run", "a.yaml", "--master", "spark://127.0.0.1:7077")
                                .out())
                        .as("another user's " + foreign)
                        .doesNotContain("--properties-file");
                Files.setAttribute(foreign, "unix:uid", 0);
            }
        }
        Map<String, String> chosen = new HashMap<>(environment);
        chosen.put("POWERSWEEP_SUBMIT_OPTIONS", "--properties-file mine.conf");
        assertThat(run(chosen, launcher, "run", "a.yaml", "--master", "spark://127.0.0.1:7077")
                        .out())
                .contains("--properties-file mine.conf")
                .doesNotContain(settings.toString());
    }

    @Test
    void aDirectoryThatSomebodyElsePreparedIsRefusedAndNothingIsWrittenToIt() throws Exception {
        Path scripts = standaloneScripts();
        Path link = Files.createSymbolicLink(directory.resolve("link"), Files.createDirectory(directory.resolve("a")));
        Path file = Files.createFile(directory.resolve("file"));
        Path group = Files.setPosixFilePermissions(
                Files.createDirectory(directory.resolve("group")), PosixFilePermissions.fromString("rwxrwx---"));
        Path others = Files.setPosixFilePermissions(
                Files.createDirectory(directory.resolve("others")), PosixFilePermissions.fromString("rwx----w-"));
        Path foreign = Files.createDirectory(directory.resolve("foreign"));
        if (System.getProperty("user.name").equals("root")) {
            Files.setAttribute(foreign, "unix:uid", 65534);
        } else {
            foreign = Path.of("/usr/lib");
        }
        for (String script : List.of("start-cluster.sh", "start-history-server.sh", "stop-cluster.sh")) {
            for (Path prepared : List.of(link, file, group, others, foreign)) {
                List<String> command =
                        new ArrayList<>(List.of(scripts.resolve(script).toString()));
                if (script.equals("start-history-server.sh")) {
                    command.addAll(List.of("--events", "file:///events"));
                }
                Result refused = run(Map.of("POWERSWEEP_CLUSTER", prepared.toString()), command.toArray(String[]::new));
                assertThat(refused.status()).as("%s %s", script, prepared).isEqualTo(1);
                assertThat(refused.err()).startsWith(script + ": ").contains(prepared.toString());
                assertThat(refused.err().contains("not a directory of its own"))
                        .isEqualTo(prepared.equals(link) || prepared.equals(file));
                if (Files.isDirectory(prepared)) {
                    assertThat(prepared).isDirectoryNotContaining("glob:**.{conf,pid,log}");
                }
            }
        }
        assertThat(directory.resolve("calls")).doesNotExist();
    }

    @Test
    void aSecretIsNotWrittenIntoAFileThatOthersMayAlreadyRead() throws IOException {
        Path scripts = standaloneScripts();
        Path cluster = Files.createDirectory(
                directory.resolve("cluster"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        List<String> files = List.of("secret.conf", "master.conf", "submit.conf", "worker-1.conf", "worker-2.conf");
        for (String file : files) {
            Files.setPosixFilePermissions(
                    Files.createFile(cluster.resolve(file)), PosixFilePermissions.fromString("rw-rw-rw-"));
        }
        Map<String, String> environment = Map.of("POWERSWEEP_CLUSTER", cluster.toString());
        Result started = run(environment, scripts.resolve("start-cluster.sh").toString());
        try {
            assertThat(started.status()).as(started.err()).isZero();
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(cluster)))
                    .isEqualTo("rwx------");
            for (String file : files) {
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(cluster.resolve(file))))
                        .as(file)
                        .isEqualTo("rw-------");
            }
        } finally {
            run(environment, scripts.resolve("stop-cluster.sh").toString());
        }
    }

    @Test
    void aProcessThatGotTheNumberOfOneLongGoneIsNotSignalled() throws Exception {
        Path scripts = standaloneScripts();
        Path cluster = Files.createDirectory(
                directory.resolve("cluster"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Process bystander = new ProcessBuilder("sleep", "600").start();
        try {
            for (String remembered : List.of(bystander.pid() + "\n", bystander.pid() + " 12345\n", "-1\n", "0 1\n")) {
                Files.writeString(cluster.resolve("master.pid"), remembered);
                Result stopped =
                        run(Map.of(), scripts.resolve("stop-cluster.sh").toString(), cluster.toString());
                assertThat(stopped.status()).as(stopped.err()).isZero();
                assertThat(cluster.resolve("master.pid")).doesNotExist();
            }
            assertThat(bystander.isAlive()).isTrue();
        } finally {
            bystander.destroyForcibly();
        }
    }

    /** The last line of a name wins. */
    private static Map<String, String> asSparkReads(Path file) throws IOException {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        }
        Map<String, String> settings = new HashMap<>();
        properties.stringPropertyNames().forEach(name -> settings.put(name, properties.getProperty(name)));
        return settings;
    }

    static Stream<Arguments> secretsOnACommandLine() {
        return Stream.of("kubernetes/spark-submit", "yarn").flatMap(script -> Stream.of(
                        "spark.kubernetes.driverEnv.AWS_SECRET_ACCESS_KEY=hunter2",
                        "spark.executorEnv.AWS_SECRET_ACCESS_KEY=hunter2",
                        "spark.ssl.keyPassword=hunter2",
                        "spark.ssl.ui.keyStorePassword=hunter2",
                        "spark.hadoop.fs.azure.account.key.a.dfs.core.windows.net=hunter2",
                        "spark.hadoop.FS.S3A.SECRET.KEY=hunter2",
                        "spark.authenticate.secret=hunter2",
                        "spark.driver.extraJavaOptions=-Dx=hunter2",
                        "spark.hadoop.fs.s3a.endpoint=https://me:hunter2@store",
                        "spark.app.name=a\nspark.ssl.keyPassword hunter2")
                .map(setting -> Arguments.of(script, setting)));
    }

    @ParameterizedTest
    @MethodSource("secretsOnACommandLine")
    void onlySettingsKnownToBeNoSecretsMayStandOnACommandLine(String folder, String setting) throws IOException {
        standIn("kubectl", "touch " + directory + "/called");
        standIn("spark/bin/spark-submit", "touch " + directory + "/called");
        Path specification = Files.writeString(directory.resolve("spec.yaml"), "grid: {}\n");
        List<String> command = new ArrayList<>(List.of(
                Deployment.ROOT.resolve("deploy/" + folder + "/submit.sh").toString()));
        if (folder.startsWith("kubernetes")) {
            command.addAll(List.of("--master", "k8s://x"));
        }
        command.addAll(List.of(specification.toString(), "s3a://b/s", setting));
        Result refused = run(
                Map.of("SPARK_HOME", directory.resolve("spark").toString(), "HADOOP_CONF_DIR", directory.toString()),
                command.toArray(String[]::new));
        assertThat(refused.status()).isEqualTo(2);
        assertThat(refused.err())
                .contains(setting.substring(0, setting.indexOf('=')))
                .doesNotContain("hunter2");
        assertThat(directory.resolve("called")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"kubernetes/spark-submit", "yarn"})
    void settingsThatHoldSecretsGoByAFileThatOthersMayNotRead(String folder) throws IOException {
        standIn("kubectl", "cat >/dev/null </dev/null");
        standIn(
                "spark/bin/spark-submit",
                "echo \"$*\" >" + directory
                        + "/call; while [[ $1 != --properties-file ]]; do shift; done; stat -c %a \"$2\" >" + directory
                        + "/mode; stat -c %a \"${2%/*}\" >" + directory + "/folder; cp \"$2\" " + directory
                        + "/settings");
        Path specification = Files.writeString(directory.resolve("spec.yaml"), "grid: {}\n");
        Path secrets = Files.writeString(directory.resolve("secrets.conf"), "spark.ssl.keyPassword hunter2");
        boolean yarn = folder.equals("yarn");
        // The layout of an installed archive.
        Path installed = directory.resolve("powersweep");
        for (Path file : Deployment.files(Deployment.ROOT.resolve("deploy"), "")) {
            Path copy = installed.resolve(Deployment.ROOT.relativize(file));
            Files.createDirectories(copy.getParent());
            Files.copy(file, copy, StandardCopyOption.COPY_ATTRIBUTES);
        }
        Files.createFile(Files.createDirectory(installed.resolve("lib")).resolve("powersweep-1.jar"));
        List<String> words = new ArrayList<>(
                List.of(installed.resolve("deploy/" + folder + "/submit.sh").toString()));
        if (!yarn) {
            words.addAll(List.of("--master", "k8s://x"));
        }
        words.addAll(List.of("--properties", secrets.toString(), specification.toString(), "s3a://b/s"));
        String[] command = words.toArray(String[]::new);
        Map<String, String> home =
                Map.of("SPARK_HOME", directory.resolve("spark").toString(), "HADOOP_CONF_DIR", directory.toString());

        for (String mode : List.of("rw-r--r--", "rw-r-----", "rw----r--", "rw-rw----")) {
            Files.setPosixFilePermissions(secrets, PosixFilePermissions.fromString(mode));
            assertThat(run(home, command).err())
                    .as(mode)
                    .contains("others may read " + secrets)
                    .contains("chmod 600");
        }

        Files.setPosixFilePermissions(secrets, PosixFilePermissions.fromString("rw-------"));
        Result submitted = run(home, command);
        assertThat(submitted.status()).as(submitted.err()).isZero();
        assertThat(Deployment.text(directory.resolve("call"))).doesNotContain("hunter2");
        // YARN's lies in a folder of its own beside what is shipped.
        assertThat(Deployment.text(directory.resolve(yarn ? "folder" : "mode"))).isEqualTo(yarn ? "700\n" : "600\n");
        assertThat(asSparkReads(directory.resolve("settings"))).containsEntry("spark.ssl.keyPassword", "hunter2");
    }

    /** What every unit must forbid; what a JVM with GPUs cannot do without is left out, and said in the unit. */
    @ParameterizedTest
    @ValueSource(strings = {"powersweep-master", "powersweep-worker@", "powersweep-history"})
    void unitsForbidWhatTheirProcessesNeverDo(String unit) {
        List<String> lines = Deployment.text(Deployment.ROOT.resolve("deploy/standalone/systemd/" + unit + ".service"))
                .lines()
                .toList();
        assertThat(lines)
                .contains(
                        "User=powersweep",
                        "Group=powersweep",
                        "NoNewPrivileges=yes",
                        "CapabilityBoundingSet=",
                        "AmbientCapabilities=",
                        "ProtectSystem=strict",
                        "ProtectHome=yes",
                        "PrivateTmp=yes",
                        "ProtectProc=invisible",
                        "ProtectClock=yes",
                        "ProtectHostname=yes",
                        "ProtectKernelLogs=yes",
                        "ProtectKernelTunables=yes",
                        "ProtectKernelModules=yes",
                        "ProtectControlGroups=yes",
                        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
                        "RestrictNamespaces=yes",
                        "RestrictRealtime=yes",
                        "RestrictSUIDSGID=yes",
                        "LockPersonality=yes",
                        "KeyringMode=private",
                        "RemoveIPC=yes",
                        "SystemCallArchitectures=native",
                        "SystemCallFilter=@system-service",
                        "UMask=0077");
        // A GPU is a device.
        assertThat(lines.contains("PrivateDevices=yes")).isEqualTo(!unit.contains("worker"));
        assertThat(String.join("\n", lines)).containsPattern("--properties-file /etc/powersweep/\\w+\\.conf");
        assertThat(Deployment.settings(Deployment.ROOT.resolve("deploy/standalone/systemd/history.conf")))
                .containsEntry("spark.ui.filters", HOST_FILTER);
        assertThat(Deployment.text(Deployment.ROOT.resolve("deploy/standalone/systemd/powersweep.env")))
                .containsPattern("(?m)^SPARK_LOCAL_IP=");
    }

    @Test
    void theBuildsMavenIsCheckedBeforeItRuns() throws IOException {
        assertThat(asSparkReads(Deployment.ROOT.resolve(".mvn/wrapper/maven-wrapper.properties"))
                        .get("distributionSha256Sum"))
                .matches("[0-9a-f]{64}");
    }
}
