package dev.powersweep.orchestrator.results;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.grid.CorpusFacts;
import dev.powersweep.orchestrator.grid.GridResolver;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.worker.cell.Cell;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class VariedSettingsTest {
    private static final CorpusFacts CORPUS =
            new CorpusFacts("c0ffee", 256, 8_500_000, List.of(new CorpusFacts.EvaluationSet("validation", 450_000)));

    private static List<Cell> cells(String text) {
        return GridResolver.resolve(SweepSpecReader.read(text, "sweep.yaml", List.of()), CORPUS).cells().stream()
                .map(cell -> cell.cell())
                .toList();
    }

    @Test
    void whatFollowsFromSizeDataAndBatchIsNoSetting() {
        List<Cell> cells = cells(
                "{context: 64, grid: {modelSizes: [25k, 100k, 1M], dataSizes: [300k, 1M], batchSizes: [256, 1024], learningRates: [0.001, 0.002], seeds: [0, 1]}, training: {warmup: {fraction: 0.1}}}");
        assertThat(VariedSettings.of(cells).values()).hasSize(48).containsOnly(Map.of());
    }

    /** A sweep that begins all its runs with smaller batches varies nothing by it; one that does so of some runs does. */
    @Test
    void aWarmUpOfTheBatchIsASettingWhereCellsOfOneSizeDifferInIt() {
        String text = "{context: 64, grid: {modelSizes: [25k, 100k], dataSizes: [300k, 1M], batchSizes: [256, 1024]%s},"
                + " training: {warmup: {steps: 20}, batchWarmup: {doubleAt: [10_240, 51_200]}}}";
        assertThat(VariedSettings.of(cells(text.formatted(""))).values())
                .hasSize(8)
                .containsOnly(Map.of());
        List<Cell> both = cells(text.formatted(", axes: {training.batchWarmup: [none, {doubleAt: 10_240}]}"));
        Map<String, Map<String, String>> settings = VariedSettings.of(both);
        assertThat(settings.values()).hasSize(16).allSatisfy(own -> assertThat(own)
                .containsOnlyKeys("training.batchWarmup"));
        assertThat(settings.get(both.get(0).id())).containsEntry("training.batchWarmup", "none");
        assertThat(settings.get(both.get(1).id())).containsEntry("training.batchWarmup", "128 to 10240, rates 0.707");
    }

    @Test
    void axesAreSettingsAndNothingElseIs() {
        List<Cell> cells = cells(
                """
                grid:
                  modelSizes: [25k, 100k]
                  dataSizes: [300k, 1M]
                  axes:
                    training.optimizer.weightDecay: [0, 0.1]
                    training.warmup.fraction: [0.05, 0.2]
                    training.schedule: [constant, {kind: linear, finalFraction: 0}]
                    model.activation: [gelu, squared-relu]
                """);
        Map<String, Map<String, String>> settings = VariedSettings.of(cells);
        assertThat(settings).hasSize(64);
        assertThat(settings.values()).allSatisfy(own -> assertThat(own)
                .containsOnlyKeys(
                        "model.activation",
                        "training.optimizer.weightDecay",
                        "training.schedule",
                        "training.warmup.steps"));
        assertThat(settings.get(cells.get(0).id()))
                .containsEntry("training.optimizer.weightDecay", "0")
                .containsEntry("model.activation", "gelu")
                .containsEntry("training.schedule", "constant");
        assertThat(settings.values().stream()
                        .map(own -> own.get("training.schedule"))
                        .distinct())
                .containsExactly("constant", "linear finalFraction=0");
        assertThat(VariedSettings.of(List.of())).isEmpty();
    }
}
