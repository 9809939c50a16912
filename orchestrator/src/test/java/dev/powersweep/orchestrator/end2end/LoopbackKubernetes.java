package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.ROOT;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.server.mock.KubernetesCrudDispatcher;
import io.fabric8.kubernetes.client.server.mock.KubernetesMockServer;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.fabric8.mockwebserver.Context;
import io.fabric8.mockwebserver.MockWebServer;
import io.fabric8.mockwebserver.dsl.HttpMethod;
import io.fabric8.mockwebserver.http.MockResponse;
import io.fabric8.mockwebserver.http.RecordedRequest;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * What Spark sees of Kubernetes, on loopback: an API server that keeps objects, of the client library's own makers, and a
 * kubelet of ours. A pod of an executor becomes a process with the pod's environment, as the image's entry point would
 * start it; pods of drivers are kept and looked at.
 *
 * <p>Does not cover what a real server adds: admission, quotas, rights, networks, images.
 */
final class LoopbackKubernetes implements AutoCloseable {
    /** Kept, since a logger without references is collected and loses its level; the server tells of every request. */
    private static final Logger REQUESTS = Logger.getLogger("io.fabric8.mockwebserver");

    private final Path folder;
    private final KubernetesMockServer server;
    private final KubernetesClient client;
    private final Map<String, Daemon> executors = new LinkedHashMap<>();
    private final ScheduledExecutorService kubelet = Executors.newSingleThreadScheduledExecutor();

    private LoopbackKubernetes(Path folder) {
        this.folder = folder;
        REQUESTS.setLevel(Level.WARNING);
        server = new KubernetesMockServer(
                new Context(Serialization.jsonMapper()),
                new MockWebServer(),
                new HashMap<>(),
                new ApplyingDispatcher(),
                false);
        server.init();
        client = server.createClient();
        kubelet.scheduleWithFixedDelay(this::reconcile, 0, 200, TimeUnit.MILLISECONDS);
    }

    static LoopbackKubernetes start(Path folder) {
        return new LoopbackKubernetes(folder);
    }

    /** Keeps objects, and makes those that are applied and not there yet, which the library's own leaves out. */
    private static final class ApplyingDispatcher extends KubernetesCrudDispatcher {
        @Override
        public MockResponse handlePatch(RecordedRequest request) {
            String path = request.getPath().replaceFirst("[?].*", "");
            String type = request.getHeader("Content-Type");
            if (type == null
                    || !type.startsWith("application/apply-patch")
                    || handleGet(path).code() != 404) {
                return super.handlePatch(request);
            }
            return handleCreate(new RecordedRequest(
                    "HTTP/1.1",
                    HttpMethod.POST,
                    path.substring(0, path.lastIndexOf('/')),
                    request.getHeaders(),
                    request.getBody()));
        }
    }

    /** For spark-submit's {@code --master}. */
    String master() {
        return "k8s://http://127.0.0.1:" + server.getPort();
    }

    KubernetesClient client() {
        return client;
    }

    /** Every pod of this role that there ever was, newest state; Spark deletes those of executors when it ends. */
    List<Pod> pods(String role) {
        return client.pods()
                .inAnyNamespace()
                .withLabel("spark-role", role)
                .list()
                .getItems();
    }

    private void reconcile() {
        for (Pod pod : pods("executor")) {
            String name = pod.getMetadata().getName();
            Daemon process = executors.get(name);
            if (process == null) {
                executors.put(name, run(pod));
                report(pod, "Running");
            } else if (!process.alive() && !"Succeeded".equals(pod.getStatus().getPhase())) {
                report(pod, "Succeeded");
            }
        }
    }

    private void report(Pod pod, String phase) {
        client.resource(new PodBuilder(pod)
                        .editOrNewStatus()
                        .withPhase(phase)
                        .withPodIP("127.0.0.1")
                        .withStartTime(Instant.now().toString())
                        .endStatus()
                        .build())
                .updateStatus();
    }

    private Daemon run(Pod pod) {
        Container container = pod.getSpec().getContainers().get(0);
        Map<String, String> environment = new HashMap<>();
        for (EnvVar variable : container.getEnv()) {
            environment.put(
                    variable.getName(), variable.getValueFrom() == null ? variable.getValue() : field(pod, variable));
        }
        environment.put("SPARK_LOCAL_IP", "127.0.0.1");
        environment.put("HOME", System.getProperty("user.home"));
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        for (int option = 0; environment.containsKey("SPARK_JAVA_OPT_" + option); option++) {
            command.add(environment.get("SPARK_JAVA_OPT_" + option));
        }
        command.addAll(List.of(
                "-Xmx" + environment.get("SPARK_EXECUTOR_MEMORY"),
                "-cp",
                ROOT.resolve("orchestrator/target/spark/jars") + "/*",
                "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend",
                "--driver-url",
                environment.get("SPARK_DRIVER_URL"),
                "--executor-id",
                environment.get("SPARK_EXECUTOR_ID"),
                "--cores",
                environment.get("SPARK_EXECUTOR_CORES"),
                "--app-id",
                environment.get("SPARK_APPLICATION_ID"),
                "--hostname",
                environment.get("SPARK_EXECUTOR_POD_IP"),
                "--resourceProfileId",
                environment.get("SPARK_RESOURCE_PROFILE_ID"),
                "--podName",
                environment.get("SPARK_EXECUTOR_POD_NAME")));
        String name = pod.getMetadata().getName();
        return Daemon.start(name, folder.resolve(name).resolve("executor.log"), environment, command);
    }

    private static String field(Pod pod, EnvVar variable) {
        String path = variable.getValueFrom().getFieldRef().getFieldPath();
        return switch (path) {
            case "status.podIP" -> "127.0.0.1";
            case "metadata.name" -> pod.getMetadata().getName();
            default -> throw new AssertionError(variable.getName() + " asks for " + path);
        };
    }

    @Override
    public void close() {
        kubelet.shutdownNow();
        executors.values().forEach(Daemon::close);
        client.close();
        server.destroy();
    }
}
