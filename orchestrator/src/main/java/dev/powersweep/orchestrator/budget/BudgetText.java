package dev.powersweep.orchestrator.budget;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import dev.powersweep.fitting.allocation.Plan;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.orchestrator.text.Numbers;
import dev.powersweep.orchestrator.text.Shown;
import dev.powersweep.orchestrator.text.TextTable;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.function.DoubleFunction;

/** A plan as text and as JSON. */
public final class BudgetText {
    private BudgetText() {}

    public static String text(BudgetPlan budget, List<Rates.Cost> costs) {
        Plan plan = budget.plan();
        TextTable table = new TextTable().row("", "best", "interval");
        row(table, "compute 6·N·D", plan.flops(), value -> Numbers.power(value, 3) + " FLOPs");
        row(table, "parameters N", plan.n(), Numbers::count);
        row(table, "tokens D", plan.d(), Numbers::count);
        row(table, "tokens per parameter", plan.tokensPerParameter(), value -> Numbers.significant(value, 3));
        row(table, "predicted loss", plan.loss(), value -> Numbers.fixed(value, 4));
        row(table, "one such run", budget.outcome(), value -> Numbers.fixed(value, 4));
        budget.batch().ifPresent(batch -> row(table, "batch B", batch, BudgetText::tokens));
        budget.steps().ifPresent(steps -> row(table, "steps S", steps, Numbers::count));
        budget.atBatch()
                .ifPresent(loss -> table.row(
                        "loss at that batch",
                        Numbers.fixed(loss, 4),
                        "by " + budget.batchLaw().orElse("")));
        Estimate rate = budget.learningRate().value();
        if (!Double.isNaN(rate.value())) {
            row(table, "learning rate", rate, value -> Numbers.significant(value, 2));
        }
        StringBuilder text =
                new StringBuilder("By ").append(plan.law()).append(":\n").append(table.text("  "));
        text.append(
                budget.batch().isEmpty()
                        ? "  No law of the batch size was fitted: vary it in the sweep to learn B and S.\n"
                        : "  The batch is a fifth of the critical one: it costs a fifth more data than the"
                                + " smallest.\n");
        text.append("  Learning rate: ").append(budget.learningRate().source()).append(".\n");
        for (Plan.Gain gain : plan.gains()) {
            text.append("  From ")
                    .append(Numbers.power(gain.fromFlops(), 3))
                    .append(" to ")
                    .append(Numbers.power(gain.toFlops(), 3))
                    .append(" FLOPs the loss falls by ")
                    .append(Numbers.fixed(gain.nats().value(), 4))
                    .append(interval(gain.nats()))
                    .append(".\n");
        }
        plan.sensitivity().ifPresent(moves -> text.append(sensitivity(moves)));
        if (plan.regret().hasInterval()) {
            text.append("  Should the truth lie elsewhere in the interval, this division gives away up to ")
                    .append(Numbers.fixed(plan.regret().high(), 4))
                    .append(" nats.\n");
        }
        for (Rates.Cost cost : costs) {
            text.append("  On ")
                    .append(cost.machines() == 1 ? "one" : Integer.toString(cost.machines()))
                    .append(' ')
                    .append(cost.rates().name())
                    .append(": ")
                    .append(Numbers.duration(cost.seconds()));
            if (Double.isFinite(cost.kilowattHours())) {
                text.append(", ")
                        .append(Numbers.significant(cost.kilowattHours(), 3))
                        .append(" kWh, ")
                        .append(Numbers.significant(cost.price(), 3))
                        .append(' ')
                        .append(cost.rates().currency());
            }
            text.append('\n');
        }
        budget.warnings()
                .forEach(warning ->
                        text.append("  mind: ").append(Shown.line(warning)).append('\n'));
        return text.toString();
    }

    /** A batch of whole sequences is written as it goes into a specification. */
    private static String tokens(double batch) {
        return Numbers.count(batch, batch == Math.rint(batch) ? 4 : 3) + " tokens";
    }

    /** How the answer moves over the interval of the exponent. */
    private static String sensitivity(Plan.Sensitivity moves) {
        TextTable table = new TextTable()
                .row("exponent", "N", "D", "loss")
                .row(
                        Numbers.fixed(moves.exponentLow(), 3),
                        Numbers.count(moves.nAtLow()),
                        Numbers.count(moves.dAtLow()),
                        Numbers.fixed(moves.lossAtLow(), 4))
                .row(
                        Numbers.fixed(moves.exponentHigh(), 3),
                        Numbers.count(moves.nAtHigh()),
                        Numbers.count(moves.dAtHigh()),
                        Numbers.fixed(moves.lossAtHigh(), 4));
        return "  N_opt grows with C to the power of " + Numbers.fixed(moves.exponent(), 3)
                + "; at the ends of its interval:\n" + table.text("    ");
    }

