package dev.powersweep.orchestrator.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.projectnessie.cel.checker.Decls;
import org.projectnessie.cel.tools.Script;
import org.projectnessie.cel.tools.ScriptException;
import org.projectnessie.cel.tools.ScriptHost;

class KubernetesManifestsTest {
    private static final Path KUBERNETES = Deployment.ROOT.resolve("deploy/kubernetes");
    private static final Path CONF = Deployment.ROOT.resolve("deploy/conf");
    private static final ManifestSchemas SCHEMAS = new ManifestSchemas();

    static List<Path> kustomizations() {
        return Deployment.files(KUBERNETES, "kustomization.yaml");
    }

    static List<Path> overlays() {
        return kustomizations().stream()
                .filter(file -> Deployment.documents(Deployment.text(file))
                        .get(0)
                        .path("kind")
                        .asText()
                        .equals("Kustomization"))
                .map(Path::getParent)
                .toList();
    }

    private static Set<Path> patches() {
        Set<Path> patches = new LinkedHashSet<>();
        for (Path file : kustomizations()) {
            for (JsonNode patch :
                    Deployment.documents(Deployment.text(file)).get(0).path("patches")) {
                patches.add(file.resolveSibling(patch.path("path").asText()).normalize());
            }
        }
        return patches;
    }

    static List<Path> manifests() {
        Set<Path> patches = patches();
        return Deployment.files(KUBERNETES, ".yaml").stream()
                .filter(file -> !file.endsWith("kustomization.yaml") && !patches.contains(file.normalize()))
                .toList();
    }

    static List<Path> mergePatches() {
        return patches().stream()
                .filter(file ->
                        Deployment.documents(Deployment.text(file)).get(0).isObject())
                .toList();
    }

    private static Stream<JsonNode> allManifests() {
        return manifests().stream().flatMap(file -> Deployment.documents(Deployment.text(file)).stream());
    }

    private static Map<String, JsonNode> sparkApplications() {
        Map<String, JsonNode> applications = new LinkedHashMap<>();
        allManifests()
                .filter(manifest -> manifest.path("kind").asText().equals("SparkApplication"))
                .forEach(
                        manifest -> applications.put(manifest.path("apiVersion").asText(), manifest));
        return applications;
    }

    /** Everything that holds containers: pods, and templates of pods. */
    private static List<JsonNode> podSpecs(JsonNode manifest) {
        List<JsonNode> specs = new ArrayList<>();
        Deployment.walk(manifest, node -> {
            if (node.path("containers").isArray()) {
                specs.add(node);
            }
        });
        return specs;
    }

