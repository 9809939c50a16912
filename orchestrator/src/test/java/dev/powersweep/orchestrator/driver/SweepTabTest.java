package dev.powersweep.orchestrator.driver;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.driver.StandInTrainer.Trouble;
import dev.powersweep.orchestrator.grid.GridCell;
import dev.powersweep.orchestrator.plan.PlannedCell;
import dev.powersweep.orchestrator.plan.SweepPlan;
import dev.powersweep.orchestrator.publish.SweepPlugin;
import dev.powersweep.orchestrator.publish.SweepProgress;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.worker.cell.Cell;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Sweep tab of a living Spark, over HTTP, while trainer processes run. */
class SweepTabTest {
    private static final String MARKUP = "<script>alert(1)</script>";

    private final HttpClient http =
            HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL).build();

    @TempDir
    Path folder;

    private String pages = "";

    @Test
    void theTabShowsCellsWhileTheyRunAndWhyOthersFailed() throws Exception {
        Path log = Files.createDirectories(folder.resolve("events"));
        try (JavaSparkContext spark = new JavaSparkContext(new SparkConf()
                .setMaster("local[2]")
                .setAppName("tab")
                .set("spark.ui.port", "0")
                .set("spark.driver.host", "127.0.0.1")
                .set("spark.driver.bindAddress", "127.0.0.1")
                .set("spark.eventLog.enabled", "true")
                .set("spark.eventLog.rolling.enabled", "false")
                .set("spark.eventLog.compress", "false")
                .set("spark.eventLog.dir", log.toUri().toString())
                .set(
                        "spark.metrics.conf.driver.sink.prometheusServlet.class",
                        "org.apache.spark.metrics.sink.PrometheusServlet")
                .set("spark.metrics.conf.driver.sink.prometheusServlet.path", "/metrics/prometheus")
                .set("spark.plugins", SweepPlugin.class.getName())
                .set(SweepRunner.TRAINER_JAR, Sweeps.trainerJar(folder).toString()))) {
            pages = spark.sc().uiWebUrl().get();
            assertThat(get("/sweep/")).contains("No sweep has begun");
            SweepPlan plan = plan(
                    Sweeps.cell(1, 12, Trouble.HAS_A_BUG),
                    Sweeps.cell(1, 12, Trouble.ABORTS_ONCE),
                    Sweeps.cell(1, 12, Trouble.DIVERGES),
                    Sweeps.cell(2, 12, Trouble.NONE),
                    Sweeps.cell(3, 12, Trouble.NONE),
                    Sweeps.cell(4, 12, Trouble.NONE),
                    Sweeps.cell(1, 80, Trouble.IS_SLOW));
            Path root = folder.resolve("sweep");
            Files.createDirectories(root.resolve("corpus/" + Sweeps.CORPUS));
            SweepDirectory directory = SweepDirectory.at(root.toString(), new Configuration());
            Watcher watcher = new Watcher();
            new SweepRunner(spark).run(plan, directory, watcher);

            assertThat(watcher.failure.get()).isNull();
            String slow = plan.cells().get(6).gridCell().cell().id();
            assertThat(watcher.states)
                    .anyMatch(json -> json.at("/states/RUNNING").asInt() > 0
                            && json.at("/curves").findValuesAsText("cell").contains(slow));
            assertThat(watcher.jobs)
                    .as("the stock page names each cell, as text")
                    .anyMatch(page -> page.contains("n12288-d10240-s9") && page.contains(slow));
            assertThat(watcher.jobs).allMatch(page -> !page.contains(MARKUP));
            assertThat(watcher.metrics)
                    .anyMatch(text -> text.contains("_driver_powersweep_cells_running_Value{type=\"gauges\"} 1")
                            || text.contains("_driver_powersweep_cells_running_Value{type=\"gauges\"} 2"));

            spark.sc().listenerBus().waitUntilEmpty();
            JsonNode json = json("/sweep/json/");
            assertThat(json.at("/running").asBoolean()).isFalse();
            assertThat(json.at("/states/FINISHED").asInt()).isEqualTo(5);
            assertThat(json.at("/states/FAILED").asInt()).isEqualTo(1);
            assertThat(json.at("/states/DIVERGED").asInt()).isEqualTo(1);
            assertThat(json.at("/failures").findValuesAsText("class")).containsExactly("BUG", "NATIVE_CRASH");
            assertThat(json.at("/failures/0/newest/0/message").asText()).isEqualTo("index 3 out of bounds");
            assertThat(json.at("/failures/0/newest/0/lastLines").asText()).contains("at Trainer.step");
            assertThat(root.resolve(json.at("/failures/0/newest/0/log").asText()))
                    .isNotEmptyFile();
            assertThat(json.at("/failures/1/newest/0/lastLines").asText()).contains("attempt 1");
            assertThat(json.at("/fit/cells").asInt()).isEqualTo(5);

            String page = get("/sweep/");
            assertThat(page)
                    .contains("<svg")
                    .contains("trial")
                    .contains("index 3 out of bounds")
                    .contains("&lt;script&gt;alert(1)")
                    .doesNotContain(MARKUP);
            assertThat(get("/sweep/cells/?state=FAILED"))
                    .contains("index 3 out of bounds")
                    .contains("1 cells");
            assertThat(get("/sweep/cell/?id=" + slow)).contains("80 steps");
            assertThat(json("/sweep/cells/json/?state=FINISHED").at("/cells")).hasSize(5);
            assertThat(json("/sweep/cell/json/?id=" + slow).at("/curve/loss").size())
                    .isGreaterThan(3);
            assertThat(get("/sweep/script/sweep.js")).contains("'use strict'");
            assertThat(get("/metrics/prometheus"))
                    .contains("powersweep_cells_finished_Value{type=\"gauges\"} 5")
                    .contains("powersweep_failures_NATIVE_CRASH_Value{type=\"gauges\"} 1");
        }
        List<String> events;
        try (var files = Files.list(log)) {
            events = Files.readAllLines(files.findFirst().orElseThrow()).stream()
                    .filter(line -> line.contains("SweepEvent"))
                    .toList();
        }
        assertThat(events).hasSizeBetween(5, 100).noneMatch(line -> line.contains("SweepEvent$Measured"));
    }

    /** Asks for the pages as a browser would, once a tick. */
    private final class Watcher implements SweepProgress {
        private final List<JsonNode> states = Collections.synchronizedList(new ArrayList<>());
        private final List<String> jobs = Collections.synchronizedList(new ArrayList<>());
        private final List<String> metrics = Collections.synchronizedList(new ArrayList<>());
        private final AtomicReference<Exception> failure = new AtomicReference<>();

        @Override
        public void now(Numbers numbers) {
            try {
                states.add(json("/sweep/json/"));
                jobs.add(get("/jobs/"));
                metrics.add(get("/metrics/prometheus"));
            } catch (Exception e) {
                failure.set(e);
            }
        }

        @Override
        public void ended(String name, AttemptReport report, Numbers numbers) {}

        @Override
        public void close() {}
    }

    private static SweepPlan plan(Cell... cells) {
        List<PlannedCell> planned = new ArrayList<>();
        for (Cell cell : cells) {
            PlannedCell usual = Sweeps.planned(cell);
            boolean odd =
                    cell.seed() == Trouble.HAS_A_BUG.ordinal() || cell.shape().layers() == 3;
            planned.add(new PlannedCell(
                    new GridCell(odd ? MARKUP + cell.id() : usual.gridCell().name(), cell),
                    usual.predictedSeconds(),
                    usual.memoryBytes()));
        }
        return new SweepPlan("trial", "name: trial\n", Sweeps.CORPUS, planned, Sweeps.POLICY);
    }

    private JsonNode json(String path) throws Exception {
        return new ObjectMapper().readTree(get(path));
    }

    private String get(String path) throws Exception {
        HttpResponse<String> response = http.send(
                HttpRequest.newBuilder(URI.create(pages + path)).build(), HttpResponse.BodyHandlers.ofString());
        assertThat(response.statusCode()).as(path).isEqualTo(200);
        return response.body();
    }
}
