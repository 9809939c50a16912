package dev.powersweep.orchestrator.plan;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.Model;
import dev.powersweep.worker.cell.ModelCounts;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ProgramModel;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/** What a sweep would do, for people and for programs. */
public final class DryRun {
    private static final String[] HEADINGS = {
        "cell", "shape", "N", "D", "B", "S", "shared", "epochs", "rate", "C = 6ND", "FLOPs", "memory", "time"
    };

    private static final String UNKNOWN = "—";

    private DryRun() {}

    /** A table of cells, longest first, the totals and the warnings. */
    public static String text(Forecast forecast) {
        List<String[]> rows = new ArrayList<>();
        rows.add(HEADINGS);
        forecast.plan().cells().forEach(cell -> rows.add(row(cell, forecast.trunks())));
        int[] widths = new int[HEADINGS.length];
        for (String[] row : rows) {
            for (int column = 0; column < row.length; column++) {
                widths[column] = Math.max(widths[column], row[column].length());
            }
        }
        StringBuilder text = new StringBuilder();
        for (String[] row : rows) {
            StringBuilder line = new StringBuilder();
            for (int column = 0; column < row.length; column++) {
                String padding = " ".repeat(widths[column] - row[column].length());
                line.append(column == 0 ? row[column] + padding : "  " + padding + row[column]);
            }
            text.append(line.toString().stripTrailing()).append('\n');
        }
        text.append('\n').append(totals(forecast)).append('\n');
        if (forecast.trunks().savedFlops() > 0) {
            text.append(saved(forecast)).append('\n');
        }
        if (forecast.trunks().branchFlops() > 0) {
            text.append(branches(forecast)).append('\n');
        }
        long warmed = forecast.plan().cells().stream()
                .filter(planned -> cell(planned).data().batchWarmup().isPresent())
                .count();
        if (warmed > 0) {
            text.append("cells that begin with smaller batches: ")
                    .append(warmed)
                    .append("; their steps are more than D/B\n");
        }
        forecast.warnings()
                .forEach(warning -> text.append("warning: ").append(warning).append('\n'));
        return text.toString();
    }

    private static String saved(Forecast forecast) {
        double attributed = flops(forecast);
        double saved = forecast.trunks().savedFlops();
        return String.format(
                Locale.ROOT,
                "shared trunks: %.3g of these FLOPs are spent, %.3g saved (%.0f %%); cells share the first steps of the"
                        + " column \"shared\" with a larger D",
                attributed - saved,
                saved,
                100 * saved / attributed);
    }

    private static String branches(Forecast forecast) {
        List<Cell> branches = forecast.plan().cells().stream()
                .map(DryRun::cell)
                .filter(cell -> cell.data().branch().isPresent())
                .toList();
        return String.format(
                Locale.ROOT,
                "branches: %d cells go on from states of %d runs with other batches; %.3g FLOPs of their own, %.1f %% of"
                        + " those of these runs",
                branches.size(),
                branches.stream().map(Cell::trunk).distinct().count(),
                forecast.trunks().branchFlops(),
                100 * forecast.trunks().branchFlops() / forecast.trunks().branchedFlops());
    }

    private static double flops(Forecast forecast) {
        return forecast.plan().cells().stream()
                .mapToDouble(cell -> cell(cell)
                        .model()
                        .counts()
                        .trainingFlops(cell(cell).tokens())
                        .orElse(0))
                .sum();
    }

    private static String flops(OptionalDouble value) {
        return value.isPresent() ? String.format(Locale.ROOT, "%.2e", value.getAsDouble()) : UNKNOWN;
    }

    private static String shape(Model model) {
        if (model instanceof ProgramModel ofProgram) {
            return ofProgram.arguments().entrySet().stream()
                    .map(argument -> argument.getKey() + "=" + argument.getValue())
                    .collect(Collectors.joining(","));
        }
        ModelShape shape = (ModelShape) model;
        return shape.layers() + "x" + shape.width() + "/" + shape.heads();
    }

    private static String totals(Forecast forecast) {
        List<PlannedCell> cells = forecast.plan().cells();
        long tokens = cells.stream().mapToLong(cell -> cell(cell).tokens()).sum();
        long memory = cells.stream()
                .mapToLong(PlannedCell::memoryBytes)
                .sorted()
                .skip(Math.max(0, cells.size() - forecast.slots().count()))
                .sum();
        return String.format(
                Locale.ROOT,
                "%d cells, %s tokens, %.3g FLOPs; %s of training, %s on %d slots (no order takes less than %s); up to %s of memory",
                cells.size(),
                count(tokens),
                flops(forecast),
                time(forecast.totalSeconds()),
                time(forecast.makespanSeconds()),
                forecast.slots().count(),
                time(forecast.lowerBoundSeconds()),
                SweepPlanner.bytes(memory));
    }

