package dev.powersweep.orchestrator.fits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.KnownSweep;
import dev.powersweep.orchestrator.results.SweepResults;
import java.util.List;
import org.junit.jupiter.api.Test;

class WarmedUpTest {
    private static final FitOptions OPTIONS = SweepFitter.options().bootstrap(0);
    private static final SweepResults KNOWN = KnownSweep.results(0, 1);

    private static FitSet fit(SweepResults sweep, String... laws) {
        return SweepFitter.fit(sweep, List.of(laws), OPTIONS);
    }

    private static FitSet.Fitted fitted(FitSet set, String law) {
        return set.fitted().stream()
                .filter(one -> one.result().law().equals(law))
                .findFirst()
                .orElseThrow();
    }

    /** Those of the largest model are said to have been warmed up: the batch laws are those of the other models alone. */
    @Test
    void lawsOfTheBatchLeaveCellsOutThatBeganWithSmallerOnesAndSaySo() {
        double largest = KNOWN.usable().stream()
                .mapToDouble(CellResult::parameters)
                .max()
                .orElseThrow();
        SweepResults warmed = KnownSweep.warmedUp(KNOWN, cell -> cell.parameters() == largest);
        SweepResults without = new SweepResults(
                KNOWN.name(),
                KNOWN.place(),
                KNOWN.specification(),
                KNOWN.cells().stream()
                        .filter(cell -> cell.parameters() < largest)
                        .toList(),
                KNOWN.training(),
                KNOWN.validation(),
                KNOWN.noise(),
                KNOWN.provenance());
        String[] laws = {"critical-batch", "steps-batch", "kaplan-cmin", "chinchilla"};
        FitSet set = fit(warmed, laws);
        FitSet reference = fit(without, laws);
        for (String law : List.of("critical-batch", "steps-batch", "kaplan-cmin")) {
            fitted(reference, law).result().parameters().forEach((name, estimate) -> assertThat(
                            fitted(set, law).result().value(name))
                    .as("%s of %s", name, law)
                    .isCloseTo(estimate.value(), within(1e-9 * Math.abs(estimate.value()))));
        }
        assertThat(fitted(set, "chinchilla").result().parameters())
                .as("laws in N and D count them")
                .isEqualTo(fitted(fit(KNOWN, laws), "chinchilla").result().parameters());
        assertThat(set.notes())
                .contains(
                        "11 of 58 cells began with smaller batches (training.batchWarmup); laws that know the batch, the"
                                + " steps or the learning rate leave them out, since they are no runs of one batch size.");
        assertThat(reference.notes()).noneMatch(note -> note.contains("smaller batches"));
    }

    @Test
    void aSweepThatWarmedUpEveryCellHasNoLawOfTheBatch() {
        FitSet set = fit(KnownSweep.warmedUp(KNOWN, cell -> true), "critical-batch", "multi-power", "chinchilla");
        assertThat(set.refused()).extracting(FitSet.Refused::law).containsExactly("critical-batch", "multi-power");
        assertThat(set.refused().get(0).toString())
                .contains("critical-batch holds for runs of one batch size, and every finished cell began with smaller"
                        + " batches (training.batchWarmup); train cells with training.batchWarmup: none.");
        assertThat(set.fitted()).hasSize(1);
    }

    @Test
    void itsStepsAreMoreThanItsTokensOverItsBatch() {
        CellResult cell = KnownSweep.warmedUp(KNOWN, any -> true).usable().get(0);
        double batches = cell.tokens() / cell.batchTokens();
        assertThat(cell.steps()).isCloseTo(Math.round(0.2 * batches) + 0.9 * batches, within(1e-9));
    }
}
