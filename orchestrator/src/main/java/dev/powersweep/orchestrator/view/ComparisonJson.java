package dev.powersweep.orchestrator.view;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** What the page of several sweeps shows, as JSON; docs/operations.md names the fields. */
public final class ComparisonJson {
    private ComparisonJson() {}

    /** @param parameter of the address by its name, as {@link ComparisonPage#html} takes it */
    public static JsonNode of(List<ComparedSweep> sweeps, Function<String, Optional<String>> parameter) {
        ComparisonAxis axis = ComparisonAxis.named(parameter.apply("at"));
        LossUnit unit = LossUnit.chosen(sweeps, parameter.apply("unit"));
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("at", axis.key()).put("unit", unit.text());
        ArrayNode all = json.putArray("sweeps");
        for (ComparedSweep sweep : sweeps) {
            SweepPicture picture = sweep.picture();
            ObjectNode one = all.addObject();
            one.put("sweep", picture.opened().sweep());
            one.put("directory", picture.opened().directory());
            one.put("pages", sweep.base() + "/");
            one.put("corpus", sweep.corpus());
            one.put("running", picture.closed().isEmpty());
            one.put("cells", picture.cells().size());
            ObjectNode states = one.putObject("states");
            picture.states().forEach((state, count) -> states.put(state.name(), count));
            ArrayNode frontier = one.putArray("frontier");
            ComparisonDrawing.frontier(ComparisonDrawing.dots(picture, unit.factor(sweep), axis))
                    .forEach(dot -> frontier.addObject()
                            .put("cell", dot.cell().plan().id())
                            .put("at", dot.x())
                            .put("loss", dot.loss()));
        }
        ArrayNode common = json.putArray("common");
        for (ComparedSweep other : sweeps.subList(1, sweeps.size())) {
            ComparedSweep first = sweeps.get(0);
            SameCells same = SameCells.of(first.picture(), unit.factor(first), other.picture(), unit.factor(other));
            ObjectNode one = common.addObject();
            one.put("pages", other.base() + "/")
                    .put("cells", same.pairs().size())
                    .put("lower", same.lower());
            number(one, "medianDifference", same.median());
            number(one, "meanDifference", same.mean());
            number(one, "standardError", same.standardError());
        }
        return json;
    }

    private static void number(ObjectNode json, String name, double value) {
        if (Double.isFinite(value)) {
            json.put(name, value);
        } else {
            json.putNull(name);
        }
    }
}
