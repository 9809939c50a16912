package dev.powersweep.orchestrator.end2end;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.network.ListeningSocket;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README's commands for a cluster, and the sockets that listen while they run, as the kernel lists them. */
class ListeningIT {
    @TempDir
    Path folder;

    @Test
    void nothingOfAClusterRunListensBeyondLoopbackAndTheMasterTakesNoSubmissionsByRest() throws Exception {
        Map<String, String> environment =
                Map.of("POWERSWEEP_CLUSTER", folder.resolve("cluster").toString());
        Set<ListeningSocket> seen = ConcurrentHashMap.newKeySet();
        ScheduledExecutorService watch = Executors.newSingleThreadScheduledExecutor();
        try {
            watch.scheduleWithFixedDelay(() -> seen.addAll(listening()), 0, 200, TimeUnit.MILLISECONDS);
            String master = PowerSweepProcess.run(
                            environment,
                            "deploy/standalone/start-cluster.sh",
                            "--port",
                            freePort(),
                            "--workers",
                            2,
                            "--cores",
                            1)
                    .orFail()
                    .out()
                    .strip();
            PowerSweepProcess.run(
                            environment,
                            "bin/powersweep",
                            "run",
                            PowerSweepProcess.ROOT.resolve("orchestrator/src/test/resources/end2end/tiny.yaml"),
                            "--master",
                            master,
                            "--output",
                            folder.resolve("sweep"))
                    .orFail();
        } finally {
            PowerSweepProcess.run(environment, "deploy/standalone/stop-cluster.sh");
            watch.shutdown();
            assertThat(watch.awaitTermination(1, TimeUnit.MINUTES)).isTrue();
        }
        assertThat(seen.stream().map(ListeningSocket::name).collect(Collectors.toSet()))
                .contains("Master", "Worker", "CoarseGrainedExecutorBackend", "SparkSubmit");
        assertThat(seen).noneMatch(ListeningSocket::isOpen);
        // RPC and pages.
        assertThat(seen.stream()
                        .filter(socket -> socket.name().equals("Master"))
                        .map(ListeningSocket::address)
                        .distinct())
                .hasSize(2);
    }

    /** Of processes that know this test's folder, by their command or as the directory they work in. */
    private Set<ListeningSocket> listening() {
        return ListeningSocket.ofThisUser().stream()
                .filter(socket -> socket.command().contains(folder.toString())
                        || workingDirectory(socket.process()).startsWith(folder))
                .collect(Collectors.toSet());
    }

    private static Path workingDirectory(long process) {
        try {
            return Files.readSymbolicLink(Path.of("/proc/" + process + "/cwd"));
        } catch (IOException e) {
            return Path.of("/");
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
