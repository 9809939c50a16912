package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.ROOT;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code powersweep view} beside a sweep whose driver is killed and goes on, looked at by a browser. */
@Tag("nightly")
class ViewIT {
    private static final List<Path> BROWSERS = List.of(
            Path.of("/usr/bin/chromium"), Path.of("/usr/bin/google-chrome"), Path.of("/usr/bin/chromium-browser"));
    /** A directory's name is the user's. */
    private static final String MARKUP = "<img src=x onerror=alert(1)>";

    private final HttpClient http = HttpClient.newHttpClient();

    @TempDir
    Path folder;

    @Test
    void aSweepIsWatchedWhileItsDriverIsKilledAndGoesOn() throws Exception {
        Path sweep = folder.resolve(MARKUP);
        try (Daemon first = driver(
                "first",
                "run",
                ROOT.resolve("orchestrator/src/test/resources/end2end/tiny.yaml")
                        .toString(),
                "--set",
                "grid.dataSizes=[256k, 2M]",
                "--set",
                "run.reportSeconds=0.4",
                "--output",
                sweep.toString())) {
            first.await("(?m)running");
            try (Daemon view = Daemon.start(
                    "view",
                    folder.resolve("view.log"),
                    Map.of(),
                    List.of(ROOT.resolve("bin/powersweep").toString(), "view", sweep.toString()))) {
                String pages =
                        view.await("(?m)^(http://127\\.0\\.0\\.1:\\d+/)$").group(1) + "sweep/";
                watched(pages, first, sweep);
                assertThat(view.alive()).isTrue();
                String log = view.log();
                assertThat(log).doesNotContain("WARN").doesNotContain("ERROR");
            }
        }
    }

    private void watched(String pages, Daemon first, Path sweep) throws Exception {
        JsonNode running =
                awaited(pages + "json/", json -> json.at("/states/RUNNING").asInt() == 2, first);
        assertThat(running.at("/sweep").asText()).isEqualTo("tiny");
        assertThat(running.at("/cells").asInt()).isEqualTo(8);
        JsonNode seen =
                awaited(pages + "json/", json -> json.at("/curves/0/loss").size() > 1, first);
        String id = seen.at("/curves/0/cell").asText();
        JsonNode grown = awaited(
                pages + "cell/json/?id=" + id,
                json -> json.at("/curve/loss").size()
                        > seen.at("/curves/0/loss").size(),
                first);
        assertThat(grown.at("/step").asLong()).isPositive();
        seenByABrowser(pages, "as of");

        first.kill();
        JsonNode dead = awaited(pages + "json/", json -> !json.at("/running").asBoolean(), first);
        assertThat(dead.at("/states/RUNNING").asInt()).isZero();
        assertThat(dead.at("/states/INTERRUPTED").asInt()).isPositive();
        seenByABrowser(pages, "No driver lives.");

        try (Daemon second = driver("second", "rerun", sweep.toString())) {
            awaited(pages + "json/", json -> json.at("/running").asBoolean(), second);
            assertThat(second.awaitEnd(600)).isZero();
        }
        JsonNode done =
                awaited(pages + "json/", json -> json.at("/states/FINISHED").asInt() == 8, first);
        assertThat(done.at("/stopped").isNull()).isTrue();
        JsonNode fitted = awaited(pages + "json/", json -> json.at("/fit/cells").asInt() == 8, first);
        assertThat(fitted.at("/throughput/tokensPerSecond").size()).isPositive();
        awaited(pages + "json/", json -> json.at("/curves").size() == 8, first);
        seenByABrowser(pages, "data-live=\"seldom\"");
    }

    private Daemon driver(String name, String... arguments) {
        List<String> command =
                new java.util.ArrayList<>(List.of(ROOT.resolve("bin/powersweep").toString()));
        command.addAll(List.of(arguments));
        command.addAll(List.of("--master", "local[2]"));
        return Daemon.start(name, folder.resolve(name + ".log"), Map.of(), command);
    }

    /** Where there is a browser: scripts have run, the page's drawings are there, and no markup of the user's is. */
    private void seenByABrowser(String url, String wanted) throws Exception {
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
                .contains(wanted)
                .doesNotContain(MARKUP);
    }

    /** @param driver whose log is told where nothing comes */
    private JsonNode awaited(String url, Predicate<JsonNode> wanted, Daemon driver) throws Exception {
        long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(5);
        String last = "";
        while (System.nanoTime() < end) {
            last = get(url);
            JsonNode json = new ObjectMapper().readTree(last);
            if (wanted.test(json)) {
                return json;
            }
            TimeUnit.MILLISECONDS.sleep(200);
        }
        throw new AssertionError(
                "nothing of the kind at " + url + " within 5 minutes, but " + last + "\n" + driver.log());
    }

    private String get(String url) throws IOException, InterruptedException {
        HttpResponse<String> response =
                http.send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString());
        assertThat(response.statusCode()).as(url).isEqualTo(200);
        return response.body();
    }
}
