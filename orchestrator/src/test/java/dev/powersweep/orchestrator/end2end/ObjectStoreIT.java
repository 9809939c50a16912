package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.ROOT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.end2end.PowerSweepProcess.Result;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * A sweep whose directory is on S3, run as the deployment guide says on a standalone cluster with a shared secret; and
 * what decides between writers there. Neither the store's key nor the cluster's secret may be seen anywhere.
 */
@Tag("nightly")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ObjectStoreIT {
    private static final Path SPEC = ROOT.resolve("orchestrator/src/test/resources/end2end/tiny.yaml");
    private static final String DIRECTORY = "s3a://sweeps/tiny";
    private static final Pattern APPLICATION = Pattern.compile("\"id\" *: *\"([^\"]+)\"");

    @TempDir
    private static Path folder;

    private static ObjectStore store;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        store = ObjectStore.start(folder.resolve("store"), "sweeps");
    }

    @AfterAll
    static void close() {
        store.close();
    }

    @Test
    @Order(1)
    void aSweepOnAClusterKeepsItsDirectoryInTheStoreAndItsSecretsToItself() throws Exception {
        Path cluster = folder.resolve("cluster");
        Path secret = folder.resolve("cluster.conf");
        Path events = Files.createDirectories(folder.resolve("events"));
        PowerSweepProcess.run(Map.of(), "deploy/standalone/make-secret.sh", secret)
                .orFail();
        String clusterSecret = Files.readAllLines(secret).stream()
                .filter(line -> line.startsWith("spark.authenticate.secret "))
                .findFirst()
                .orElseThrow()
                .split(" ")[1];
        Map<String, String> secrets = Map.of("store's key", ObjectStore.SECRET, "cluster's secret", clusterSecret);
        String master = PowerSweepProcess.run(
                        store.environment(),
                        "deploy/standalone/start-cluster.sh",
                        "--port",
                        freePort(),
                        "--workers",
                        2,
                        "--cores",
                        1,
                        "--dir",
                        cluster,
                        "--properties",
                        secret)
                .orFail()
                .out()
                .strip();
        Map<String, String> seen = new LinkedHashMap<>();
        try {
            int ui = freePort();
            Path settings = Files.writeString(
                    folder.resolve("app.conf"),
                    Files.readString(ROOT.resolve("deploy/conf/sweep.conf")) + Files.readString(secret));
            Map<String, String> environment = new HashMap<>(store.environment());
            environment.put("SPARK_LOCAL_IP", "127.0.0.1");
            environment.put(
                    "POWERSWEEP_SUBMIT_OPTIONS",
                    "--properties-file " + settings + " --conf spark.eventLog.dir=" + events.toUri()
                            + " --conf spark.eventLog.compress=false --conf spark.executor.memory=600m --conf spark.ui.port="
                            + ui);
            try (Daemon driver = Daemon.start(
                    "driver",
                    folder.resolve("driver.log"),
                    environment,
                    List.of(
                            ROOT.resolve("bin/powersweep").toString(),
                            "run",
                            SPEC.toString(),
                            "--output",
                            DIRECTORY,
                            "--master",
                            master))) {
                while (driver.alive()) {
                    seen.put("lists of processes", seen.getOrDefault("lists of processes", "") + commandLines());
                    Matcher application = APPLICATION.matcher(get("http://127.0.0.1:" + ui + "/api/v1/applications"));
                    String environmentPage = application.find()
                            ? "/api/v1/applications/" + application.group(1) + "/environment"
                            : "/environment/";
                    for (String page :
                            List.of(environmentPage, "/executors/", "/sweep/", "/sweep/json/", "/sweep/cells/json/")) {
                        String text = get("http://127.0.0.1:" + ui + page);
                        if (!text.isEmpty()) {
                            seen.put(page, text);
                        }
                    }
                    TimeUnit.MILLISECONDS.sleep(300);
                }
                assertThat(driver.awaitEnd(10)).as(driver.log()).isZero();
                seen.put("the driver's log", driver.log());
            }
        } finally {
            PowerSweepProcess.run(Map.of(), "deploy/standalone/stop-cluster.sh", cluster);
        }
        addFiles(seen, store.bucket("sweeps"));
        addFiles(seen, events);
        addFiles(seen, cluster.resolve("work-1"));
        addFiles(seen, cluster.resolve("work-2"));
        for (String process : List.of("master", "worker-1", "worker-2")) {
            seen.put(process + "'s log", Files.readString(cluster.resolve(process + ".log")));
        }
        // Files of tables are compressed.
        seen.put(
                "the cells table",
                powersweep("query", DIRECTORY, "select * from cells", "--format", "json")
                        .out());

        // That it looked where there was something to see.
        assertThat(seen.get("lists of processes"))
                .contains("CoarseGrainedExecutorBackend")
                .contains("org.apache.spark.deploy.SparkSubmit");
        assertThat(seen.entrySet().stream()
                        .filter(entry -> entry.getKey().startsWith("/api/v1/"))
                        .map(Map.Entry::getValue))
                .singleElement()
                .asString()
                .containsPattern("\"spark.authenticate.secret\",\\s*\"[*]+\\(redacted\\)\"");
        assertThat(seen.get("/sweep/json/")).contains(DIRECTORY);
        assertThat(seen.keySet().stream().filter(name -> name.contains("/tables/steps/")))
                .isNotEmpty();
        assertThat(seen.keySet().stream().filter(name -> name.contains("/logs/")))
                .isNotEmpty();
        assertThat(seen.entrySet().stream()
                        .filter(entry -> entry.getKey().startsWith(events.toString()))
                        .map(Map.Entry::getValue)
                        .collect(Collectors.joining()))
                .contains("SparkListenerEnvironmentUpdate")
                .contains("spark.authenticate.secret");
        secrets.forEach((name, value) -> assertThat(seen.entrySet().stream()
                        .filter(entry -> entry.getValue().contains(value))
                        .map(Map.Entry::getKey))
                .as("where the " + name + " shows")
                .isEmpty());
    }

    @Test
    @Order(2)
    void everyCommandAnswersFromTheStore() throws Exception {
        assertThat(powersweep("status", DIRECTORY).out()).contains("8").contains("finished");
        assertThat(powersweep("query", DIRECTORY, "select state, count(*) as cells from cells group by 1")
                        .out())
                .contains("FINISHED")
                .contains("8");
        assertThat(powersweep("fit", DIRECTORY).err()).doesNotContain("Exception");
        powersweep("report", DIRECTORY);
        assertThat(store.bucket("sweeps").resolve("tiny/report.html")).isNotEmptyFile();
    }

    @Test
    @Order(3)
    void theSameCommandAgainTrainsNothingAndOnDiskTheNumbersAreTheSame() throws Exception {
        String steps = "select cell, step, loss from steps order by 1, 2";
        String before = powersweep("query", DIRECTORY, steps).out();
        assertThat(before.lines().count()).isGreaterThan(100);
        powersweep("run", SPEC, "--output", DIRECTORY, "--master", "local[2]");
        assertThat(powersweep("query", DIRECTORY, "select max(attempts) as attempts from cells")
                        .out())
                .containsPattern("\\b1\\b");
        Path disk = folder.resolve("disk");
        PowerSweepProcess.powersweep("run", SPEC, "--output", disk, "--master", "local[2]")
                .orFail();
        assertThat(PowerSweepProcess.powersweep("query", disk, steps).orFail().out())
                .isEqualTo(before);
    }

    @Test
    @Order(4)
    void ofWritersThatRaceForANameOneTakesItAndTheOthersLearnThatItIsTaken() {
        Path log = folder.resolve("race.log");
        int writers = 4;
        int rounds = 100;
        try (Daemon race = Daemon.start(
                "race",
                log,
                store.environment(),
                Stream.concat(
                                Stream.of(
                                        Path.of(System.getProperty("java.home"), "bin", "java")
                                                .toString(),
                                        "-Xmx512m",
                                        "-cp",
                                        System.getProperty(
                                                        "surefire.test.class.path",
                                                        System.getProperty("java.class.path"))
                                                + ":" + store.clientConfiguration() + ":" + ObjectStore.clientJars()
                                                + "/*",
                                        ConditionalPutRace.class.getName()),
                                Stream.of("s3a://sweeps/race", writers, rounds).map(Object::toString))
                        .toList())) {
            assertThat(race.awaitEnd(180)).as(race.log()).isZero();
            List<String> results =
                    race.log().lines().filter(line -> line.startsWith("took ")).toList();
            assertThat(results).hasSize(rounds);
            assertThat(new TreeSet<>(results))
                    .containsExactly("took 1 refused " + (writers - 1) + " holds the winner's");
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static Result powersweep(Object... arguments) {
        return PowerSweepProcess.run(store.environment(), "bin/powersweep", arguments)
                .orFail();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static String get(String url) throws InterruptedException {
        try {
            return HttpClient.newHttpClient()
                    .send(
                            HttpRequest.newBuilder(URI.create(url))
                                    .timeout(Duration.ofSeconds(5))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString())
                    .body();
        } catch (IOException e) {
            // Not up yet, or down already.
            return "";
        }
    }

    private static String commandLines() throws IOException {
        Pattern number = Pattern.compile("\\d+");
        StringBuilder lines = new StringBuilder();
        try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
            for (Path process : processes.toList()) {
                Matcher pid = number.matcher(process.getFileName().toString());
                if (pid.matches()) {
                    lines.append(LoopbackCluster.commandLine(
                            ProcessHandle.of(Long.parseLong(pid.group())).orElse(ProcessHandle.current())));
                    lines.append('\n');
                }
            }
        }
        return lines.toString();
    }

    private static void addFiles(Map<String, String> seen, Path directory) throws IOException {
        try (Stream<Path> walk = Files.walk(directory)) {
            for (Path file : walk.filter(Files::isRegularFile).toList()) {
                seen.put(file.toString(), new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1));
            }
        }
    }
}
