package dev.powersweep.orchestrator.results;

import dev.powersweep.worker.cell.BatchWarmup;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.TrainingRule;
import java.math.BigDecimal;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What the cells of a sweep differ in beside N, D, B, U, the peak learning rate and the seed, from the cells themselves,
 * by the paths that a specification has for it.
 *
 * <p>A setting that follows from N, D or B (warm-up steps from a fraction, the deviation of initial weights from the width)
 * counts only where cells of equal N, D and B differ in it; one that follows from the number of steps only where that is equal,
 * too.
 */
public final class VariedSettings {
    private static final String BATCH_WARMUP = "training.batchWarmup";

    private static final Set<String> DERIVED = Set.of(
            BATCH_WARMUP,
            "training.warmup.steps",
            "training.initialStandardDeviation",
            "evaluation.everySteps",
            "model.heads");

    private VariedSettings() {}

    /**
     * By the cell's identity: path and value of each setting that varies in the sweep, in the order of the paths; the same
     * paths for all cells, none where nothing varies.
     */
    public static Map<String, Map<String, String>> of(List<Cell> cells) {
        Map<String, Map<String, String>> all = new LinkedHashMap<>();
        cells.forEach(cell -> all.put(cell.id(), settings(cell)));
        Set<String> varied = new TreeSet<>();
        Map<List<Object>, Map<String, String>> first = new HashMap<>();
        Map<List<Object>, Map<String, String>> ofTokens = new HashMap<>();
        Map<String, String> any =
                cells.isEmpty() ? Map.of() : all.get(cells.get(0).id());
        for (Cell cell : cells) {
            Map<String, String> own = all.get(cell.id());
            Map<String, String> alike =
                    first.computeIfAbsent(scale(cell, cell.data().steps()), key -> own);
            Map<String, String> seen = ofTokens.computeIfAbsent(scale(cell, cell.tokens()), key -> own);
            own.forEach((path, value) -> {
                Map<String, String> other = any;
                if (path.equals(BATCH_WARMUP)) {
                    other = seen;
                } else if (DERIVED.contains(path)) {
                    other = alike;
                }
                if (!value.equals(other.get(path))) {
                    varied.add(path);
                }
            });
        }
        all.values().forEach(own -> own.keySet().retainAll(varied));
        return all;
    }

    /** @param length of the run */
    private static List<Object> scale(Cell cell, long length) {
        return List.of(
                cell.model() instanceof ModelShape shape ? List.of(shape.layers(), shape.width()) : cell.model(),
                length,
                cell.data().batchSequences(),
                cell.model().context());
    }

    private static Map<String, String> settings(Cell cell) {
        TrainingRule training = cell.training();
        Map<String, String> settings = new TreeMap<>();
        settings.put("context", Integer.toString(cell.model().context()));
        if (cell.model() instanceof ModelShape model) {
            settings.put("model.heads", Integer.toString(model.heads()));
            settings.put("model.activation", word(model.activation()));
            settings.put("model.positions", word(model.positions()));
            settings.put("model.normalization", word(model.normalization()));
            settings.put("model.embeddings", word(model.embeddings()));
        }
        cell.program().ifPresent(program -> {
            settings.put("trainer", CellJson.line(program.with(Map.of())));
            program.arguments().forEach((name, value) -> settings.put("trainer.arguments." + name, value));
        });
        settings.put("training.optimizer.beta1", number(training.beta1()));
        settings.put("training.optimizer.beta2", number(training.beta2()));
        settings.put("training.optimizer.epsilon", number(training.epsilon()));
        settings.put("training.optimizer.weightDecay", number(training.weightDecay()));
        settings.put("training.gradientClip", number(training.gradientClip()));
        settings.put(BATCH_WARMUP, batchWarmup(cell));
        settings.put("training.precision", training.products().word());
        settings.put("training.dropout", number(training.dropout()));
        settings.put("training.schedule", schedule(training));
        settings.put("training.warmup.steps", Long.toString(training.warmupSteps()));
        settings.put("training.initialStandardDeviation", number(training.initialStandardDeviation()));
        settings.put(
                "training.learningRate.baseWidth",
                training.mupBaseWidth().isPresent()
                        ? Integer.toString(training.mupBaseWidth().getAsInt())
                        : "none");
        settings.put(
                "training.earlyStopping",
                training.earlyStopping().isPresent()
                        ? Integer.toString(training.earlyStopping().getAsInt())
                        : "none");
        settings.put("evaluation.everySteps", Long.toString(cell.evaluation().everySteps()));
        settings.put("evaluation.tokens", Long.toString(cell.evaluation().tokens()));
        return settings;
    }

    /** Tokens of each batch and where they end: {@code 512 to 8192, 1024 to 65536, rates 0.5 0.707}. */
    private static String batchWarmup(Cell cell) {
        if (cell.data().batchWarmup().isEmpty()) {
            return "none";
        }
        StringBuilder text = new StringBuilder();
        StringBuilder rates = new StringBuilder(", rates");
        long step = 0;
        for (BatchWarmup.Stage stage : cell.data().batchWarmup().get().stages()) {
            step += stage.steps();
            text.append(text.isEmpty() ? "" : ", ")
                    .append((long) stage.batchSequences() * cell.model().context())
                    .append(" to ")
                    .append(cell.tokensThrough(step));
            rates.append(' ').append(String.format(Locale.ROOT, "%.3g", stage.rateFactor()));
        }
        return text.append(rates).toString();
    }

    /** Kind and terms: {@code linear finalFraction=0}. */
    private static String schedule(TrainingRule training) {
        StringBuilder text = new StringBuilder();
        CellJson.mapper()
                .valueToTree(training.schedule())
                .properties()
                .forEach(field -> text.append(
                        field.getKey().equals("kind")
                                ? field.getValue().asText()
                                : " " + field.getKey() + "="
                                        + number(field.getValue().asDouble())));
        return text.toString();
    }

    private static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static String number(double value) {
        return new BigDecimal(Double.toString(value)).stripTrailingZeros().toPlainString();
    }
}
