package dev.powersweep.orchestrator.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.powersweep.orchestrator.text.Numbers;
import dev.powersweep.orchestrator.text.TextTable;
import java.util.List;
import java.util.Locale;

/** A {@link FitRace} as text and as JSON. */
public final class FitRaceText {
    private FitRaceText() {}

    public static String text(FitRace.Result result) {
        TextTable table = new TextTable()
                .row("round", "ours s", "ours CPU s", "SciPy s", "SciPy CPU s", "our objective", "SciPy's objective");
        for (int i = 0; i < result.ours().size(); i++) {
            FitRace.Lap ours = result.ours().get(i);
            FitRace.Lap scipy = result.scipy().get(i);
            table.row(
                    String.valueOf(i + 1),
                    Numbers.fixed(ours.wallSeconds(), 2),
                    Numbers.fixed(ours.cpuSeconds(), 2),
                    Numbers.fixed(scipy.wallSeconds(), 2),
                    Numbers.fixed(scipy.cpuSeconds(), 2),
                    objective(ours.objective()),
                    objective(scipy.objective()));
        }
        return "chinchilla on " + result.rows() + " runs, certified minimum and " + result.refits()
                + " refits, whole processes on " + result.processors() + " processors:\n" + table.text("  ")
                + "Medians: " + Numbers.times(result.wallRatio()) + " in time, " + Numbers.times(result.cpuRatio())
                + " in processor time.\n";
    }

    private static String objective(double value) {
        return String.format(Locale.ROOT, "%.12e", value);
    }

    public static String json(FitRace.Result result) {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode root = mapper.createObjectNode();
        root.put("rows", result.rows());
        root.put("refits", result.refits());
        root.put("processors", result.processors());
        laps(root.putArray("ours"), result.ours());
        laps(root.putArray("scipy"), result.scipy());
        root.put("wallRatio", result.wallRatio());
        root.put("cpuRatio", result.cpuRatio());
        root.put("objectiveExcess", result.excess());
        try {
            return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n";
        } catch (JsonProcessingException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static void laps(ArrayNode array, List<FitRace.Lap> laps) {
        for (FitRace.Lap lap : laps) {
            array.addObject()
                    .put("wallSeconds", lap.wallSeconds())
                    .put("cpuSeconds", lap.cpuSeconds())
                    .put("objective", lap.objective());
        }
    }
}
