package dev.powersweep.orchestrator.view;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.powersweep.orchestrator.view.SweepEvent.CellChange;
import dev.powersweep.orchestrator.view.SweepEvent.CellPlan;
import dev.powersweep.orchestrator.view.SweepEvent.Measurement;
import dev.powersweep.orchestrator.view.SweepEvent.Totals;
import dev.powersweep.worker.cell.CellState;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerApplicationEnd;
import org.apache.spark.status.ElementTrackingStore;
import org.apache.spark.util.JsonProtocol;
import org.apache.spark.util.kvstore.InMemoryStore;
import org.junit.jupiter.api.Test;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;

class SweepBoardTest {
    private static final String MARKUP = "<script>alert('x')</script>&\"";
    private static final long NOW = 1_700_000_000_000L;

    private final SweepBoard board = new SweepBoard();

    @Test
    void everyTextFromOutsideIsShownAsText() {
        open(2, MARKUP);
        board.apply(
                new SweepEvent.Changed(List.of(failed(0, 1, "FAILED", "BUG", MARKUP)), Map.of("BUG", 1), NOW, true));
        board.apply(new SweepEvent.Changed(List.of(change(1, "RUNNING")), Map.of("BUG", 1), NOW, true));
        board.apply(new SweepEvent.Fitted(
                4,
                List.of(new SweepEvent.Law(
                        MARKUP, MARKUP, MARKUP, 4, List.of(new SweepEvent.Estimate(MARKUP, 1, MARKUP)), MARKUP)),
                NOW));
        board.apply(new SweepEvent.Closed(MARKUP, totals(1)));
        for (String page : List.of(
                SweepPages.SWEEP.html(request(Map.of())),
                SweepPages.CELLS.html(request(Map.of("state", MARKUP))),
                SweepPages.CELL.html(request(Map.of("id", "id0"))))) {
            assertThat(page)
                    .contains("&lt;script&gt;")
                    .doesNotContain("<script>")
                    .doesNotContain("alert('x')");
        }
        assertThat(SweepPages.CELL.html(request(Map.of("id", MARKUP)))).doesNotContain("<script>");
    }

    /** A ledger may hold a name of any length and any character. */
    @Test
    void aNamePushesNothingOffThePageAndTurnsNoTextAround() {
        String name = "\u202ename\u001b[2J".concat("x".repeat(100_000));
        open(2, name);
        board.apply(new SweepEvent.Changed(List.of(failed(0, 1, "FAILED", "BUG", name)), Map.of("BUG", 1), NOW, true));
        for (SweepPages page : List.of(SweepPages.SWEEP, SweepPages.CELLS)) {
            String html = page.html(request(Map.of()));
            assertThat(html.length()).as(page.title()).isLessThan(150_000);
            assertThat(html)
                    .contains("\uFFFDname\uFFFD[2J")
                    .doesNotContain("\u202e")
                    .doesNotContain("\u001b");
        }
        assertThat(SweepPages.CELL.html(request(Map.of("id", "id0"))).length()).isLessThan(150_000);
    }

    @Test
    void aTileShowsEveryCellThatSharesItAndTheLowestLoss() {
        board.apply(new SweepEvent.Opened("s", "/d", "app", 3, 1, NOW));
        board.apply(new SweepEvent.Planned(
                List.of(plan(0, "a", 1000, 500), plan(1, "b", 1000, 505), plan(2, "c", 1000, 600))));
        board.apply(new SweepEvent.Changed(
                List.of(finished(0, 3.5), finished(1, 3.25), change(2, "DIVERGED")), Map.of(), NOW, true));
        JsonNode json = SweepJson.sweep(request(Map.of()));
        JsonNode tiles = json.at("/grid/0/tiles");
        assertThat(tiles).hasSize(2);
        assertThat(tiles.at("/0/states/FINISHED").asInt()).isEqualTo(2);
        assertThat(tiles.at("/0/loss").asDouble()).isEqualTo(3.25);
        assertThat(tiles.at("/1/states/DIVERGED").asInt()).isEqualTo(1);
        assertThat(tiles.at("/1/loss").isNull()).isTrue();
        assertThat(SweepPages.SWEEP.html(request(Map.of())))
                .contains(">3.250<")
                .contains("✓ 2/2")
                .contains(">∞<");
    }

    @Test
    void aSizeThatNobodyKnowsYetIsNotANumber() {
        board.apply(new SweepEvent.Opened("s", "/d", "app", 3, 1, NOW));
        board.apply(new SweepEvent.Planned(List.of(plan(0, "a", 0, 500))));
        assertThat(SweepJson.sweep(request(Map.of()))
                        .at("/grid/0/tiles/0/parameters")
                        .isNull())
                .isTrue();
        assertThat(SweepPages.SWEEP.html(request(Map.of()))).contains(">unknown<");
        assertThat(SweepPages.CELLS.html(request(Map.of()))).contains(">unknown<");
        assertThat(SweepPages.CELL.html(request(Map.of("id", "a")))).contains("unknown until its program reports it");
    }