    @ParameterizedTest
    @MethodSource("manifests")
    void everyManifestAgreesWithThePublishedSchemaOfItsKind(Path file) {
        List<JsonNode> documents = Deployment.documents(Deployment.text(file));
        assertThat(documents).isNotEmpty();
        for (JsonNode document : documents) {
            assertThat(SCHEMAS.problems(document, ManifestSchemas.Extent.WHOLE))
                    .as("%s: %s", file, document.path("kind").asText())
                    .isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("mergePatches")
    void everyPatchNamesOnlyFieldsOfItsKind(Path file) {
        for (JsonNode document : Deployment.documents(Deployment.text(file))) {
            assertThat(SCHEMAS.problems(document, ManifestSchemas.Extent.PATCH))
                    .as("%s", file)
                    .isEmpty();
        }
    }

    @Test
    void mistakesAreFound() {
        JsonNode application = sparkApplications().get("sparkoperator.k8s.io/v1beta2");
        ObjectNode misspelt = application.deepCopy();
        ((ObjectNode) misspelt.get("spec").get("executor")).put("memoryOverhed", "1g");
        ObjectNode mistyped = application.deepCopy();
        ((ObjectNode) mistyped.get("spec").get("executor")).put("cores", "four");
        ObjectNode incomplete = application.deepCopy();
        ((ObjectNode) incomplete.get("spec")).remove("mainApplicationFile");
        ObjectNode deep = application.deepCopy();
        ((ObjectNode) deep.at("/spec/driver/template/spec/containers/0")).put("securityContxt", 1);

        assertThat(SCHEMAS.problems(application, ManifestSchemas.Extent.WHOLE)).isEmpty();
        assertThat(SCHEMAS.problems(misspelt, ManifestSchemas.Extent.WHOLE))
                .anyMatch(problem -> problem.contains("memoryOverhed"));
        assertThat(SCHEMAS.problems(mistyped, ManifestSchemas.Extent.WHOLE))
                .anyMatch(problem -> problem.contains("cores"));
        assertThat(SCHEMAS.problems(incomplete, ManifestSchemas.Extent.WHOLE))
                .anyMatch(problem -> problem.contains("mainApplicationFile"));
        assertThat(SCHEMAS.problems(deep, ManifestSchemas.Extent.WHOLE))
                .anyMatch(problem -> problem.contains("securityContxt"));

        ObjectNode deployment = allManifests()
                .filter(manifest -> manifest.path("kind").asText().equals("Deployment"))
                .findFirst()
                .orElseThrow()
                .deepCopy();
        ((ObjectNode) deployment.get("spec")).remove("selector");
        ((ObjectNode) deployment.get("spec")).put("replicas", "one");
        assertThat(SCHEMAS.problems(deployment, ManifestSchemas.Extent.WHOLE)).hasSize(2);
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void everyOverlayMakesValidObjectsWhoseVolumesExist(Path directory) {
        List<ObjectNode> objects = Kustomize.render(directory);
        assertThat(objects).isNotEmpty();
        Set<String> claims = objects.stream()
                .filter(object -> object.path("kind").asText().equals("PersistentVolumeClaim"))
                .map(object -> object.at("/metadata/name").asText())
                .collect(Collectors.toSet());
        for (JsonNode object : objects) {
            String name = object.path("kind").asText() + " "
                    + object.at("/metadata/name").asText();
            assertThat(SCHEMAS.problems(object, ManifestSchemas.Extent.WHOLE))
                    .as("%s: %s", directory, name)
                    .isEmpty();
            assertThat(object.toString()).doesNotContain("$patch");
            for (JsonNode pod : podSpecs(object)) {
                assertThat(pod.findValuesAsText("claimName"))
                        .as("%s: %s", directory, name)
                        .isSubsetOf(claims);
                Set<String> volumes = Set.copyOf(pod.path("volumes").findValuesAsText("name"));
                for (JsonNode mount : pod.findPath("volumeMounts")) {
                    assertThat(volumes).contains(mount.path("name").asText());
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"kubeflow", "apache"})
    void overlaysSayWhatTheyAreFor(String operator) {
        JsonNode cpu = sparkApplication(operator + "/cpu");
        JsonNode gpu = sparkApplication(operator + "/gpu");
        JsonNode store = sparkApplication(operator + "/gpu-object-store");
        assertThat(cpu.toString()).doesNotContain("resource.gpu").doesNotContain("s3a:");
        assertThat(gpu.at("/spec/sparkConf/spark.executor.resource.gpu.amount").asText())
                .isEqualTo("1");
        assertThat(store.at("/spec/sparkConf/spark.executor.resource.gpu.amount")
                        .asText())
                .isEqualTo("1");
        assertThat(store.at("/spec/sparkConf/spark.eventLog.dir").asText()).startsWith("s3a://");
        assertThat(store.toString()).doesNotContain("file:///results").doesNotContain("persistentVolumeClaim");
        Deployment.settings(CONF.resolve("s3a.conf")).forEach((setting, value) -> assertThat(
                        store.at("/spec/sparkConf").path(setting).asText())
                .as(setting)
                .isEqualTo(value));
    }

    private static JsonNode sparkApplication(String overlay) {
        return Kustomize.render(KUBERNETES.resolve(overlay)).stream()
                .filter(object -> object.path("kind").asText().equals("SparkApplication"))
                .findFirst()
                .orElseThrow();
    }

    /** The real tool has the last word where there is one. */
    @ParameterizedTest
    @MethodSource("overlays")
    void kubectlBuildsTheSameObjects(Path directory) throws IOException, InterruptedException {
        assumeTrue(onPath("kubectl"), "no kubectl on PATH");
        Process kubectl = new ProcessBuilder("kubectl", "kustomize", directory.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String rendered = new String(kubectl.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(kubectl.waitFor()).as("kubectl kustomize %s", directory).isZero();
        assertThat(Deployment.documents(rendered)).containsExactlyInAnyOrderElementsOf(Kustomize.render(directory));
    }

    @Test
    void aPatchThatFitsNothingIsFound(@TempDir Path directory) throws IOException {
        Files.writeString(
                directory.resolve("kustomization.yaml"),
                """
                apiVersion: kustomize.config.k8s.io/v1beta1
                kind: Kustomization
                resources: [claim.yaml]
                patches: [{path: patch.yaml, target: {kind: PersistentVolumeClaim}}]
                """);
        Files.writeString(
                directory.resolve("claim.yaml"),
                """
                {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a}, spec: {accessModes: [ReadWriteOnce]}}
                """);
        Path patch = directory.resolve("patch.yaml");
        Files.writeString(patch, "[{op: replace, path: /spec/accessModes/0, value: ReadWriteMany}]");
        assertThat(Kustomize.render(directory).get(0).at("/spec/accessModes/0").asText())
                .isEqualTo("ReadWriteMany");
        Files.writeString(patch, "[{op: remove, path: /spec/accessModes/1}]");
        assertThatThrownBy(() -> Kustomize.render(directory)).hasMessageContaining("nothing to remove");
        Files.writeString(patch, "[{op: test, path: /spec/accessModes/0, value: ReadWriteMany}]");
        assertThatThrownBy(() -> Kustomize.render(directory)).hasMessageContaining("fails: it is");
        Files.writeString(patch, "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: b}}");
        assertThatThrownBy(() -> Kustomize.render(directory)).hasMessageContaining("nothing to patch");
    }

    private static List<ObjectNode> rendered() {
        return overlays().stream()
                .flatMap(overlay -> Kustomize.render(overlay).stream())
                .toList();
    }

    /** Those of the files, and those that patches of overlays make of them. */
    private static List<JsonNode> allPods() {
        return Stream.concat(allManifests(), rendered().stream())
                .flatMap(object -> podSpecs(object).stream())
                .toList();
    }

    @Test
    void noPodMayRunAsRootOrGainRights() {
        // Three pod templates, the History Server, and driver and executor of either operator.
        assertThat(allManifests().flatMap(manifest -> podSpecs(manifest).stream()))
                .hasSize(8);
        for (JsonNode pod : allPods()) {
            assertThat(pod.at("/securityContext/runAsNonRoot").asBoolean()).isTrue();
            assertThat(pod.at("/securityContext/runAsUser").asInt()).isPositive();
            assertThat(pod.at("/securityContext/seccompProfile/type").asText()).isEqualTo("RuntimeDefault");
            for (String host : List.of("hostNetwork", "hostPID", "hostIPC")) {
                assertThat(pod.path(host).asBoolean()).as(host).isFalse();
            }
            assertThat(pod.has("automountServiceAccountToken")).isTrue();
            List<JsonNode> containers = new ArrayList<>();
            pod.path("containers").forEach(containers::add);
            pod.path("initContainers").forEach(containers::add);
            for (JsonNode container : containers) {
                JsonNode context = container.path("securityContext");
                assertThat(context.path("allowPrivilegeEscalation").asBoolean(true))
                        .isFalse();
                assertThat(context.path("readOnlyRootFilesystem").asBoolean()).isTrue();
                assertThat(context.path("capabilities").toString()).isEqualTo("{\"drop\":[\"ALL\"]}");
                // Nothing else, since a container's word stands above its pod's.
                assertThat(fieldNames(context))
                        .isSubsetOf("allowPrivilegeEscalation", "readOnlyRootFilesystem", "capabilities");
            }
            for (JsonNode volume : pod.path("volumes")) {
                assertThat(volume.has("hostPath")).isFalse();
                if (volume.has("emptyDir")) {
                    assertThat(volume.at("/emptyDir/sizeLimit").asText()).isNotEmpty();
                }
            }
        }
    }

    @Test
    void onlyTheDriverHoldsAToken() {
        for (JsonNode pod : allPods()) {
            String name = pod.at("/containers/0/name").asText();
            assertThat(pod.path("automountServiceAccountToken").asBoolean())
                    .as(name)
                    .isEqualTo(name.contains("driver"));
            assertThat(pod.path("serviceAccountName").asText("powersweep-executor"))
                    .as(name)
                    .isEqualTo("powersweep-executor");
        }
        String prefix = "spark.kubernetes.authenticate.";
        List<Map<String, String>> settings = new ArrayList<>();
        settings.add(Deployment.settings(KUBERNETES.resolve("spark-submit/cpu.conf")));
        settings.add(Deployment.settings(KUBERNETES.resolve("spark-submit/gpu.conf")));
        rendered().stream()
                .filter(object -> object.path("kind").asText().equals("SparkApplication"))
                .forEach(application -> {
                    Map<String, String> conf = new HashMap<>();
                    // Kubeflow's operator has a field of its own for the driver's.
                    if (application.at("/spec/driver").has("serviceAccount")) {
                        conf.put(
                                prefix + "driver.serviceAccountName",
                                application.at("/spec/driver/serviceAccount").asText());
                    }
                    application
                            .at("/spec/sparkConf")
                            .fields()
                            .forEachRemaining(entry ->
                                    conf.put(entry.getKey(), entry.getValue().asText()));
                    settings.add(conf);
                });
        assertThat(settings).hasSizeGreaterThan(6).allSatisfy(conf -> assertThat(conf)
                .containsEntry(prefix + "driver.serviceAccountName", "powersweep-driver")
                .containsEntry(prefix + "executor.serviceAccountName", "powersweep-executor"));
        JsonNode executors = allManifests()
                .filter(manifest -> manifest.at("/metadata/name").asText().equals("powersweep-executor"))
                .findFirst()
                .orElseThrow();
        assertThat(executors.path("automountServiceAccountToken").asBoolean(true))
                .isFalse();
    }

    @Test
    void everyContainerThatWeSizeOurselvesStatesItsLimits() {
        for (JsonNode manifest : allManifests()
                .filter(each -> each.path("kind").asText().equals("Deployment"))
                .toList()) {
            for (JsonNode container : manifest.at("/spec/template/spec/containers")) {
                assertThat(container.at("/resources/limits/memory").asText()).isNotEmpty();
                assertThat(container.at("/resources/limits/cpu").asText()).isNotEmpty();
                assertThat(container.at("/resources/requests/memory").asText()).isNotEmpty();
                assertThat(container.has("readinessProbe")).isTrue();
                assertThat(container.has("livenessProbe")).isTrue();
            }
        }
        JsonNode kubeflow = sparkApplications().get("sparkoperator.k8s.io/v1beta2");
        for (String role : List.of("driver", "executor")) {
            assertThat(kubeflow.at("/spec/" + role + "/memory").asText()).isNotEmpty();
            assertThat(kubeflow.at("/spec/" + role + "/memoryOverhead").asText())
                    .isNotEmpty();
            assertThat(kubeflow.at("/spec/" + role + "/coreLimit").asText()).isNotEmpty();
        }
        assertThat(fieldNames(sparkApplications().get("spark.apache.org/v1").at("/spec/sparkConf")))
                .contains("spark.executor.memory", "spark.executor.memoryOverhead", "spark.driver.memoryOverhead");
    }

    @Test
    void everyImageIsOursAtThisVersion() {
        String version = Deployment.text(Deployment.ROOT.resolve("pom.xml"))
                .lines()
                .filter(line -> line.strip().startsWith("<version>"))
                .findFirst()
                .orElseThrow()
                .replaceAll("\\s*</?version>|-SNAPSHOT", "");
        Set<String> images = new LinkedHashSet<>();
        for (Path file : Deployment.files(KUBERNETES, "")) {
            Deployment.text(file)
                    .lines()
                    .filter(line -> line.contains("ghcr.io/"))
                    .forEach(line -> images.add(line.replaceAll(".*(ghcr\\.io/[^\\s\"]+).*", "$1")));
        }
        assertThat(images)
                .containsExactlyInAnyOrder(
                        "ghcr.io/example/powersweep:" + version, "ghcr.io/example/powersweep:" + version + "-cuda");
    }

    @Test
    void bothOperatorsRunUnderTheSettingsOfTheConfDirectory() {
        Map<String, String> wanted = new LinkedHashMap<>(Deployment.settings(CONF.resolve("sweep.conf")));
        wanted.putAll(Deployment.settings(CONF.resolve("secure.conf")));
        sparkApplications().forEach((version, application) -> {
            JsonNode conf = application.at("/spec/sparkConf");
            wanted.forEach((name, value) -> assertThat(conf.path(name).asText())
                    .as("%s: %s", version, name)
                    .isEqualTo(value));
        });
    }

    /** A pod's limit alone is not known to Spark's scheduler, and the Kubeflow operator's own field sets no more. */
    @ParameterizedTest
    @ValueSource(strings = {"kubeflow/gpu/gpu.yaml", "apache/gpu/gpu.yaml", "spark-submit/gpu.conf"})
    void sparkItselfSchedulesTheGpus(String file) {
        Path path = KUBERNETES.resolve(file);
        Map<String, String> conf = new LinkedHashMap<>();
        if (file.endsWith(".conf")) {
            conf.putAll(Deployment.settings(path));
        } else {
            Deployment.documents(Deployment.text(path))
                    .get(0)
                    .at("/spec/sparkConf")
                    .fields()
                    .forEachRemaining(
                            entry -> conf.put(entry.getKey(), entry.getValue().asText()));
        }
        assertThat(conf)
                .containsEntry("spark.executor.resource.gpu.amount", "1")
                .containsEntry("spark.executor.resource.gpu.vendor", "nvidia.com")
                .containsEntry("spark.task.resource.gpu.amount", "1")
                // The trainer in the application jar drives the card; another jar is for cards that it does not cover.
                .doesNotContainKey("spark.powersweep.trainerJar");
        String script = conf.get("spark.executor.resource.gpu.discoveryScript");
        assertThat(script).startsWith("/opt/powersweep/");
        assertThat(Deployment.ROOT.resolve(script.substring("/opt/powersweep/".length())))
                .isExecutable();
    }

    @Test
    void theNetworkPolicyOpensThePortsThatSparkIsTold() {
        Set<Integer> open = new LinkedHashSet<>();
        allManifests()
                .filter(manifest -> manifest.path("kind").asText().equals("NetworkPolicy"))
                .forEach(manifest -> Deployment.walk(manifest, node -> {
                    if (node.path("port").isInt()) {
                        open.add(node.path("port").asInt());
                    }
                }));
        for (String name : List.of("spark.driver.port", "spark.driver.blockManager.port", "spark.blockManager.port")) {
            for (JsonNode application : sparkApplications().values()) {
                assertThat(open)
                        .contains(Integer.valueOf(
                                application.at("/spec/sparkConf").path(name).asText()));
            }
            for (String kind : List.of("cpu", "gpu")) {
                assertThat(open)
                        .contains(Integer.valueOf(
                                Deployment.settings(KUBERNETES.resolve("spark-submit/" + kind + ".conf"))
                                        .get(name)));
            }
        }
        assertThat(allManifests()
                        .filter(manifest ->
                                manifest.at("/metadata/name").asText().equals("default-deny")))
                .singleElement()
                .satisfies(deny -> {
                    assertThat(deny.at("/spec/podSelector").isEmpty()).isTrue();
                    assertThat(deny.at("/spec/policyTypes").toString()).isEqualTo("[\"Ingress\",\"Egress\"]");
                    assertThat(fieldNames(deny.path("spec"))).containsExactly("podSelector", "policyTypes");
                });
    }

    @Test
    void noPodIsLetOutToTheWorldUnasked() {
        allManifests()
                .filter(manifest -> manifest.path("kind").asText().equals("NetworkPolicy"))
                .forEach(policy -> policy.at("/spec/egress").forEach(rule -> {
                    String name = policy.at("/metadata/name").asText();
                    assertThat(rule.path("to")).as(name).isNotEmpty();
                    // Private addresses, and those of documentation, which lead nowhere.
                    assertThat(rule.findValuesAsText("cidr"))
                            .as(name)
                            .isSubsetOf(
                                    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "192.0.2.0/24");
                    if (!rule.findValuesAsText("cidr").isEmpty()) {
                        assertThat(policy.at("/spec/podSelector/matchLabels").isEmpty())
                                .as(name)
                                .isFalse();
                    }
                    if (name.equals("driver-to-api-server")) {
                        assertThat(policy.at("/spec/podSelector/matchLabels/spark-role")
                                        .asText())
                                .isEqualTo("driver");
                    }
                }));
    }

    @Test
    void noPodIsReachedButByPodsThatCarryALabelForIt() {
        Set<String> names = new LinkedHashSet<>();
        allManifests()
                .filter(manifest -> manifest.path("kind").asText().equals("NetworkPolicy"))
                .forEach(policy -> policy.at("/spec/ingress").forEach(rule -> {
                    String name = policy.at("/metadata/name").asText();
                    names.add(name);
                    assertThat(policy.at("/spec/podSelector").isEmpty())
                            .as(name)
                            .isFalse();
                    assertThat(rule.path("from")).as(name).isNotEmpty().allSatisfy(from -> {
                        JsonNode pods = from.path("podSelector");
                        assertThat(pods.path("matchLabels").size()
                                        + pods.path("matchExpressions").size())
                                .isPositive();
                    });
                    assertThat(rule.path("ports")).as(name).isNotEmpty();
                }));
        assertThat(names).containsExactlyInAnyOrder("spark", "driver-ui", "history-server");
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void everyOverlayHasTheNamespacesOwnShields(Path directory) {
        Map<String, JsonNode> objects = new LinkedHashMap<>();
        Kustomize.render(directory)
                .forEach(object -> objects.put(
                        object.path("kind").asText() + " "
                                + object.at("/metadata/name").asText(),
                        object));
        assertThat(objects)
                .containsKeys(
                        "ValidatingAdmissionPolicy powersweep-driver-pods",
                        "ValidatingAdmissionPolicyBinding powersweep-driver-pods",
                        "NetworkPolicy default-deny",
                        "NetworkPolicy driver-to-api-server");
        assertThat(objects.get("Namespace powersweep")
                        .at("/metadata/labels")
                        .path("pod-security.kubernetes.io/enforce")
                        .asText())
                .isEqualTo("restricted");
        assertThat(fieldNames(objects.get("ResourceQuota powersweep").at("/spec/hard")))
                .contains("pods", "requests.cpu", "requests.memory", "requests.nvidia.com/gpu");
        assertThat(objects.get("LimitRange powersweep").at("/spec/limits/0/default"))
                .hasSize(2);
        Deployment.walk(Deployment.JSON.valueToTree(objects), node -> {
            if (node.has("secretRef")) {
                assertThat(node.at("/secretRef/name").asText()).isEqualTo("powersweep-s3");
            }
            assertThat(node.has("secretKeyRef")).isFalse();
        });
    }

    @Test
    void noRoleReadsSecretsMakesTokensOrEntersPods() {
        Set<String> resources = new LinkedHashSet<>();
        allManifests()
                .filter(manifest -> manifest.path("kind").asText().endsWith("Role"))
                .forEach(role -> role.path("rules").forEach(rule -> {
                    rule.path("resources").forEach(resource -> resources.add(resource.asText()));
                    assertThat(rule.path("verbs").toString()).doesNotContain("*", "impersonate", "escalate", "bind");
                    assertThat(rule.path("apiGroups").toString()).isEqualTo("[\"\"]");
                }));
        assertThat(resources).containsExactlyInAnyOrder("pods", "services", "configmaps", "persistentvolumeclaims");
        assertThat(allManifests().map(manifest -> manifest.path("kind").asText()))
                .doesNotContain("ClusterRole", "ClusterRoleBinding");
        assertThat(allManifests()
                        .filter(manifest -> manifest.path("kind").asText().equals("RoleBinding")))
                .singleElement()
                .satisfies(binding -> {
                    assertThat(binding.at("/roleRef/kind").asText()).isEqualTo("Role");
                    assertThat(binding.path("subjects").findValuesAsText("name"))
                            .containsExactly("powersweep-driver");
                });
    }

    /** The policy's own expressions on the pods of our templates and on ones that a stolen driver's token would make. */
    @Test
    void theDriverMayMakeExecutorsButMountNoSecretAndBorrowNoOtherAccount() throws ScriptException {
        JsonNode policy = allManifests()
                .filter(manifest -> manifest.path("kind").asText().equals("ValidatingAdmissionPolicy"))
                .findFirst()
                .orElseThrow();
        JsonNode binding = allManifests()
                .filter(manifest -> manifest.path("kind").asText().equals("ValidatingAdmissionPolicyBinding"))
                .findFirst()
                .orElseThrow();
        assertThat(binding.at("/spec/policyName")).isEqualTo(policy.at("/metadata/name"));
        assertThat(binding.at("/spec/validationActions").toString()).isEqualTo("[\"Deny\"]");
        assertThat(policy.at("/spec/failurePolicy").asText()).isEqualTo("Fail");
        JsonNode matched = policy.at("/spec/matchConstraints");
        assertThat(matched.at("/namespaceSelector/matchLabels").toString())
                .isEqualTo("{\"kubernetes.io/metadata.name\":\"powersweep\"}");
        assertThat(matched.path("resourceRules").toString())
                .isEqualTo("[{\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],"
                        + "\"operations\":[\"CREATE\",\"UPDATE\"],\"resources\":[\"pods\"]}]");
        assertThat(policy.at("/spec/matchConditions")).hasSize(1);
        assertThat(evaluate(
                        policy.at("/spec/matchConditions/0/expression").asText(),
                        Map.of(
                                "request",
                                Map.of(
                                        "userInfo",
                                        Map.of("username", "system:serviceaccount:powersweep:powersweep-driver")))))
                .isTrue();

        List<ObjectNode> executors = new ArrayList<>();
        allManifests().forEach(manifest -> podSpecs(manifest).stream()
                .filter(pod -> pod.at("/containers/0/name").asText().contains("executor"))
                .forEach(pod ->
                        executors.add(((ObjectNode) pod.deepCopy()).put("serviceAccountName", "powersweep-executor"))));
        assertThat(executors).isNotEmpty();
        ObjectNode allowed = executors.get(0).deepCopy();
        ((ObjectNode) allowed.at("/containers/0"))
                .putArray("envFrom")
                .addObject()
                .putObject("secretRef")
                .put("name", "powersweep-s3");
        executors.add(allowed);
        for (ObjectNode executor : executors) {
            assertThat(allows(policy, executor)).as(executor.toString()).isTrue();
        }

        String secretVolume = "{\"name\": \"stolen\", \"secret\": {\"secretName\": \"kept\"}}";
        String projected = "{\"name\": \"stolen\", \"projected\": {\"sources\": [{\"secret\": {\"name\": \"kept\"}}]}}";
        String token =
                "{\"name\": \"stolen\", \"projected\": {\"sources\": [{\"serviceAccountToken\": {\"path\": \"t\"}}]}}";
        String host = "{\"name\": \"stolen\", \"hostPath\": {\"path\": \"/\"}}";
        for (String volume : List.of(secretVolume, projected, token, host)) {
            ObjectNode pod = executors.get(0).deepCopy();
            pod.withArray("volumes").add(json(volume));
            assertThat(allows(policy, pod)).as(volume).isFalse();
        }
        for (String kind : List.of("containers", "initContainers")) {
            ObjectNode variable = executors.get(0).deepCopy();
            variable.withArray(kind)
                    .add(
                            json(
                                    """
                    {"name": "x", "env": [{"name": "K", "valueFrom": {"secretKeyRef": {"name": "kept", "key": "k"}}}]}"""));
            assertThat(allows(policy, variable)).as(kind).isFalse();
            ObjectNode environment = executors.get(0).deepCopy();
            environment
                    .withArray(kind)
                    .add(json("""
                    {"name": "x", "envFrom": [{"secretRef": {"name": "kept"}}]}"""));
            assertThat(allows(policy, environment)).as(kind).isFalse();
        }
        for (String account : List.of("powersweep-driver", "default", "")) {
            ObjectNode pod = executors.get(0).deepCopy();
            if (account.isEmpty()) {
                pod.remove("serviceAccountName");
            } else {
                pod.put("serviceAccountName", account);
            }
            assertThat(allows(policy, pod)).as(account).isFalse();
        }
    }

    private static JsonNode json(String text) {
        return Deployment.documents(text).get(0);
    }

    private static boolean allows(JsonNode policy, JsonNode pod) throws ScriptException {
        Map<String, Object> known = new HashMap<>();
        known.put("object", Map.of("spec", Deployment.JSON.convertValue(pod, Map.class)));
        Map<String, Object> variables = new HashMap<>();
        for (JsonNode variable : policy.at("/spec/variables")) {
            variables.put(
                    variable.path("name").asText(),
                    script(variable.path("expression").asText()).execute(List.class, known));
        }
        known.put("variables", variables);
        for (JsonNode validation : policy.at("/spec/validations")) {
            if (!evaluate(validation.path("expression").asText(), known)) {
                return false;
            }
        }
        return true;
    }

    private static boolean evaluate(String expression, Map<String, Object> known) throws ScriptException {
        return script(expression).execute(Boolean.class, known);
    }

    private static Script script(String expression) throws ScriptException {
        return ScriptHost.newBuilder()
                .build()
                .buildScript(expression)
                .withDeclarations(Stream.of("object", "request", "variables")
                        .map(name -> Decls.newVar(name, Decls.Dyn))
                        .toList())
                .build();
    }

    @Test
    void noManifestHoldsASecret() {
        for (Path file : Deployment.files(Deployment.ROOT.resolve("deploy"), "")) {
            assertThat(Deployment.text(file).lines())
                    .as("%s", file)
                    .noneMatch(line -> line.matches(
                            "(?i).*(password|secret[._]?key|access[._]?key)\\s*[:= ]\\s*[\"']?[A-Za-z0-9/+]{8,}.*"))
                    .noneMatch(line -> line.strip().equals("kind: Secret"));
        }
    }

    private static List<String> fieldNames(JsonNode node) {
        List<String> names = new ArrayList<>();
        node.fieldNames().forEachRemaining(names::add);
        return names;
    }

    private static boolean onPath(String command) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator, -1))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, command)));
    }
}
