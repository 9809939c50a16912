package dev.powersweep.orchestrator.view;

import com.samskivert.mustache.Template;
import dev.powersweep.orchestrator.report.Palette;
import dev.powersweep.orchestrator.text.Numbers;
import dev.powersweep.orchestrator.view.PlotFrame.Scale;
import dev.powersweep.orchestrator.view.SweepEvent.Totals;
import dev.powersweep.worker.cell.CellState;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The tab's first page: the whole sweep.
 *
 * @param bar cells by state, a drawing
 * @param morePanels says so where there are more batch sizes than are shown; else empty
 * @param throughput a drawing
 * @param running the rows of running cells, as many as are shown
 * @param runningMore running cells beyond these
 */
record SweepPage(
        PageFrame frame,
        List<StateShare> states,
        String bar,
        List<Tile> tiles,
        List<Panel> panels,
        String morePanels,
        LossScale scale,
        LossCurves losses,
        String throughput,
        Fit fit,
        List<CellLine> running,
        int runningMore,
        boolean anyRunning,
        List<FailureClassView> failures,
        boolean anyFailure) {
    private static final int PANELS = 12;
    private static final int RUNNING_ROWS = 12;
    private static final Template TEMPLATE = Templates.named("sweep.html");

    /** A number with its name. */
    record Tile(String value, String label, String note) {}

    /** Two heat maps of a batch size, as drawings. */
    record Panel(String batch, String byState, String byLoss) {}

    /** What the colours of losses mean. */
    record LossScale(boolean any, String ramp, String low, String high) {}

    /** @param none why nothing has been fitted yet; empty where something has */
    record Fit(String none, int cells, List<Law> laws) {}

    record Law(String name, String title, String formula, int rows, String refusal, List<Estimate> estimates) {}

    record Estimate(String name, String value, String unit) {}

    static String html(PageRequest request) {
        return TEMPLATE.execute(of(request));
    }

    private static SweepPage of(PageRequest request) {
        SweepPicture picture = request.picture();
        Map<CellState, Integer> states = picture.states();
        List<GridPanel> panels = GridPanel.of(picture.cells());
        double[] losses = picture.cells().stream()
                .mapToDouble(CellView::loss)
                .filter(Double::isFinite)
                .sorted()
                .toArray();
        double low = losses.length == 0 ? 0 : losses[0];
        // The worst few would leave all others one colour.
        double high = losses.length == 0 ? 0 : losses[(int) (0.95 * (losses.length - 1))];
        return new SweepPage(
                PageFrame.of(request),
                StateShare.of(states),
                StateShare.bar(states, picture.cells().size()),
                tiles(picture, states),
                panels.stream()
                        .limit(PANELS)
                        .map(panel -> panel(panel, room(panels), low, high))
                        .toList(),
                panels.size() > PANELS ? panels.size() - PANELS + " more batch sizes" : "",
                new LossScale(
                        losses.length > 0,
                        new Svg(150, 10, "colour scale")
                                .ramp(0, 0, 150, 10, false)
                                .end(),
                        Numbers.fixed(low, 3),
                        Numbers.fixed(high, 3) + (losses.length > 20 ? " and above" : "")),
                LossCurves.of(picture),
                throughput(picture),
                fit(picture),
                picture.running().stream()
                        .limit(RUNNING_ROWS)
                        .map(cell -> CellLine.of(cell, picture))
                        .toList(),
                Math.max(0, states.get(CellState.RUNNING) - RUNNING_ROWS),
                states.get(CellState.RUNNING) > 0,
                FailureClassView.of(picture),
                !picture.failures().isEmpty());
    }

    private static Panel panel(GridPanel panel, double room, double low, double high) {
        GridDrawing drawing = new GridDrawing(panel, room);
        return new Panel(Numbers.count(panel.batchTokens(), 4), drawing.byState(), drawing.byLoss(low, high));
    }

    /** Width of a heat map: narrow where two pairs fit side by side. */
    private static double room(List<GridPanel> panels) {
        int columns =
                panels.stream().mapToInt(panel -> panel.tokens().length).max().orElse(1);
        return panels.size() > 1 && columns <= GridDrawing.FEW_COLUMNS ? GridDrawing.NARROW : GridDrawing.WIDE;
    }

    private static List<Tile> tiles(SweepPicture picture, Map<CellState, Integer> states) {
        List<Tile> tiles = new ArrayList<>();
        int cells = picture.cells().size();
        int ended = states.get(CellState.FINISHED) + states.get(CellState.DIVERGED) + states.get(CellState.FAILED);
        tiles.add(new Tile(
                String.format(Locale.ROOT, "%,d of %,d", ended, cells),
                "cells ended",
                Numbers.percent((double) ended / Math.max(1, cells), 2)));
        Optional<Totals> totals = picture.totals();
        boolean open = picture.closed().isEmpty();
        boolean all = picture.scope() == SweepPicture.Scope.ALL_RUNS;
        if (open) {
            tiles.add(new Tile(
                    totals.map(now -> Numbers.duration(now.etaSeconds())).orElse("–"),
                    "to go",
                    ended == 0 ? "as predicted" : "by finished cells"));
        }
        tiles.add(new Tile(
                totals.map(now -> Numbers.duration(now.elapsedSeconds())).orElse("–"),
                "elapsed",
                all ? "while drivers lived" : open ? "in this run" : "the run has ended"));
        tiles.add(new Tile(
                totals.map(now -> Numbers.count(now.tokensPerSecond(), 3)).orElse("–"),
                "tokens/s",
                open ? "of all running cells" : all ? "on average" : "at the end"));
        tiles.add(new Tile(
                totals.map(now -> Numbers.count(now.tokens(), 3)).orElse("–"),
                "tokens trained",
                "by attempts that ended"));
        if (picture.slots() > 0) {
            tiles.add(new Tile(
                    states.get(CellState.RUNNING) + " / " + picture.slots(),
                    "slots in use",
                    open ? "cells at once" : "at the end"));
        } else if (open) {
            tiles.add(new Tile(Integer.toString(states.get(CellState.RUNNING)), "running", "cells at once"));
        }
        double best = picture.cells().stream()
                .mapToDouble(CellView::loss)
                .filter(Double::isFinite)
                .min()
                .orElse(Double.NaN);
        tiles.add(new Tile(Numbers.fixed(best, 4), "lowest loss", "nats/token, held out"));
        return tiles;
    }

    private static String throughput(SweepPicture picture) {
        CurveDrawing.Line line = new CurveDrawing.Line(
                picture.throughput().seconds(), picture.throughput().rates(), Palette.BLUE, 1.6, "tokens/s");
        List<CurveDrawing.Line> lines = line.x().length == 0 ? List.of() : List.of(line);
        return new CurveDrawing(520, 170, Scale.LINEAR, Scale.LINEAR)
                .drawn(
                        lines,
                        "throughput",
                        picture.scope() == SweepPicture.Scope.ALL_RUNS
                                ? "seconds while drivers lived"
                                : "seconds since the run began",
                        "tokens/s");
    }

    private static Fit fit(SweepPicture picture) {
        return picture.fitted()
                .map(fitted -> new Fit(
                        "",
                        fitted.cells(),
                        fitted.laws().stream().map(SweepPage::law).toList()))
                .orElseGet(() -> new Fit(
                        picture.closed().isEmpty()
                                ? "Fitted as soon as there are enough finished cells."
                                : "No fits are stored; powersweep fit makes them.",
                        0,
                        List.of()));
    }

    private static Law law(SweepEvent.Law law) {
        return new Law(
                law.name(),
                law.title(),
                law.formula(),
                law.rows(),
                law.refusal(),
                law.estimates().stream()
                        .map(estimate -> new Estimate(
                                estimate.name(),
                                Numbers.significant(estimate.value(), 4),
                                estimate.unit().equals("1") ? "" : estimate.unit()))
                        .toList());
    }
}
