package dev.powersweep.orchestrator.view;

import com.samskivert.mustache.Template;
import dev.powersweep.orchestrator.text.Numbers;
import dev.powersweep.orchestrator.view.SweepEvent.CellChange;
import dev.powersweep.orchestrator.view.SweepEvent.CellPlan;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The page of one cell.
 *
 * @param curve a drawing
 * @param message of the last attempt; empty where there is none, as are failure and detail
 */
record CellPage(
        PageFrame frame, CellLine cell, String curve, List<Fact> facts, String message, String detail, String failure) {
    private static final Template TEMPLATE = Templates.named("cell.html");

    record Fact(String name, String value) {}

    static String html(PageRequest request) {
        return named(request)
                .map(cell -> TEMPLATE.execute(of(cell, request)))
                .orElse("<p>The sweep has no such cell.</p>");
    }

    /** The cell that was asked for by its identity or its name. */
    static Optional<CellView> named(PageRequest request) {
        return request.picture().cell(request.parameter().apply("id").orElse(""));
    }

    private static CellPage of(CellView cell, PageRequest request) {
        CellLine line = CellLine.of(cell, request.picture());
        return new CellPage(
                PageFrame.of(request),
                line,
                LossCurves.of(cell),
                facts(cell, line),
                cell.change().map(CellChange::message).orElse(""),
                cell.change().map(CellChange::detail).orElse(""),
                cell.change().map(CellChange::failure).orElse(""));
    }

    private static List<Fact> facts(CellView cell, CellLine line) {
        CellPlan plan = cell.plan();
        return Stream.of(
                        new Fact("identity", plan.id()),
                        new Fact("shape", plan.shape()),
                        new Fact(
                                "N",
                                plan.parameters() > 0
                                        ? plan.size(4) + " non-embedding parameters"
                                        : "unknown until its program reports it"),
                        new Fact("D", Numbers.count(plan.tokens(), 4) + " tokens"),
                        new Fact("B", Numbers.count(plan.batchTokens(), 4) + " tokens"),
                        new Fact("S", String.format(Locale.ROOT, "%,d steps", plan.steps())),
                        new Fact("U", Numbers.count(plan.uniqueTokens(), 4) + " unique tokens"),
                        new Fact("learning rate", Numbers.significant(plan.learningRate(), 3)),
                        new Fact("replicate", Long.toString(plan.seed())),
                        new Fact("attempts", Integer.toString(cell.attempt())),
                        new Fact("steps stored or seen", line.step()),
                        new Fact("validation loss", Numbers.fixed(cell.loss(), 4) + " nats/token"),
                        new Fact("tokens/s", line.rate()),
                        new Fact("predicted", Numbers.duration(plan.predictedSeconds())),
                        new Fact(
                                "took",
                                Numbers.duration(cell.change()
                                                .map(CellChange::seconds)
                                                .orElse(Double.NaN))
                                        + " in the last attempt"),
                        new Fact("host", cell.host()),
                        new Fact("log", line.log()))
                .filter(fact -> !fact.value().isEmpty())
                .toList();
    }
}
