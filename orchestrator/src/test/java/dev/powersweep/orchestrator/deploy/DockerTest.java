package dev.powersweep.orchestrator.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DockerTest {
    private static final Path DOCKER = Deployment.ROOT.resolve("docker");

    /** One line of a Dockerfile after joining continued ones. */
    record Instruction(String word, String rest) {}

    private static List<Instruction> instructions(String dockerfile) {
        String joined = Deployment.text(DOCKER.resolve(dockerfile))
                .lines()
                .filter(line -> !line.startsWith("#"))
                .reduce("", (text, line) -> text + line + "\n")
                .replaceAll("\\\\\n\\s*", " ");
        return joined.lines()
                .filter(line -> !line.isBlank())
                .map(line -> line.split("\\s+", 2))
                .map(words -> new Instruction(words[0], words[1]))
                .toList();
    }

    /** Instructions of the stage that becomes the image. */
    private static List<Instruction> lastStage(String dockerfile) {
        List<Instruction> all = instructions(dockerfile);
        int from = 0;
        for (int i = 0; i < all.size(); i++) {
            if (all.get(i).word().equals("FROM")) {
                from = i;
            }
        }
        return all.subList(from, all.size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"Dockerfile", "Dockerfile.cuda", "Dockerfile.cuda11"})
    void imagesAreBuiltInStagesAndRunAsNobodySpecial(String dockerfile) {
        List<Instruction> all = instructions(dockerfile);
        assertThat(all.stream().map(Instruction::word))
                .isSubsetOf(
                        "ARG",
                        "FROM",
                        "WORKDIR",
                        "COPY",
                        "RUN",
                        "LABEL",
                        "ENV",
                        "USER",
                        "HEALTHCHECK",
                        "ENTRYPOINT",
                        "CMD");
        assertThat(all.stream().filter(each -> each.word().equals("FROM"))).hasSize(2);

        List<Instruction> image = lastStage(dockerfile);
        List<String> users = image.stream()
                .filter(each -> each.word().equals("USER"))
                .map(Instruction::rest)
                .toList();
        assertThat(users).isNotEmpty().allMatch(user -> user.matches("[1-9][0-9]*:[1-9][0-9]*"));
        // The final image takes what was built and runs nothing of its own.
        assertThat(image).noneMatch(each -> each.word().equals("RUN"));
        assertThat(image.stream().filter(each -> each.word().equals("COPY")))
                .allMatch(each -> each.rest().contains("--from=build"));
        assertThat(image).anyMatch(each -> each.word().equals("HEALTHCHECK"));
        assertThat(image.stream().filter(each -> each.word().equals("LABEL")).map(Instruction::rest))
                .anyMatch(labels -> labels.contains("org.opencontainers.image.title=")
                        && labels.contains("org.opencontainers.image.licenses="));
    }

    @ParameterizedTest
    @ValueSource(strings = {"Dockerfile", "Dockerfile.cuda", "Dockerfile.cuda11"})
    void baseImagesArePinnedAndNoSecretIsBuiltIn(String dockerfile) {
        Map<String, String> arguments = new LinkedHashMap<>();
        for (Instruction each : instructions(dockerfile)) {
            switch (each.word()) {
                case "ARG" -> {
                    String[] pair = each.rest().split("=", 2);
                    arguments.put(pair[0], pair.length == 2 ? pair[1] : "");
                    assertThat(pair[0]).doesNotContainPattern("(?i)secret|password|token");
                }
                case "FROM" -> {
                    Matcher argument = Pattern.compile("\\$\\{(\\w+)}.*").matcher(each.rest());
                    assertThat(argument.matches()).isTrue();
                    assertThat(arguments.get(argument.group(1)))
                            .matches("[^:]+:[0-9][^:]*")
                            .doesNotContain("latest");
                }
                case "ENV" -> assertThat(each.rest()).doesNotContainPattern("(?i)secret|password|token");
                default -> {}
            }
        }
        assertThat(arguments).isNotEmpty();
    }

    @Test
    void everyFileThatTheImageCopiesIsInTheRepository() {
        Set<String> copied = new LinkedHashSet<>();
        for (Instruction each : instructions("Dockerfile")) {
            if (each.word().equals("RUN")) {
                Matcher copy = Pattern.compile("cp (?:-r )?((?:[A-Za-z./_-]+ )+)/out/(?: |$)")
                        .matcher(each.rest());
                while (copy.find()) {
                    copied.addAll(List.of(copy.group(1).strip().split(" ")));
                }
            }
        }
        assertThat(copied).contains("bin", "deploy", "docker/entrypoint.sh", "LICENSE", "NOTICE");
        assertThat(copied)
                .filteredOn(file -> !file.contains("target"))
                .allMatch(file -> Files.exists(Deployment.ROOT.resolve(file)));
        assertThat(DOCKER.resolve("entrypoint.sh")).isExecutable();
        assertThat(DOCKER.resolve("healthcheck.sh")).isExecutable();
    }

    private static JsonNode compose() {
        return Deployment.documents(Deployment.text(DOCKER.resolve("compose.yaml")))
                .get(0);
    }

    private static void services(BiConsumer<String, JsonNode> check) {
        compose().path("services").fields().forEachRemaining(each -> check.accept(each.getKey(), each.getValue()));
    }

    @Test
    void theComposeFileAgreesWithTheComposeSpecification() {
        JsonSchema schema = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                .getSchema(Deployment.schema("compose-spec.json"));
        assertThat(schema.validate(compose())).isEmpty();

        JsonNode mistaken = Deployment.documents(Deployment.text(DOCKER.resolve("compose.yaml"))
                        .replace("hostname: worker-2", "hostnam: worker-2"))
                .get(0);
        assertThat(schema.validate(mistaken)).isNotEmpty();
    }

    @Test
    void theClusterIsWhole() {
        List<String> names = new ArrayList<>();
        compose().path("services").fieldNames().forEachRemaining(names::add);
        assertThat(names).contains("namenode", "datanode", "master", "worker-1", "worker-2", "history", "sweep");

        Set<String> volumes = new LinkedHashSet<>();
        compose().path("volumes").fieldNames().forEachRemaining(volumes::add);
        Set<String> networks = new LinkedHashSet<>();
        compose().path("networks").fieldNames().forEachRemaining(networks::add);
        services((name, service) -> {
            service.path("depends_on").fieldNames().forEachRemaining(other -> {
                assertThat(names).as(name).contains(other);
                String condition =
                        service.path("depends_on").path(other).path("condition").asText();
                JsonNode awaited = compose().path("services").path(other);
                if (condition.equals("service_healthy") && !awaited.has("build")) {
                    assertThat(awaited.has("healthcheck")).as(other).isTrue();
                }
            });
            service.path("volumes").forEach(volume -> assertThat(volume.asText().startsWith("/")
                            || volumes.contains(volume.asText().split(":")[0]))
                    .as("%s: %s", name, volume)
                    .isTrue());
            service.path("networks").forEach(network -> assertThat(networks).contains(network.asText()));
            // With two networks a daemon would bind to whichever address its name is found at first.
            assertThat(service.path("networks").size()
                            + (service.path("network_mode").asText().equals("none") ? 1 : 0))
                    .as(name)
                    .isEqualTo(1);
        });
    }

    @Test
    void noServiceIsPrivilegedUnlimitedOrOpenToTheWorld() {
        services((name, service) -> {
            assertThat(service.path("privileged").asBoolean()).as(name).isFalse();
            assertThat(service.path("security_opt").toString()).as(name).contains("no-new-privileges:true");
            assertThat(service.at("/deploy/resources/limits/memory").asText())
                    .as(name)
                    .isNotEmpty();
            assertThat(service.at("/deploy/resources/limits/cpus").asText())
                    .as(name)
                    .isNotEmpty();
            assertThat(service.path("image").asText()).as(name).matches("[^:]+:[0-9][^:]*");
            service.path("ports")
                    .forEach(port -> assertThat(port.asText()).as(name).startsWith("127.0.0.1:"));
            // Volumes of Compose's, with a name or without; no path of the host.
            service.path("volumes")
                    .forEach(volume -> assertThat(volume.asText()).as(name).matches("/[a-z]+|[a-z]+:/[a-z/]+(:ro)?"));
            for (String host : List.of("pid", "ipc", "userns_mode", "devices", "volumes_from", "cgroup", "group_add")) {
                assertThat(service.has(host)).as("%s: %s", name, host).isFalse();
            }
            assertThat(service.path("cap_drop").toString()).as(name).isEqualTo("[\"ALL\"]");
            assertThat(service.path("network_mode").asText("none")).as(name).isEqualTo("none");
            if (name.equals("volumes")) {
                // The one that is root gives two volumes to their user, and reaches nobody.
                assertThat(service.path("cap_add").toString()).isEqualTo("[\"CHOWN\"]");
                assertThat(service.path("network_mode").asText()).isEqualTo("none");
            } else {
                assertThat(service.has("cap_add")).as(name).isFalse();
                // Ours is that of the image, which its own test looks at.
                assertThat(service.path("user").asText(service.has("build") ? "185:185" : "0"))
                        .as(name)
                        .matches("[1-9][0-9]*:[1-9][0-9]*");
            }
            if (service.has("build")) {
                assertThat(service.path("read_only").asBoolean()).as(name).isTrue();
            }
        });
    }

    @Test
    void theSecretIsMadeWithoutANetworkAndReadByOurContainersAlone() {
        services((name, service) -> service.path("volumes").forEach(volume -> {
            if (volume.asText().startsWith("secret:")) {
                assertThat(service.has("build")).as(name).isTrue();
                assertThat(volume.asText().endsWith(":ro")).as(name).isEqualTo(!name.equals("secret"));
            }
        }));
        JsonNode maker = compose().at("/services/secret");
        assertThat(maker.path("network_mode").asText()).isEqualTo("none");
        assertThat(maker.at("/command/0").asText().lines().map(String::strip))
                .containsSubsequence("umask 077", "/opt/powersweep/deploy/standalone/make-secret.sh secret.conf");
    }

    @ParameterizedTest
    @ValueSource(strings = {"master", "worker spark://master:7077", "history"})
    void theImagesMasterAndWorkersTakeNoRestSubmissionsAndEndNoApplicationsUnlessToldTo(
            String role, @TempDir Path directory) throws Exception {
        Path launched = directory.resolve("launched");
        Path launcher = Files.writeString(
                directory.resolve("spark-class"),
                "#!/bin/bash\necho \"${SPARK_DAEMON_JAVA_OPTS:-} ${SPARK_HISTORY_OPTS:-}\" >" + launched
                        + "; echo \" $* \" >>" + launched + "\n");
        Path entrypoint = Files.writeString(
                directory.resolve("entrypoint.sh"),
                Deployment.text(DOCKER.resolve("entrypoint.sh"))
                        .replace("/opt/spark/bin/spark-class", launcher.toString())
                        .replace(
                                "/tmp/powersweep-port",
                                directory.resolve("port").toString()));
        for (Path script : List.of(launcher, entrypoint)) {
            Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        Path told = Files.writeString(
                directory.resolve("told.conf"), "spark.master.rest.enabled true\nspark.ui.killEnabled true\n");
        Path silent = Files.writeString(directory.resolve("silent.conf"), "spark.authenticate true\n");

        List<String> command = new ArrayList<>(List.of(entrypoint.toString()));
        command.addAll(List.of(role.split(" ")));
        for (String conf : new String[] {"", silent.toString(), told.toString()}) {
            ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
            builder.environment().put("POWERSWEEP_CONF", conf);
            builder.environment().put("POWERSWEEP_EVENTS", "file:///events");
            builder.environment().remove("SPARK_DAEMON_JAVA_OPTS");
            builder.environment().remove("SPARK_HISTORY_OPTS");
            assertThat(builder.start().waitFor()).isZero();
            List<String> lines = Files.readAllLines(launched);
            if (role.equals("history")) {
                assertThat(lines.get(0)).contains("-Dspark.ui.filters=dev.powersweep.orchestrator.network.HostFilter ");
            } else if (conf.equals(told.toString())) {
                assertThat(lines.get(0)).isBlank();
            } else {
                assertThat(lines.get(0)).contains("-Dspark.master.rest.enabled=false", "-Dspark.ui.killEnabled=false");
            }
            // The file holds the secret, without which a cluster asks nobody for one.
            assertThat(lines.get(1).contains(" --properties-file " + conf + " "))
                    .isEqualTo(!conf.isEmpty());
        }
    }

    @Test
    void everySparkProcessOfTheClusterReadsTheSharedSecretFromAFile() {
        for (String name : List.of("master", "worker-1", "worker-2", "history")) {
            JsonNode service = compose().path("services").path(name);
            assertThat(service.at("/environment/POWERSWEEP_CONF").asText())
                    .as(name)
                    .isEqualTo("/var/lib/powersweep/cluster.conf");
        }
        assertThat(compose()
                        .at("/services/sweep/environment/POWERSWEEP_SUBMIT_OPTIONS")
                        .asText())
                .contains("--properties-file /var/lib/powersweep/cluster.conf");
        Stream.of("compose.yaml", "Dockerfile", "Dockerfile.cuda", "Dockerfile.cuda11")
                .forEach(file -> assertThat(Deployment.text(DOCKER.resolve(file)))
                        .doesNotContainPattern("spark\\.authenticate\\.secret"));
    }
}