    /** A rate pilot and the cells that follow it are two runs of one driver. */
    @Test
    void aDriverThatOpensItsSweepAgainKeepsTheCurvesThatItDrew() {
        open(1, "cell");
        board.apply(new SweepEvent.Changed(List.of(change(0, "RUNNING")), Map.of(), NOW, true));
        measure(0, 10, 5);
        measure(0, 20, 4);
        board.apply(new SweepEvent.Changed(List.of(change(0, "DIVERGED")), Map.of(), NOW, true));
        board.apply(new SweepEvent.Closed("", totals(1)));
        int points = board.picture().orElseThrow().cells().get(0).curveLoss().length;
        assertThat(points).isGreaterThan(1);

        open(1, "cell");
        board.apply(new SweepEvent.Changed(List.of(change(0, "DIVERGED")), Map.of(), NOW, true));
        assertThat(board.picture().orElseThrow().cells().get(0).curveLoss()).hasSize(points);

        board.apply(new SweepEvent.Opened("s", "/d", "another", 1, 1, NOW));
        board.apply(new SweepEvent.Planned(List.of(plan(0, "id0", 1000, 500))));
        assertThat(board.picture().orElseThrow().cells().get(0).curveLoss()).isEmpty();
    }

    @Test
    void aCellThatIsTriedAgainGoesOnWithItsCurve() {
        open(1, "cell");
        board.apply(new SweepEvent.Changed(List.of(change(0, "RUNNING")), Map.of(), NOW, true));
        measure(0, 10, 5);
        measure(0, 20, 4);
        board.apply(new SweepEvent.Changed(
                List.of(failed(0, 1, "INTERRUPTED", "NATIVE_CRASH", "died")), Map.of("NATIVE_CRASH", 1), NOW, true));
        board.apply(new SweepEvent.Changed(List.of(change(0, "RUNNING")), Map.of("NATIVE_CRASH", 1), NOW, true));
        measure(0, 30, 3);
        CellView cell = board.picture().orElseThrow().cells().get(0);
        assertThat(cell.curveLoss()).containsExactly(5, 4, 3);
        assertThat(cell.step()).isEqualTo(30);
    }

    @Test
    void aDriverThatWasKilledIsNotShownAsRunningInTheHistoryServer() {
        open(2, "cell");
        board.apply(new SweepEvent.Changed(List.of(change(0, "RUNNING"), finished(1, 3.5)), Map.of(), NOW, true));
        board.apply(new SweepEvent.Noted(totals(5)));
        SweepPicture picture = board.picture().orElseThrow();
        SweepPicture soon = picture.fromTheLog(NOW + SweepPicture.SILENCE_MILLIS);
        assertThat(soon.closed()).isEmpty();
        assertThat(soon.states()).containsEntry(CellState.RUNNING, 1);
        SweepPicture later = picture.fromTheLog(NOW + SweepPicture.SILENCE_MILLIS + 1);
        assertThat(later.closed().orElseThrow().reason()).contains("as when a driver is killed");
        assertThat(later.states())
                .containsEntry(CellState.RUNNING, 0)
                .containsEntry(CellState.INTERRUPTED, 1)
                .containsEntry(CellState.FINISHED, 1);
        assertThat(SweepPages.SWEEP.html(new PageRequest(later, name -> Optional.empty(), "")))
                .contains("data-live=\"no\"")
                .contains("The sweep was stopped: the driver&#39;s event log ends here");

        new SweepListener(board).onApplicationEnd(new SparkListenerApplicationEnd(NOW, Option.empty()));
        SweepPicture ended = board.picture().orElseThrow().fromTheLog(NOW);
        assertThat(ended.closed().orElseThrow().reason()).isEqualTo("the application ended before the run did");
        assertThat(ended.states()).containsEntry(CellState.INTERRUPTED, 1);
    }

    @Test
    void theEventLogMakesTheSameBoardAnewInTheHistoryServer() {
        List<SweepEvent> events = new ArrayList<>();
        events.add(new SweepEvent.Opened("s" + MARKUP, "/d", "app", 3, 2, NOW));
        events.add(new SweepEvent.Planned(
                List.of(plan(0, "a", 1000, 500), plan(1, MARKUP, 2000, 500), plan(2, "c", 9, 9))));
        events.add(new SweepEvent.Changed(List.of(change(0, "RUNNING"), change(1, "RUNNING")), Map.of(), NOW, true));
        events.add(new SweepEvent.Changed(
                List.of(
                        failed(1, 1, "INTERRUPTED", "NATIVE_CRASH", "first"),
                        failed(1, 2, "FAILED", "IO", "second"),
                        finished(0, 3.5)),
                Map.of("IO", 1, "NATIVE_CRASH", 1),
                NOW,
                true));
        events.add(new SweepEvent.Noted(totals(5)));
        events.add(new SweepEvent.Closed("", totals(9)));
        InMemoryStore store = new InMemoryStore();
        ElementTrackingStore tracking = new ElementTrackingStore(store, new SparkConf(false));
        SparkListener listener = CollectionConverters.asJava(
                        new SweepHistoryPlugin().createListeners(new SparkConf(false), tracking))
                .get(0);
        for (SweepEvent event : events) {
            board.apply(event);
            if (event.logEvent()) {
                listener.onOtherEvent(JsonProtocol.sparkEventFromJson(JsonProtocol.sparkEventToJsonString(event)));
            }
        }
        tracking.close(false);
        SweepBoard replayed = SweepDocument.read(store);
        assertThat(SweepJson.sweep(request(replayed, Map.of()))).isEqualTo(SweepJson.sweep(request(Map.of())));
        assertThat(SweepJson.cells(request(replayed, Map.of()))).isEqualTo(SweepJson.cells(request(Map.of())));
        assertThat(replayed.picture().orElseThrow().cells().get(1).state().name())
                .isEqualTo("FAILED");
    }

