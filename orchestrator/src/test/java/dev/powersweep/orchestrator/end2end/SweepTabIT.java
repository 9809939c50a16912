package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.ROOT;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.powersweep.orchestrator.end2end.PowerSweepProcess.Result;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The Sweep tab of a real sweep on separate processes: beside it while it runs, and in Spark's History Server when it has
 * ended.
 */
class SweepTabIT {
    /** A directory's name is the user's. */
    private static final String MARKUP = "<img src=x onerror=alert(1)>";

    private static final List<Path> BROWSERS = List.of(
            Path.of("/usr/bin/chromium"), Path.of("/usr/bin/google-chrome"), Path.of("/usr/bin/chromium-browser"));

    private final HttpClient http =
            HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL).build();

    @TempDir
    Path folder;

    @Test
    void cellsAreSeenToTrainOnAClusterAndTheirCurvesAreInTheHistoryServerAfterwards() throws Exception {
        Path events = Files.createDirectories(folder.resolve("events"));
        int port = freePort();
        // Two slots, whatever Spark's parallelism is said to be.
        String options = "--conf spark.ui.port=" + port + " --conf spark.eventLog.enabled=true"
                + " --conf spark.eventLog.dir=" + events.toUri()
                + " --conf spark.ui.contentSecurityPolicy.enabled=true"
                + " --conf spark.executor.memory=600m --conf spark.executor.cores=1 --conf spark.cores.max=2"
                + " --conf spark.default.parallelism=16";
        try (LoopbackCluster cluster = LoopbackCluster.start(folder.resolve("cluster"), 2, Map.of())) {
            CompletableFuture<Result> run = CompletableFuture.supplyAsync(() -> PowerSweepProcess.run(
                    Map.of("POWERSWEEP_SUBMIT_OPTIONS", options, "SPARK_LOCAL_IP", "127.0.0.1"),
                    "bin/powersweep",
                    "run",
                    ROOT.resolve("orchestrator/src/test/resources/end2end/tiny.yaml"),
                    "--set",
                    // Long enough for a browser to start on a busy machine.
                    "grid.dataSizes=[256k, 2M]",
                    "--set",
                    "run.reportSeconds=0.4",
                    "--output",
                    folder.resolve(MARKUP),
                    "--master",
                    cluster.url()));
            watched("http://127.0.0.1:" + port, run);
            run.get(10, TimeUnit.MINUTES).orFail();
        }
        inTheHistoryServer(events);
    }

    private void watched(String live, CompletableFuture<Result> run) throws Exception {
        JsonNode running = awaited(
                live + "/sweep/json/", json -> json.at("/states/RUNNING").asInt() > 0, run);
        assertThat(running.at("/sweep").asText()).isEqualTo("tiny");
        assertThat(running.at("/cells").asInt()).isEqualTo(8);
        assertThat(running.at("/slots").asInt()).isEqualTo(2);
        assertThat(running.at("/states/RUNNING").asInt()).isLessThanOrEqualTo(2);
        JsonNode seen = awaited(
                live + "/sweep/json/", json -> !json.at("/curves/0/loss/3").isMissingNode(), run);
        JsonNode grown = awaited(
                live + "/sweep/json/",
                json -> json.at("/curves/0/loss").size()
                        > seen.at("/curves/0/loss").size(),
                run);
        assertThat(grown.at("/curves/0/cell")).isEqualTo(seen.at("/curves/0/cell"));
        assertThat(grown.at("/states/FINISHED").asInt())
                .as("before the first cell has ended")
                .isZero();
        assertThat(grown.at("/tokensPerSecond").asDouble()).isPositive();
        JsonNode cell = json(live + "/sweep/cell/json/?id="
                        + grown.at("/curves/0/cell").asText())
                .orElseThrow();
        assertThat(cell.at("/step").asLong()).isPositive();
        assertThat(cell.at("/newestLoss").asDouble()).isBetween(1.0, 7.0);
        assertThat(cell.at("/tokensPerSecond").asDouble()).isPositive();
        assertThat(cell.at("/host").asText()).startsWith("127.0.0.");

        String page = get(live + "/sweep/").orElseThrow();
        assertThat(page).contains("<title>PowerSweep tiny - Sweep</title>");
        assertThat(page).contains("data-live=\"yes\"").contains("&lt;img src").doesNotContain(MARKUP);
        String name = cell.at("/name").asText();
        assertThat(name).endsWith("-s0");
        assertThat(page).contains(name);
        assertThat(get(live + "/jobs/").orElseThrow())
                .as("the stock page names cells")
                .contains("-b1024-s0");
        assertThat(get(live + "/metrics/prometheus").orElseThrow())
                .contains("powersweep_cells_total_Value{type=\"gauges\"} 8")
                .contains("powersweep_slots_Value{type=\"gauges\"} 2");
        seenByABrowser(live + "/sweep/");
    }

    private void inTheHistoryServer(Path events) throws Exception {
        Path server = folder.resolve("history");
        String history = PowerSweepProcess.run(
                        Map.of(),
                        "deploy/standalone/start-history-server.sh",
                        "--events",
                        events,
                        "--port",
                        freePort(),
                        "--dir",
                        server)
                .orFail()
                .out()
                .strip();
        CompletableFuture<Result> over = new CompletableFuture<>();
        try {
            JsonNode applications = awaited(history + "/api/v1/applications", json -> !json.isEmpty(), over);
            String base = history + "/history/" + applications.at("/0/id").asText();
            JsonNode ended = awaited(base + "/sweep/json/", json -> json.has("states"), over);
            assertThat(ended.at("/running").asBoolean()).isFalse();
            assertThat(ended.at("/states/FINISHED").asInt()).isEqualTo(8);
            // A point a report: cells that last two seconds have a few, those of 2M tokens several.
            assertThat(ended.at("/curves")).hasSizeGreaterThan(3).allSatisfy(curve -> assertThat(curve.at("/loss"))
                    .hasSizeGreaterThan(curve.at("/name").asText().contains("-d2M-") ? 3 : 0));
            assertThat(ended.at("/fit/cells").asInt()).isEqualTo(8);
            assertThat(get(base + "/sweep/").orElseThrow())
                    .contains("data-live=\"no\"")
                    .contains("&lt;img src")
                    .doesNotContain(MARKUP);
            assertThat(get(base + "/sweep/script/sweep.js").orElseThrow()).contains("'use strict'");
            seenByABrowser(base + "/sweep/");
        } finally {
            PowerSweepProcess.run(Map.of(), "deploy/standalone/stop-cluster.sh", server);
        }
    }

    /** Where there is a browser: scripts have run, the page's drawings are there, and no markup of the user's is. */
    private void seenByABrowser(String url) throws Exception {
        Optional<Path> browser = BROWSERS.stream().filter(Files::isExecutable).findFirst();
        if (browser.isEmpty()) {
            return;
        }
        Path dom = folder.resolve("dom.html");
        Process process = new ProcessBuilder(
                        browser.get().toString(),
                        "--headless",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--user-data-dir=" + folder.resolve("browser"),
                        "--window-size=1280,1500",
                        "--virtual-time-budget=4000",
                        "--dump-dom",
                        url)
                .redirectOutput(dom.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
        assertThat(Files.readString(dom))
                .contains("id=\"sweep\"")
                .contains("<svg")
                .contains("Loss curves")
                .contains("&lt;img src")
                .doesNotContain(MARKUP);
    }

    private JsonNode awaited(String url, Predicate<JsonNode> wanted, CompletableFuture<Result> run) throws Exception {
        long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(10);
        while (System.nanoTime() < end) {
            Optional<JsonNode> json = json(url);
            if (json.isPresent() && wanted.test(json.get())) {
                return json.get();
            }
            if (run.isDone()) {
                run.get().orFail();
            }
            TimeUnit.MILLISECONDS.sleep(200);
        }
        throw new AssertionError("nothing of the kind at " + url + " within 10 minutes");
    }

    private Optional<JsonNode> json(String url) throws Exception {
        Optional<String> text = get(url);
        // Until the application is up Spark answers with a sentence.
        return text.isPresent() && text.get().matches("(?s)[{\\[].*")
                ? Optional.of(new ObjectMapper().readTree(text.get()))
                : Optional.empty();
    }

    private Optional<String> get(String url) throws InterruptedException {
        try {
            HttpResponse<String> response =
                    http.send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString());
            return response.statusCode() == 200 ? Optional.of(response.body()) : Optional.empty();
        } catch (IOException notUpYet) {
            return Optional.empty();
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
