package dev.powersweep.orchestrator.viewer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.powersweep.orchestrator.bench.LargeGrid;
import dev.powersweep.orchestrator.bench.LedgerBench;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.Outcome;
import dev.powersweep.orchestrator.dispatch.Reports;
import dev.powersweep.orchestrator.driver.StoredSweep;
import dev.powersweep.orchestrator.ledger.Lease;
import dev.powersweep.orchestrator.ledger.Ledger;
import dev.powersweep.orchestrator.ledger.LiveNumbers;
import dev.powersweep.orchestrator.network.ListeningSocket;
import dev.powersweep.orchestrator.plan.PlannedCell;
import dev.powersweep.orchestrator.plan.SweepPlan;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.view.SweepPicture;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PageServerTest {
    private static final String MARKUP = "<img src=x onerror=alert(1)>";
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    @TempDir
    Path folder;

    private final Configuration configuration = new Configuration();
    private final HttpClient http = HttpClient.newHttpClient();

    @Test
    void aDirectoryWithoutADriverHasTheSamePagesAsTheTab() throws Exception {
        StoredSweep.write(folder.resolve("stored"));
        try (PageServer server = served("stored")) {
            JsonNode sweep = json(server, "sweep/json/");
            assertThat(sweep.at("/sweep").asText()).isEqualTo("trial");
            assertThat(sweep.at("/running").asBoolean()).isFalse();
            assertThat(sweep.at("/states/FINISHED").asInt()).isEqualTo(1);
            assertThat(sweep.at("/states/FAILED").asInt()).isEqualTo(1);
            assertThat(sweep.at("/states/PLANNED").asInt()).isEqualTo(1);
            assertThat(sweep.at("/failures/0/class").asText()).isEqualTo("BUG");
            assertThat(sweep.at("/failures/0/newest/0/message").asText()).isEqualTo("index 3 out of bounds");
            String id = json(server, "sweep/cells/json/?state=FINISHED")
                    .at("/cells/0/cell")
                    .asText();
            JsonNode cell = awaited(
                    server,
                    "sweep/cell/json/?id=" + id,
                    json -> json.at("/curve/loss").size() == 2);
            assertThat(cell.at("/curve/loss/0").asDouble()).isEqualTo(5);
            assertThat(cell.at("/curve/tokens/1").asDouble()).isEqualTo(256);

            String page = awaitedPage(server, "", text -> text.contains("data-live=\"seldom\""));
            assertThat(page)
                    .contains("<title>trial – sweep</title>")
                    .contains("No driver lives. 1 cell has no result yet: powersweep rerun " + "file:" + folder)
                    .contains("index 3 out of bounds");
            assertThat(get(server, "sweep/").body()).isEqualTo(page);
            assertThat(get(server, "sweep/script/sweep.js").body()).contains("'use strict'");
            assertThat(links(page)).isNotEmpty().allSatisfy(link -> assertThat(
                            get(server, link.substring(1)).statusCode())
                    .as(link)
                    .isEqualTo(200));
        }
    }

    /** What the first page waits for was read before anybody asked; laws, which it does not wait for, were not fitted. */
    @Test
    void aServerThatWasWarmedHasReadTheCurvesOfItsFirstPage() throws Exception {
        StoredSweep.write(folder.resolve("stored"));
        SweepWatch watch = watch("stored");
        new ServedPages(List.of(watch)).warm();
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().equals("curves")) {
                thread.join();
            }
        }
        deleteAll(folder.resolve("stored/tables/steps"));

        SweepPicture first = watch.picture(Optional.empty());

        assertThat(first.cells())
                .filteredOn(cell -> cell.curveLoss().length > 0)
                .singleElement()
                .satisfies(cell -> assertThat(cell.curveLoss()).containsExactly(5, 4));
        assertThat(first.refresh()).isEqualTo(SweepPicture.Refresh.SOON);
    }

    private static void deleteAll(Path directory) throws Exception {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /** Addresses of this server that a page names. */
    private static List<String> links(String page) {
        List<String> links = new ArrayList<>();
        Matcher link = Pattern.compile("(?:href|src)=\"(/[^\"]*)\"").matcher(page);
        while (link.find()) {
            links.add(link.group(1).replace("&amp;", "&").replace("&#x3D;", "="));
        }
        return links;
    }

    @Test
    void aSweepIsFollowedFromItsFirstCellOverTheDeathOfItsDriverToItsEnd() throws Exception {
        SweepPlan plan = LargeGrid.forecast(LargeGrid.specification(4), 4).plan();
        List<String> ids =
                plan.cells().stream().map(cell -> cell.gridCell().cell().id()).toList();
        SweepDirectory directory = directory("followed");
        Storage storage = Storage.of(directory.root(), configuration);
        AtomicReference<LiveNumbers> live =
                new AtomicReference<>(new LiveNumbers(0, OptionalDouble.empty(), List.of()));
        Lease.Timing quick = new Lease.Timing(Duration.ofMillis(50), Duration.ofMillis(500));
        try (Ledger first = Ledger.open(storage, directory, "app", "test", quick, () -> Optional.of(live.get()))) {
            first.append(opening(plan)).join();
            try (PageServer server = served("followed")) {
                assertThat(json(server, "sweep/json/").at("/running").asBoolean())
                        .isTrue();
                first.append(List.of(
                                new LedgerEvent.Running(Instant.now(), ids.get(0), 1, 0),
                                new LedgerEvent.Running(Instant.now(), ids.get(1), 1, 0)))
                        .join();
                awaited(
                        server,
                        "sweep/json/",
                        json -> json.at("/states/RUNNING").asInt() == 2);
                live.set(new LiveNumbers(1234, OptionalDouble.of(60), List.of(running(ids.get(0), 1, 10, 5.5))));
                awaited(
                        server,
                        "sweep/json/",
                        json -> json.at("/tokensPerSecond").asDouble() == 1234);
                live.set(new LiveNumbers(1234, OptionalDouble.of(50), List.of(running(ids.get(0), 1, 20, 5))));
                JsonNode cell = awaited(
                        server,
                        "sweep/cell/json/?id=" + ids.get(0),
                        json -> json.at("/step").asLong() == 20);
                assertThat(cell.at("/newestLoss").asDouble()).isEqualTo(5);
                assertThat(cell.at("/curve/loss").size()).isPositive();
                awaitedPage(server, "sweep/", text -> text.contains("data-live=\"yes\""));

                first.append(List.of(new LedgerEvent.Ended(
                                Instant.now(), Reports.finished(ids.get(0), 1, 100, 1, Instant.now()))))
                        .join();
                first.close();
                JsonNode dead = awaited(
                        server, "sweep/json/", json -> !json.at("/running").asBoolean());
                assertThat(dead.at("/states/INTERRUPTED").asInt()).isEqualTo(1);
                assertThat(dead.at("/states/FINISHED").asInt()).isEqualTo(1);
                assertThat(get(server, "sweep/").body()).contains("No driver lives. 3 cells have no result yet");

                try (Ledger second = Ledger.open(storage, directory, "app", "test", quick, Optional::empty)) {
                    second.append(List.of(new LedgerEvent.Ended(
                                    Instant.now(),
                                    AttemptReport.lost(ids.get(1), 1, "the driver went away", Instant.now()))))
                            .join();
                    for (int i = 1; i < 4; i++) {
                        int attempt = i == 1 ? 2 : 1;
                        second.append(List.of(
                                        new LedgerEvent.Running(Instant.now(), ids.get(i), attempt, 0),
                                        new LedgerEvent.Ended(
                                                Instant.now(),
                                                Reports.finished(ids.get(i), attempt, 100, 1, Instant.now()))))
                                .join();
                    }
                    awaited(
                            server,
                            "sweep/json/",
                            json -> json.at("/states/FINISHED").asInt() == 4);
                }
                JsonNode done = awaited(
                        server, "sweep/json/", json -> !json.at("/running").asBoolean());
                assertThat(done.at("/failures/0/class").asText()).isEqualTo("LOST_EXECUTOR");
                assertThat(get(server, "sweep/").body()).doesNotContain("class=\"notice\"");
            }
        }
    }

    private static LiveNumbers.RunningCell running(String cell, int attempt, long step, double loss) {
        return new LiveNumbers.RunningCell(cell, "cell", attempt, step, 100, loss, 617, "host");
    }

    private static List<LedgerEvent> opening(SweepPlan plan) {
        List<LedgerEvent> events = new ArrayList<>();
        events.add(new LedgerEvent.Submitted(
                Instant.now(), plan.name(), plan.corpusHash(), plan.specification(), plan.policy()));
        for (PlannedCell cell : plan.cells()) {
            events.add(new LedgerEvent.Planned(
                    Instant.now(), cell.gridCell().name(), cell.gridCell().cell(), 1, 1 << 20));
        }
        return events;
    }

    @Test
    void whatADirectorySaysIsShownAsText() throws Exception {
        SweepPlan plan = LargeGrid.forecast(LargeGrid.specification(4), 4).plan();
        SweepDirectory directory = directory(MARKUP);
        Storage storage = Storage.of(directory.root(), configuration);
        try (Ledger ledger = Ledger.open(storage, directory, MARKUP, MARKUP, Lease.Timing.DEFAULT, Optional::empty)) {
            List<LedgerEvent> events = new ArrayList<>();
            events.add(new LedgerEvent.Submitted(NOW, MARKUP, plan.corpusHash(), MARKUP, plan.policy()));
            for (PlannedCell cell : plan.cells()) {
                events.add(new LedgerEvent.Planned(NOW, MARKUP, cell.gridCell().cell(), 1, 1));
            }
            String first = plan.cells().get(0).gridCell().cell().id();
            events.add(new LedgerEvent.Running(NOW, first, 1, 0));
            events.add(new LedgerEvent.Ended(
                    NOW,
                    Reports.report(first, 1, Outcome.failed(FailureClass.BUG, MARKUP, MARKUP), 0, 1, 8, MARKUP, NOW)));
            String second = plan.cells().get(1).gridCell().cell().id();
            events.add(new LedgerEvent.Running(NOW, second, 1, 0));
            events.add(new LedgerEvent.Ended(NOW, finished(second, 3.5)));
            events.add(new LedgerEvent.SweepStopped(NOW, MARKUP));
            ledger.append(events).join();
        }
        try (PageServer server = served(MARKUP, MARKUP)) {
            for (String path : List.of("", "sweep/1/", "sweep/2/cells/", "sweep/1/cell/?id=" + encoded(MARKUP))) {
                assertThat(get(server, path).body())
                        .as(path)
                        .contains("&lt;img src")
                        .doesNotContain(MARKUP);
            }
            assertThat(get(server, "?at=" + encoded(MARKUP)).body()).doesNotContain(MARKUP);
        }
    }

    private static String encoded(String text) {
        return java.net.URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private static AttemptReport finished(String cell, double loss) {
        Frame.Evaluation evaluation = new Frame.Evaluation(cell, 100, "validation", loss, 0.01, 1000, loss / 2, 1);
        Frame.Finished result = new Frame.Finished(cell, 100, false, loss, List.of(evaluation), 2, 1, 1 << 20);
        return Reports.report(cell, 1, new Outcome.Finished(result), 100, 2, 8, "host", NOW);
    }

    @Test
    void sweepsAreComparedByTheCellsThatTheyHaveInCommon() throws Exception {
        compared("one", 0, 4);
        compared("two", -0.25, 3);
        try (PageServer server = served("one", "two")) {
            JsonNode json = json(server, "json/");
            assertThat(json.at("/unit").asText()).isEqualTo("nats/token");
            assertThat(json.at("/sweeps")).hasSize(2);
            assertThat(json.at("/common/0/cells").asInt()).isEqualTo(3);
            assertThat(json.at("/common/0/lower").asInt()).isEqualTo(3);
            assertThat(json.at("/common/0/medianDifference").asDouble()).isEqualTo(-0.25);
            assertThat(json.at("/common/0/standardError").asDouble()).isZero();
            assertThat(json(server, "json/?unit=bits")
                            .at("/common/0/meanDifference")
                            .asDouble())
                    .isEqualTo(-0.125);
            JsonNode frontier = json.at("/sweeps/0/frontier");
            for (int i = 1; i < frontier.size(); i++) {
                assertThat(frontier.at("/" + i + "/loss").asDouble())
                        .isLessThan(frontier.at("/" + (i - 1) + "/loss").asDouble());
                assertThat(frontier.at("/" + i + "/at").asDouble())
                        .isGreaterThan(frontier.at("/" + (i - 1) + "/at").asDouble());
            }
            String page = get(server, "").body();
            assertThat(page)
                    .contains("large in one")
                    .contains("3 cells of equal shape, data, batch and seed: large in two is lower in 3 of them")
                    .contains("−0.2500");
            assertThat(links(page)).isNotEmpty().allSatisfy(link -> assertThat(
                            get(server, link.substring(1)).statusCode())
                    .as(link)
                    .isEqualTo(200));
            assertThat(get(server, "sweep/2/").body()).contains("href=\"/sweep/2/cells/\"");
        }
    }

    /** A sweep of four cells of which some have finished, each at its own loss. */
    private void compared(String name, double shift, int finished) throws Exception {
        SweepPlan plan = LargeGrid.forecast(LargeGrid.specification(4), 4).plan();
        SweepDirectory directory = directory(name);
        Storage storage = Storage.of(directory.root(), configuration);
        try (Ledger ledger = Ledger.open(storage, directory, "a", "v", Lease.Timing.DEFAULT, Optional::empty)) {
            List<LedgerEvent> events = new ArrayList<>(opening(plan));
            for (int i = 0; i < finished; i++) {
                String id = plan.cells().get(i).gridCell().cell().id();
                events.add(new LedgerEvent.Running(NOW, id, 1, 0));
                events.add(new LedgerEvent.Ended(NOW, finished(id, 3 + 0.5 * i + shift)));
            }
            ledger.append(events).join();
        }
    }

    @Test
    void onlyThisMachinesNamesAndOnlyReadingAreAnswered() throws Exception {
        StoredSweep.write(folder.resolve("stored"));
        try (PageServer server = served("stored")) {
            assertThat(server.address().getHost()).isEqualTo("127.0.0.1");
            int port = server.address().getPort();
            assertThat(ListeningSocket.ofThisUser())
                    .filteredOn(socket ->
                            socket.process() == ProcessHandle.current().pid()
                                    && socket.address().getPort() == port)
                    .as("as the kernel has it")
                    .isNotEmpty()
                    .noneMatch(ListeningSocket::isOpen);
            assertThat(raw(port, "GET / HTTP/1.1", "127.0.0.1:" + port)).startsWith("HTTP/1.1 200");
            assertThat(raw(port, "GET / HTTP/1.1", "localhost:" + port)).startsWith("HTTP/1.1 200");
            for (String host : List.of(
                    "evil.example",
                    "evil.example:" + port,
                    "localhost.evil.example",
                    "evil-localhost",
                    "127.0.0.1.evil.example",
                    "evil.127.0.0.1",
                    "")) {
                assertThat(raw(port, "GET /sweep/json/ HTTP/1.1", host))
                        .as(host)
                        .startsWith("HTTP/1.1 403")
                        .doesNotContain("trial");
            }
            for (String method : List.of("POST", "PUT", "DELETE", "OPTIONS")) {
                assertThat(raw(port, method + " /sweep/ HTTP/1.1", "localhost"))
                        .as(method)
                        .startsWith("HTTP/1.1 405")
                        .doesNotContain("trial");
            }
            assertThat(raw(port, "HEAD / HTTP/1.1", "localhost"))
                    .startsWith("HTTP/1.1 200")
                    .doesNotContain("<html");
            for (String path : List.of(
                    "sweep/nothing",
                    "sweep/../../etc/passwd",
                    "sweep/1/",
                    "sweepx/",
                    "%2e%2e/",
                    "json/",
                    "sweep/kill/")) {
                assertThat(get(server, path).statusCode()).as(path).isEqualTo(404);
            }
            HttpResponse<String> page = get(server, "");
            assertThat(page.headers().firstValue("Content-Security-Policy").orElseThrow())
                    .contains("default-src 'none'")
                    .contains("frame-ancestors 'none'");
            for (String path : List.of("", "sweep/json/", "sweep/script/sweep.js", "nothing")) {
                assertThat(get(server, path).headers().map())
                        .as(path)
                        .containsEntry("x-content-type-options", List.of("nosniff"))
                        .containsEntry("cross-origin-resource-policy", List.of("same-origin"))
                        .containsEntry("referrer-policy", List.of("no-referrer"))
                        .containsEntry("cache-control", List.of("no-store"))
                        .containsKey("content-security-policy");
            }
            assertThat(page.body())
                    .doesNotContain("kill")
                    .doesNotContain("<form")
                    .doesNotContain("http://");
            assertThatThrownBy(() -> PageServer.start(List.of(watch("stored")), port))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("cannot listen on port " + port)
                    .hasMessageContaining("choose another --port");
        }
    }

    /** A user of this machine who keeps every thread waiting for the rest of a request. */
    @Test
    @Tag("nightly")
    void requestsThatAreBegunAndNotEndedAreGivenUp() throws Exception {
        StoredSweep.write(folder.resolve("stored"));
        try (PageServer server = served("stored")) {
            int port = server.address().getPort();
            List<Socket> begun = new ArrayList<>();
            try {
                for (int i = 0; i < 60; i++) {
                    Socket socket = new Socket(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), port);
                    socket.getOutputStream().write("GET / HTTP/1.1\r\nHost: 127".getBytes(StandardCharsets.ISO_8859_1));
                    begun.add(socket);
                }
                // What waited behind them may be given up with them.
                assertThatThrownBy(() -> raw(port, "GET / HTTP/1.1", "127.0.0.1:" + port))
                        .isInstanceOf(SocketException.class);
                assertThat(raw(port, "GET / HTTP/1.1", "127.0.0.1:" + port)).startsWith("HTTP/1.1 200");
            } finally {
                for (Socket socket : begun) {
                    socket.close();
                }
            }
        }
    }

    /** Its answer, with its head, to a request that a browser would not send. */
    private static String raw(int port, String request, String host) throws Exception {
        try (Socket socket = new Socket(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), port)) {
            OutputStream out = socket.getOutputStream();
            out.write((request + "\r\nHost: " + host + "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
                    .getBytes(StandardCharsets.ISO_8859_1));
            out.flush();
            InputStream in = socket.getInputStream();
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void aDirectoryThatIsNoSweepOrCannotBeReadIsNamed() throws Exception {
        Files.createDirectories(folder.resolve("empty"));
        assertThatThrownBy(() -> watch("empty"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("holds no sweep: give the directory that powersweep run wrote");
        StoredSweep.write(folder.resolve("damaged"));
        try (PageServer server = served("damaged")) {
            Path ledger = folder.resolve("damaged/ledger");
            try (Stream<Path> files = Files.list(ledger)) {
                Path segment = files.filter(file -> file.toString().contains("segment-"))
                        .sorted()
                        .findFirst()
                        .orElseThrow();
                Files.move(segment, ledger.resolve("gone"));
            }
            String page = awaitedPage(server, "sweep/", text -> text.contains("The directory cannot be read just now"));
            assertThat(page).contains("and this is how it was").contains("index 3 out of bounds");
        }
    }

    @Test
    void aDamagedFileOfStepsIsToldOnThePage() throws Exception {
        StoredSweep.write(folder.resolve("torn"));
        try (Stream<Path> files = Files.list(folder.resolve("torn/tables/steps"))) {
            Files.writeString(files.findFirst().orElseThrow(), "no parquet at all");
        }
        try (PageServer server = served("torn")) {
            assertThat(awaitedPage(server, "sweep/", text -> text.contains("Curves are missing")))
                    .contains("is not a readable Parquet file");
        }
    }

    @Test
    void tenThousandCellsAreServed() throws Exception {
        LedgerBench.run(directory("large"), configuration, 10_000, 200, 1);
        try (PageServer server = served("large")) {
            assertThat(json(server, "sweep/json/").at("/cells").asInt()).isEqualTo(10_000);
            long began = System.nanoTime();
            HttpResponse<String> page = get(server, "sweep/");
            // A hundred times what it takes, so that a busy machine does not fail it.
            assertThat(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began))
                    .isLessThan(20);
            assertThat(page.body().length()).isLessThan(2_000_000);
        }
    }

    private SweepDirectory directory(String name) {
        return SweepDirectory.at(folder.resolve(name).toString(), configuration);
    }

    private SweepWatch watch(String name) {
        return SweepWatch.open(directory(name), configuration);
    }

    private PageServer served(String... names) {
        return PageServer.start(Stream.of(names).map(this::watch).toList(), 0);
    }

    private HttpResponse<String> get(PageServer server, String path) throws Exception {
        return http.send(
                HttpRequest.newBuilder(URI.create(server.address() + path)).build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private JsonNode json(PageServer server, String path) throws Exception {
        HttpResponse<String> answer = get(server, path);
        assertThat(answer.statusCode()).as(path).isEqualTo(200);
        return new ObjectMapper().readTree(answer.body());
    }

    private JsonNode awaited(PageServer server, String path, Predicate<JsonNode> wanted) throws Exception {
        return new ObjectMapper().readTree(awaitedPage(server, path, text -> {
            try {
                return wanted.test(new ObjectMapper().readTree(text));
            } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
                return false;
            }
        }));
    }

    private String awaitedPage(PageServer server, String path, Predicate<String> wanted) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        String body = "";
        while (System.nanoTime() < end) {
            body = get(server, path).body();
            if (wanted.test(body)) {
                return body;
            }
            TimeUnit.MILLISECONDS.sleep(50);
        }
        throw new AssertionError("nothing of the kind at " + path + " within 60 s, but " + body);
    }
}
