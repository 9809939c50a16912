package dev.powersweep.orchestrator.budget;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.fitting.surface.RateRule;
import dev.powersweep.orchestrator.fits.RateTrials;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.text.Numbers;
import dev.powersweep.orchestrator.text.TextTable;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/** The learning-rate rule of a sweep that tried several rates at each model, data and batch size. */
public final class RatePilot {
    private static final double LEVEL = 0.95;
    private static final Map<Quantity, String> KEYS =
            Map.of(Quantity.N, "model", Quantity.B, "batch", Quantity.D, "data");
    private static final List<Quantity> ORDER = List.of(Quantity.N, Quantity.B, Quantity.D);

    private final RateRule rule;

    private RatePilot(RateRule rule) {
        this.rule = rule;
    }

    /**
     * Fits η = coefficient · N^model · B^batch · D^data.
     *
     * @throws UserError where the sweep cannot tell it, with what to run in its place
     */
    public static RatePilot of(SweepResults results) {
        List<CellResult> ended =
                results.cells().stream().filter(RateTrials::tells).toList();
        long warmed = ended.stream().filter(cell -> !cell.constantBatch()).count();
        if (warmed > 0) {
            throw new UserError(results.place() + ": " + warmed + " of " + ended.size()
                    + " cells began with smaller batches (training.batchWarmup), and a rule for the learning rate holds"
                    + " for one batch size; run a pilot with training.batchWarmup: none");
        }
        List<Map<String, String>> settings =
                ended.stream().map(CellResult::settings).distinct().toList();
        if (settings.size() > 1) {
            throw new UserError(results.place() + ": the sweep varies "
                    + String.join(", ", settings.get(0).keySet())
                    + ", and a rule for the learning rate holds for one setting; run a pilot that varies"
                    + " grid.learningRates alone");
        }
        try {
            return new RatePilot(RateRule.fit(RateTrials.of(ended), LEVEL));
        } catch (FitRefusal refusal) {
            throw new UserError(results.place() + ": " + refusal.sentence() + " (grid.learningRates)", refusal);
        }
    }

    /** The rule in a specification, with three significant digits of each exponent. */
    public String yaml() {
        Map<String, String> exponents = new LinkedHashMap<>();
        double[] rounded = new double[ORDER.size()];
        for (int i = 0; i < rounded.length; i++) {
            BigDecimal value = BigDecimal.valueOf(
                            rule.exponents().get(ORDER.get(i)).value())
                    .round(new MathContext(3))
                    .stripTrailingZeros();
            rounded[i] = value.doubleValue();
            exponents.put(KEYS.get(ORDER.get(i)), value.toPlainString());
        }
        // The coefficient that suits the rounded exponents in the middle of what was measured.
        List<RateRule.Optimum> inside = inside();
        double coefficient = Math.exp(inside.stream()
                .mapToDouble(one -> Math.log(rule.rate(one.n(), one.b(), one.d()))
                        - rounded[0] * Math.log(one.n())
                        - rounded[1] * Math.log(one.b())
                        - rounded[2] * Math.log(one.d()))
                .average()
                .orElseThrow());
        return "training:\n  learningRate: {rule: power, coefficient: "
                + BigDecimal.valueOf(coefficient).round(new MathContext(4)).toPlainString() + ", "
                + exponents.entrySet().stream()
                        .map(entry -> entry.getKey() + ": " + entry.getValue())
                        .collect(Collectors.joining(", "))
                + "}\n";
    }

    private List<RateRule.Optimum> inside() {
        return rule.optima().stream()
                .filter(one -> one.place() == RateRule.Place.INSIDE)
                .toList();
    }

