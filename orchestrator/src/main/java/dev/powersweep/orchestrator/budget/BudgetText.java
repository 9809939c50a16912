package dev.powersweep.orchestrator.budget;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import dev.powersweep.orchestrator.text.Numbers;
import dev.powersweep.orchestrator.text.TextTable;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.function.DoubleFunction;

/** A plan as text and as JSON. */
public final class BudgetText {
    private BudgetText() {}

    public static String text(BudgetPlan plan, List<Rates.Cost> costs) {
        TextTable table = new TextTable().row("", "best", "interval");
        row(table, "compute 6·N·D", plan.compute(), value -> Numbers.power(value, 3) + " FLOPs");
        row(table, "parameters N", plan.parameters(), Numbers::count);
        row(table, "tokens D", plan.tokens(), Numbers::count);
        row(
                table,
                "tokens per parameter",
                new Ranged(plan.tokens().value() / plan.parameters().value(), Double.NaN, Double.NaN),
                value -> Numbers.significant(value, 3));
        row(table, "predicted loss", plan.loss(), value -> Numbers.fixed(value, 4));
        row(table, "one such run", plan.outcome(), value -> Numbers.fixed(value, 4));
        plan.batch().ifPresent(batch -> {
            row(table, "critical batch", batch.critical(), value -> Numbers.count(value) + " tokens");
            table.row("batch B", Numbers.count(batch.tokens()) + " tokens", "a fifth more data");
            table.row("steps S", Numbers.count(batch.steps()), "");
        });
        if (!Double.isNaN(plan.learningRate())) {
            table.row("learning rate", Numbers.significant(plan.learningRate(), 2), "Kaplan's rule of thumb");
        }
        StringBuilder text =
                new StringBuilder("By ").append(plan.law()).append(":\n").append(table.text("  "));
        if (plan.batch().isEmpty()) {
            text.append("  No law of the batch size was fitted: vary it in the sweep to learn B and S.\n");
        }
        text.append("  Twice the compute would lower the loss by ")
                .append(Numbers.fixed(plan.loss().value() - plan.doubled(), 4))
                .append(" to ")
                .append(Numbers.fixed(plan.doubled(), 4))
                .append(".\n");
        for (Rates.Cost cost : costs) {
            text.append("  On one ")
                    .append(cost.rates().name())
                    .append(": ")
                    .append(Numbers.duration(cost.seconds()))
                    .append(", ")
                    .append(Numbers.significant(cost.kilowattHours(), 3))
                    .append(" kWh, ")
                    .append(Numbers.significant(cost.price(), 3))
                    .append(' ')
                    .append(cost.rates().currency())
                    .append('\n');
        }
        return text.toString();
    }

    private static void row(TextTable table, String name, Ranged value, DoubleFunction<String> format) {
        boolean wide = value.hasInterval() && value.high() > value.low();
        table.row(
                name,
                format.apply(value.value()),
                wide ? format.apply(value.low()) + " … " + format.apply(value.high()) : "");
    }

    public static String json(BudgetPlan plan, List<Rates.Cost> costs) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            json.setPrettyPrinter(new DefaultPrettyPrinter());
            json.writeStartObject();
            json.writeStringField("law", plan.law());
            ranged(json, "flops", plan.compute());
            ranged(json, "parameters", plan.parameters());
            ranged(json, "tokens", plan.tokens());
            ranged(json, "loss", plan.loss());
            ranged(json, "outcome", plan.outcome());
            number(json, "lossWithTwiceTheFlops", plan.doubled());
            if (plan.batch().isPresent()) {
                BudgetPlan.Batch batch = plan.batch().get();
                json.writeObjectFieldStart("batch");
                json.writeStringField("law", batch.law());
                ranged(json, "criticalTokens", batch.critical());
                number(json, "tokens", batch.tokens());
                number(json, "steps", batch.steps());
                json.writeEndObject();
            }
            number(json, "learningRate", plan.learningRate());
            json.writeArrayFieldStart("costs");
            for (Rates.Cost cost : costs) {
                json.writeStartObject();
                json.writeStringField("machine", cost.rates().name());
                number(json, "seconds", cost.seconds());
                number(json, "kilowattHours", cost.kilowattHours());
                number(json, "price", cost.price());
                json.writeStringField("currency", cost.rates().currency());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return text.append('\n').toString();
    }

    private static void ranged(JsonGenerator json, String name, Ranged ranged) throws IOException {
        json.writeObjectFieldStart(name);
        number(json, "value", ranged.value());
        number(json, "low", ranged.low());
        number(json, "high", ranged.high());
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