    private static void row(TextTable table, String name, Estimate value, DoubleFunction<String> format) {
        String low = format.apply(value.low());
        String high = format.apply(value.high());
        table.row(
                name, format.apply(value.value()), value.hasInterval() && !low.equals(high) ? low + " … " + high : "");
    }

    private static String interval(Estimate value) {
        return value.hasInterval()
                ? " (" + Numbers.fixed(value.low(), 4) + " … " + Numbers.fixed(value.high(), 4) + ")"
                : "";
    }

    /** What is answered in JSON where there is no plan. */
    public static String refused(String sentence) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            json.setPrettyPrinter(new DefaultPrettyPrinter());
            json.writeStartObject();
            json.writeStringField("refused", sentence);
            json.writeEndObject();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return text.append('\n').toString();
    }

    public static String json(BudgetPlan budget, List<Rates.Cost> costs) {
        Plan plan = budget.plan();
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            json.setPrettyPrinter(new DefaultPrettyPrinter());
            json.writeStartObject();
            json.writeStringField("goal", plan.goal().words());
            json.writeStringField("law", plan.law());
            estimate(json, "flops", plan.flops());
            estimate(json, "parameters", plan.n());
            estimate(json, "tokens", plan.d());
            estimate(json, "tokensPerParameter", plan.tokensPerParameter());
            estimate(json, "loss", plan.loss());
            estimate(json, "outcome", budget.outcome());
            if (budget.batch().isPresent()) {
                json.writeObjectFieldStart("batch");
                json.writeStringField("law", budget.batchLaw().orElse(""));
                estimate(json, "tokens", budget.batch().get());
                estimate(json, "steps", budget.steps().orElseThrow());
                number(json, "loss", budget.atBatch().orElse(Double.NaN));
                json.writeEndObject();
            }
            estimate(json, "learningRate", budget.learningRate().value());
            json.writeStringField("learningRateSource", budget.learningRate().source());
            json.writeArrayFieldStart("gains");
            for (Plan.Gain gain : plan.gains()) {
                json.writeStartObject();
                number(json, "fromFlops", gain.fromFlops());
                number(json, "toFlops", gain.toFlops());
                estimate(json, "nats", gain.nats());
                json.writeEndObject();
            }
            json.writeEndArray();
            if (plan.sensitivity().isPresent()) {
                Plan.Sensitivity moves = plan.sensitivity().get();
                json.writeObjectFieldStart("sensitivity");
                number(json, "exponent", moves.exponent());
                end(json, "low", moves.exponentLow(), moves.nAtLow(), moves.dAtLow(), moves.lossAtLow());
                end(json, "high", moves.exponentHigh(), moves.nAtHigh(), moves.dAtHigh(), moves.lossAtHigh());
                json.writeEndObject();
            }
            estimate(json, "regret", plan.regret());
            costs(json, costs);
            json.writeArrayFieldStart("warnings");
            for (String warning : budget.warnings()) {
                json.writeString(warning);
            }
            json.writeEndArray();
            json.writeEndObject();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return text.append('\n').toString();
    }

    private static void costs(JsonGenerator json, List<Rates.Cost> costs) throws IOException {
        json.writeArrayFieldStart("costs");
        for (Rates.Cost cost : costs) {
            json.writeStartObject();
            json.writeStringField("machine", cost.rates().name());
            json.writeNumberField("machines", cost.machines());
            number(json, "seconds", cost.seconds());
            number(json, "kilowattHours", cost.kilowattHours());
            number(json, "price", cost.price());
            json.writeStringField("currency", cost.rates().currency());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void end(JsonGenerator json, String name, double exponent, double n, double d, double loss)
            throws IOException {
        json.writeObjectFieldStart(name);
        number(json, "exponent", exponent);
        number(json, "parameters", n);
        number(json, "tokens", d);
        number(json, "loss", loss);
        json.writeEndObject();
    }

    private static void estimate(JsonGenerator json, String name, Estimate estimate) throws IOException {
        json.writeObjectFieldStart(name);
        number(json, "value", estimate.value());
        number(json, "low", estimate.low());
        number(json, "high", estimate.high());
        json.writeEndObject();
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