    private static String[] row(PlannedCell planned, Trunks trunks) {
        Cell cell = cell(planned);
        ModelCounts size = cell.model().counts();
        return new String[] {
            planned.gridCell().name(),
            shape(cell.model()),
            size.nonEmbedding().isPresent() ? count(size.nonEmbedding().getAsLong()) : UNKNOWN,
            count(cell.tokens()),
            count(cell.batchTokens()),
            count(cell.data().steps()),
            count(trunks.sharedSteps(cell)),
            String.format(Locale.ROOT, "%.3g", cell.epochs()),
            String.format(Locale.ROOT, "%.3g", cell.training().peakLearningRate()),
            flops(size.kaplanFlops(cell.tokens())),
            flops(size.trainingFlops(cell.tokens())),
            planned.memoryBytes() > 0 ? SweepPlanner.bytes(planned.memoryBytes()) : UNKNOWN,
            time(planned.predictedSeconds())
        };
    }

    /** The same as one JSON object. */
    public static String json(Forecast forecast) {
        return json(forecast, Optional.empty());
    }

    /** @param design what a design is expected to answer */
    public static String json(Forecast forecast, Optional<ObjectNode> design) {
        ObjectNode root = CellJson.mapper().createObjectNode();
        design.ifPresent(answers -> root.set("design", answers));
        root.put("name", forecast.plan().name());
        root.put("corpusHash", forecast.plan().corpusHash());
        ArrayNode cells = root.putArray("cells");
        for (PlannedCell planned : forecast.plan().cells()) {
            Cell cell = cell(planned);
            ObjectNode json =
                    cells.addObject().put("name", planned.gridCell().name()).put("id", cell.id());
            if (cell.model() instanceof ModelShape model) {
                json.put("layers", model.layers())
                        .put("width", model.width())
                        .put("heads", model.heads())
                        .put("nonEmbeddingParameters", model.nonEmbeddingParameters())
                        .put("embeddingParameters", model.embeddingParameters())
                        .put("totalParameters", model.totalParameters());
            } else {
                json.putPOJO("arguments", ((ProgramModel) cell.model()).arguments());
                cell.model().counts().nonEmbedding().ifPresent(n -> json.put("nonEmbeddingParameters", n));
            }
            ModelCounts size = cell.model().counts();
            json.put("tokens", cell.tokens())
                    .put("batchTokens", cell.batchTokens())
                    .put("steps", cell.data().steps())
                    .put("batchWarmupSteps", cell.data().warmupSteps())
                    .put("sharedSteps", forecast.trunks().sharedSteps(cell))
                    .put("branchTokens", branchTokens(cell))
                    .put("uniqueTokens", cell.data().uniqueTokens())
                    .put("epochs", cell.epochs())
                    .put("peakLearningRate", cell.training().peakLearningRate())
                    .put("seed", cell.seed())
                    .put("memoryBytes", planned.memoryBytes())
                    .put("predictedSeconds", planned.predictedSeconds());
            size.kaplanFlops(cell.tokens()).ifPresent(flops -> json.put("kaplanFlops", flops));
            size.trainingFlops(cell.tokens()).ifPresent(flops -> json.put("trainingFlops", flops));
        }
        root.putObject("totals")
                .put("cells", forecast.plan().cells().size())
                .put("slots", forecast.slots().count())
                .put("trainingFlops", flops(forecast))
                .put("savedFlops", forecast.trunks().savedFlops())
                .put("branchFlops", forecast.trunks().branchFlops())
                .put("branchedFlops", forecast.trunks().branchedFlops())
                .put("seconds", forecast.totalSeconds())
                .put("makespanSeconds", forecast.makespanSeconds())
                .put("lowerBoundSeconds", forecast.lowerBoundSeconds());
        ArrayNode warnings = root.putArray("warnings");
        forecast.warnings().forEach(warnings::add);
        return CellJson.line(root);
    }

    /** Tokens of the trunk before the branch; 0 for a run of its own. */
    private static long branchTokens(Cell cell) {
        return cell.data()
                .branch()
                .map(branch -> cell.tokensThrough(branch.steps()))
                .orElse(0L);
    }

    private static Cell cell(PlannedCell planned) {
        return planned.gridCell().cell();
    }

    private static String count(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    private static String time(double seconds) {
        if (seconds < 90) {
            return String.format(Locale.ROOT, "%.1f s", seconds);
        }
        if (seconds < 90 * 60) {
            return String.format(Locale.ROOT, "%.1f min", seconds / 60);
        }
        return String.format(Locale.ROOT, "%.1f h", seconds / 3600);
    }
}
