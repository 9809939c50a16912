package dev.powersweep.orchestrator.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.storage.UserError;
import org.apache.spark.SparkConf;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CellNeedsTest {
    private static final String GPUS_OF_TASK = "spark.task.resource.gpu.amount";

    private static SparkConf conf(String master) {
        return new SparkConf(false).set("spark.master", master);
    }

    /** Spark counts ⌊1 / amount⌋ tasks of a GPU. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 12, 16, 49, 63, 64})
    void asManyCellsShareAGpuAsAreAskedFor(int cells) {
        SparkConf conf = conf("spark://host:7077");
        new CellNeeds(2, 1, cells).ask(conf);
        assertThat((int) (1 / Double.parseDouble(conf.get(GPUS_OF_TASK)))).isEqualTo(cells);
        assertThat(conf.get("spark.executor.resource.gpu.amount")).isEqualTo("1");
        assertThat(conf.get("spark.task.cpus")).isEqualTo("2");
    }

    @Test
    void aSettingThatGivesEachCellAGpuOfItsOwnIsRefusedWhereSeveralAreToShareOne() {
        SparkConf own = conf("yarn").set(GPUS_OF_TASK, "1");
        assertThatThrownBy(() -> new CellNeeds(1, 1, 4).ask(own))
                .isInstanceOf(UserError.class)
                .hasMessage("spark.task.resource.gpu.amount = 1 does not go with resources.cellsPerGpu = 4, which is a"
                        + " share of 0.25; give --conf spark.task.resource.gpu.amount=0.25, or take the setting away");
        new CellNeeds(1, 1, 4).ask(conf("yarn").set(GPUS_OF_TASK, "0.250"));
        new CellNeeds(1, 1, 1).ask(own);
        assertThat(own.get(GPUS_OF_TASK)).isEqualTo("1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"half", "1/4", "0", "-1", "NaN"})
    void whatIsNoShareIsRefusedWithTheShareToGive(String share) {
        assertThatThrownBy(() -> new CellNeeds(1, 1, 4).ask(conf("yarn").set(GPUS_OF_TASK, share)))
                .isInstanceOf(UserError.class)
                .hasMessageContainingAll(GPUS_OF_TASK + " = " + share + " ", GPUS_OF_TASK + "=0.25");
    }

    @Test
    void neitherCpusNorLocalMastersAreAskedForGpus() {
        SparkConf cpus = conf("yarn");
        CellNeeds.ONE_CORE.ask(cpus);
        SparkConf local = conf("local[2]");
        new CellNeeds(1, 1, 2).ask(local);
        assertThat(cpus.contains(GPUS_OF_TASK)).isFalse();
        assertThat(local.contains(GPUS_OF_TASK)).isFalse();
    }
}
