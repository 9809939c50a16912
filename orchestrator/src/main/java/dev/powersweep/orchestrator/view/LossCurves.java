package dev.powersweep.orchestrator.view;

import dev.powersweep.orchestrator.report.Palette;
import dev.powersweep.orchestrator.view.PlotFrame.Scale;
import dev.powersweep.orchestrator.view.SweepEvent.CellChange;
import dev.powersweep.worker.cell.CellState;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Training losses of many cells in one drawing, coloured by model size.
 *
 * @param count curves drawn
 */
record LossCurves(String drawing, int count, List<Colour> legend) {
    /** Curves that a page shows at most. */
    static final int MOST = 60;

    private static final int LEGEND = 8;

    /** A model size's. */
    record Colour(String colour, String text) {}

    static LossCurves of(SweepPicture picture) {
        long[] sizes = picture.cells().stream()
                .mapToLong(cell -> cell.plan().parameters())
                .distinct()
                .sorted()
                .toArray();
        List<CurveDrawing.Line> lines = shown(picture).stream()
                .map(cell -> new CurveDrawing.Line(
                        cell.curveTokens(),
                        cell.curveLoss(),
                        CurveDrawing.colour(cell.plan().parameters(), sizes),
                        cell.state() == CellState.RUNNING ? 2.2 : 1.1,
                        cell.plan().name() + " " + StateStyle.of(cell.state()).name()))
                .toList();
        List<Colour> legend = new ArrayList<>();
        int every = Math.max(1, (sizes.length + LEGEND - 1) / LEGEND);
        for (int i = 0; i < sizes.length; i += every) {
            legend.add(new Colour(Palette.ordered(i, sizes.length), SweepEvent.CellPlan.sizeText(sizes[i], 3)));
        }
        String drawing = new CurveDrawing(640, 330, Scale.LOG, Scale.LOG).losses(lines, "training loss over tokens");
        return new LossCurves(drawing, lines.size(), legend);
    }

    /** Of one cell. */
    static String of(CellView cell) {
        return new CurveDrawing(640, 300, Scale.LOG, Scale.LOG)
                .losses(
                        cell.curveLoss().length == 0
                                ? List.of()
                                : List.of(new CurveDrawing.Line(
                                        cell.curveTokens(),
                                        cell.curveLoss(),
                                        Palette.BLUE,
                                        1.8,
                                        cell.plan().name())),
                        "training loss over tokens");
    }

    /** Running cells, spread over model sizes where there are too many, then those that ended last; thin ones below. */
    static List<CellView> shown(SweepPicture picture) {
        return chosen(picture.cells().stream()
                .filter(cell -> cell.curveLoss().length > 1)
                .toList());
    }

    /** Of these cells, in the order in which they are drawn. */
    private static List<CellView> chosen(List<CellView> cells) {
        List<CellView> running = cells.stream()
                .filter(cell -> cell.state() == CellState.RUNNING)
                .sorted(Comparator.comparingLong((CellView cell) -> cell.plan().parameters())
                        .thenComparingLong(cell -> cell.plan().tokens()))
                .toList();
        List<CellView> bold = new ArrayList<>();
        int most = Math.min(running.size(), MOST);
        for (int i = 0; i < most; i++) {
            bold.add(running.get((int) ((long) i * running.size() / most)));
        }
        List<CellView> drawn = new ArrayList<>(cells.stream()
                .filter(cell -> cell.state() != CellState.RUNNING)
                .sorted(Comparator.comparing(
                        (CellView cell) ->
                                cell.change().map(CellChange::atMillis).orElse(0L),
                        Comparator.reverseOrder()))
                .limit(MOST - most)
                .toList());
        drawn.addAll(bold);
        return drawn;
    }

    /** Cells whose curves the page would show if all that were begun had one: where curves have to be looked up. */
    static List<CellView> wanted(SweepPicture picture) {
        return chosen(
                picture.cells().stream().filter(cell -> cell.attempt() > 0).toList());
    }
}
