package dev.powersweep.orchestrator.spec;

import static dev.powersweep.orchestrator.spec.SpecKey.optional;
import static dev.powersweep.orchestrator.spec.SpecKey.withDefault;

import dev.powersweep.orchestrator.spec.EvaluationSpec.Interval;
import dev.powersweep.orchestrator.spec.ValueKind.Named;
import dev.powersweep.orchestrator.spec.ValueKind.Numeric;
import dev.powersweep.orchestrator.spec.ValueKind.Section;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The keys of {@code evaluation}. */
final class EvaluationKeys {
    private static final List<String> RESERVED_SETS = List.of("train", "validation");

    private static final SpecKey<Long> EVERY_STEPS =
            optional("everySteps", Numeric.wholeFrom(1), "`timesPerRun`", "Steps between evaluations.");
    private static final SpecKey<Long> EVERY_TOKENS =
            optional("everyTokens", Numeric.wholeFrom(1), "`timesPerRun`", "Tokens between evaluations.");
    private static final SpecKey<Integer> TIMES_PER_RUN = withDefault(
                    "timesPerRun", Numeric.whole(1, 1_000_000), "5", "Evaluations, equally spaced.")
            .unless(EVERY_STEPS, EVERY_TOKENS);
    private static final SpecKey<Long> TOKENS = withDefault(
            "tokens", Numeric.wholeFrom(1), "32768", "Held-out tokens scored each time; the same ones every time.");
    private static final SpecKey<Map<String, List<String>>> SETS = withDefault(
            "sets",
            new Named<>(SpecKeys.NAME_PATTERN, "letters, digits, '.', '_' and '-'", CorpusKeys.PATHS),
            "{}",
            "Further held-out texts, name: paths; the corpus's own comes first, as `validation`.");

    static final Section<EvaluationSpec> SECTION = Section.of(
                    EvaluationKeys::evaluation, TIMES_PER_RUN, EVERY_STEPS, EVERY_TOKENS, TOKENS, SETS)
            .atMostOneOf(TIMES_PER_RUN, EVERY_STEPS, EVERY_TOKENS);

    private EvaluationKeys() {}

    private static EvaluationSpec evaluation(Settings evaluation) {
        Optional<Interval> steps = evaluation.find(EVERY_STEPS).map(Interval.EverySteps::new);
        Optional<Interval> tokens = evaluation.find(EVERY_TOKENS).map(Interval.EveryTokens::new);
        Interval interval =
                steps.or(() -> tokens).orElseGet(() -> new Interval.TimesPerRun(evaluation.get(TIMES_PER_RUN)));
        List<EvaluationSpec.Set> sets = new ArrayList<>();
        evaluation.get(SETS).forEach((name, paths) -> {
            if (RESERVED_SETS.contains(name)) {
                evaluation.wrongEntry(SETS, name, "has the corpus's own name; choose another one");
            }
            sets.add(new EvaluationSpec.Set(name, paths));
        });
        return new EvaluationSpec(interval, evaluation.get(TOKENS), sets);
    }
}