    /** For people: the rule, its intervals, what it rests on, and the YAML. */
    public String text() {
        StringBuilder text = new StringBuilder("Best learning rate = coefficient · N^model · B^batch · D^data\n");
        TextTable table = new TextTable().row("", "exponent", "95 % interval", "measured");
        for (Quantity name : ORDER) {
            Estimate exponent = rule.exponents().get(name);
            table.row(
                    KEYS.get(name) + " (" + name + ")",
                    Numbers.fixed(exponent.value(), 3),
                    varies(name)
                            ? exponent.hasInterval()
                                    ? Numbers.fixed(exponent.low(), 3) + " … " + Numbers.fixed(exponent.high(), 3)
                                    : "not determined: no best rate to spare"
                            : "not varied",
                    Numbers.count(extreme(name, false)) + " … " + Numbers.count(extreme(name, true)));
        }
        text.append(table.text("  "));
        text.append("  From ")
                .append(inside().size())
                .append(" best rates inside the rates tried, of ")
                .append(rule.optima().size())
                .append(" model, data and batch sizes");
        if (!Double.isNaN(rule.scatter())) {
            text.append("; they lie within a factor of ")
                    .append(Numbers.significant(rule.scatter(), 3))
                    .append(" of the rule");
        }
        text.append(".\n");
        long edges = edges();
        if (edges > 0) {
            text.append("  mind: ")
                    .append(edges)
                    .append(
                            " best rates lie at the edge of what was tried and are left out; widen grid.learningRates.\n");
        }
        if (!tested()) {
            return text.append(
                            "  The rule passes exactly through its best rates, and none is left to test it: keep the one"
                                    + " that the sweep had, or try rates at more sizes (grid.learningRates).\n")
                    .toString();
        }
        return text.append("  Beyond the measured sizes the rule is an extrapolation.\n\n")
                .append(yaml())
                .toString();
    }

    /** Whether there are more best rates than numbers that follow from them. */
    private boolean tested() {
        return ORDER.stream()
                .filter(this::varies)
                .allMatch(name -> rule.exponents().get(name).hasInterval());
    }

    private long edges() {
        return rule.optima().stream()
                .filter(one -> one.place() == RateRule.Place.LOWER_EDGE || one.place() == RateRule.Place.UPPER_EDGE)
                .count();
    }

    private boolean varies(Quantity name) {
        return extreme(name, true) > 1.05 * extreme(name, false);
    }

    private double extreme(Quantity name, boolean largest) {
        ToDoubleFunction<RateRule.Optimum> of = name == Quantity.N
                ? RateRule.Optimum::n
                : name == Quantity.B ? RateRule.Optimum::b : RateRule.Optimum::d;
        return largest
                ? inside().stream().mapToDouble(of).max().orElseThrow()
                : inside().stream().mapToDouble(of).min().orElseThrow();
    }

    /** For programs. */
    public String json() {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            json.setPrettyPrinter(new DefaultPrettyPrinter());
            json.writeStartObject();
            json.writeStringField("rule", "power");
            number(json, "coefficient", rule.coefficient());
            for (Quantity name : ORDER) {
                Estimate exponent = rule.exponents().get(name);
                json.writeObjectFieldStart(KEYS.get(name));
                number(json, "value", exponent.value());
                number(json, "low", varies(name) ? exponent.low() : Double.NaN);
                number(json, "high", varies(name) ? exponent.high() : Double.NaN);
                json.writeEndObject();
            }
            number(json, "scatter", rule.scatter());
            json.writeArrayFieldStart("optima");
            for (RateRule.Optimum one : rule.optima()) {
                json.writeStartObject();
                number(json, "parameters", one.n());
                number(json, "batchTokens", one.b());
                number(json, "tokens", one.d());
                json.writeStringField("place", one.place().name().toLowerCase(Locale.ROOT));
                number(json, "rate", one.rate());
                number(json, "standardErrorOfLog", one.standardError());
                json.writeEndObject();
            }
            json.writeEndArray();
            if (tested()) {
                json.writeStringField("yaml", yaml());
            } else {
                json.writeNullField("yaml");
            }
            json.writeEndObject();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return text.append('\n').toString();
    }

    private static void number(JsonGenerator json, String name, double value) throws IOException {
        json.writeFieldName(name);
        if (Double.isFinite(value)) {
            json.writeNumber(value);
        } else {
            json.writeNull();
        }
    }
}