    @Test
    void tenThousandCellsOfManyStepsMakeABoundedPageAndBoundedEvents() {
        int count = 10_000;
        board.apply(new SweepEvent.Opened("large", "/d", "app", count, 100, NOW));
        List<CellPlan> plans = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            plans.add(new CellPlan(
                    i,
                    "id" + i,
                    "cell-" + i,
                    "2 layers",
                    1000L * (1 + i % 100),
                    5000L * (1 + i / 100 % 100),
                    512,
                    5000,
                    1,
                    1e-3,
                    0,
                    10));
        }
        board.apply(new SweepEvent.Planned(plans));
        for (int i = 0; i < count; i++) {
            board.apply(new SweepEvent.Changed(List.of(change(i, "RUNNING")), Map.of(), NOW, true));
            for (int step = 1; step <= 1000; step += i < 100 ? 1 : 100) {
                measure(i, step, 5.0 / step);
            }
            board.apply(new SweepEvent.Changed(List.of(finished(i, 2 + i / 1e5)), Map.of(), NOW, true));
        }
        SweepPicture picture = board.picture().orElseThrow();
        assertThat(picture.cells()).allMatch(cell -> cell.curveLoss().length <= SweepBoard.CURVE_POINTS);
        assertThat(SweepPages.SWEEP.html(request(Map.of())).length()).isLessThan(2_000_000);
        assertThat(GridPanel.of(picture.cells())).allSatisfy(panel -> {
            assertThat(panel.parameters().length).isLessThanOrEqualTo(GridPanel.MOST);
            assertThat(panel.tiles().stream()
                            .flatMap(List::stream)
                            .mapToInt(List::size)
                            .sum())
                    .isEqualTo(count);
        });
        assertThat(board.events()).hasSizeLessThan(400);
        assertThat(SweepJson.cells(request(Map.of("limit", "20"))).at("/cells")).hasSize(20);
    }

    private void open(int cells, String name) {
        board.apply(new SweepEvent.Opened(name, "/d/" + name, "app", cells, 1, NOW));
        List<CellPlan> plans = new ArrayList<>();
        for (int i = 0; i < cells; i++) {
            plans.add(plan(i, name, 1000, 500));
        }
        board.apply(new SweepEvent.Planned(plans));
    }

    private static CellPlan plan(int index, String name, long parameters, long tokens) {
        return new CellPlan(index, "id" + index, name, "shape " + name, parameters, tokens, 512, 100, 1, 1e-3, 0, 10);
    }

    private void measure(int cell, long step, double loss) {
        board.apply(new SweepEvent.Measured(
                totals(1), List.of(new Measurement(cell, 1, step, 512.0 * step, loss, 100, "host"))));
    }

    private static Totals totals(double seconds) {
        return new Totals(1000, 5000, 12, seconds, 2, NOW);
    }

    private static CellChange change(int cell, String state) {
        return change(cell, 1, state, Double.NaN, "", "");
    }

    private static CellChange finished(int cell, double loss) {
        return change(cell, 1, "FINISHED", loss, "", "");
    }

    private static CellChange failed(int cell, int attempt, String state, String failure, String message) {
        return change(cell, attempt, state, Double.NaN, failure, message);
    }

    private static CellChange change(int cell, int attempt, String state, double loss, String failure, String message) {
        boolean end = state.equals("FINISHED");
        return new CellChange(
                cell,
                state,
                attempt,
                end ? 100 : 0,
                loss,
                loss,
                100,
                1,
                failure,
                message,
                message,
                message,
                "host" + message,
                NOW,
                end ? new double[] {512, 1024} : new double[0],
                end ? new double[] {5, 4} : new double[0]);
    }

    private PageRequest request(Map<String, String> parameters) {
        return request(board, parameters);
    }

    private static PageRequest request(SweepBoard board, Map<String, String> parameters) {
        return new PageRequest(
                board.picture().orElseThrow(), name -> Optional.ofNullable(parameters.get(name)), "/sweep");
    }

    @Test
    void noElementOfThePageComesFromAnotherServer() {
        open(1, "cell");
        String page = SweepPages.SWEEP.html(request(Map.of()));
        assertThat(Pattern.compile("(src|href)=\"(https?:)?//").matcher(page).find())
                .isFalse();
    }
}
