package dev.powersweep.orchestrator.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;

class ExecutorSlotsTest {

    @Test
    void anExecutorHasAsManySlotsAsItsCoresAndItsGpusSufficeFor() {
        assertThat(ExecutorSlots.slots(1, 1, Map.of(), Map.of())).isEqualTo(1);
        assertThat(ExecutorSlots.slots(7, 2, Map.of(), Map.of())).isEqualTo(3);
        assertThat(ExecutorSlots.slots(1, 2, Map.of(), Map.of())).isZero();
        assertThat(ExecutorSlots.slots(8, 1, Map.of("gpu", 2), Map.of("gpu", 1.0)))
                .isEqualTo(2);
        assertThat(ExecutorSlots.slots(8, 1, Map.of("gpu", 3), Map.of("gpu", 2.0)))
                .isEqualTo(1);
        // Tasks share an address, but none takes parts of two.
        assertThat(ExecutorSlots.slots(8, 1, Map.of("gpu", 2), Map.of("gpu", 0.4)))
                .isEqualTo(4);
        assertThat(ExecutorSlots.slots(8, 1, Map.of("gpu", 1), Map.of("gpu", 1.0 / 3)))
                .isEqualTo(3);
        assertThat(ExecutorSlots.slots(8, 1, Map.of(), Map.of("gpu", 1.0))).isZero();
    }

    @Test
    void neitherTheDefaultParallelismNorOneCoreMakesSlotsThatAreNotThere() {
        try (JavaSparkContext spark = local("local[1]", "1")) {
            assertThat(spark.defaultParallelism()).isEqualTo(16);
            assertThat(new ExecutorSlots(spark).count()).isEqualTo(1);
        }
        try (JavaSparkContext spark = local("local[3]", "2")) {
            assertThat(new ExecutorSlots(spark).count()).isEqualTo(1);
            assertThat(new ExecutorSlots(spark).byHost()).hasSize(1).containsValue(1);
        }
    }

    @Test
    void executorsThatAreAllTooSmallForACellAreToldOf() {
        List<ExecutorSlots.Executor> small = List.of(new ExecutorSlots.Executor("0", "host", 1, 0));
        assertThat(ExecutorSlots.tooSmall(small, 2, Map.of()).orElseThrow())
                .contains("a cell takes 2 cores")
                .contains("the largest of 1 executors has 1");
        assertThat(ExecutorSlots.tooSmall(small, 1, Map.of("gpu", 2.0)).orElseThrow())
                .contains("a cell takes {gpu=2.0}");
        List<ExecutorSlots.Executor> one = new ArrayList<>(small);
        one.add(new ExecutorSlots.Executor("1", "host", 2, 1));
        assertThat(ExecutorSlots.tooSmall(one, 2, Map.of())).isEmpty();
        assertThat(ExecutorSlots.tooSmall(List.of(), 2, Map.of())).isEmpty();
    }

    @Test
    void dynamicAllocationIsSwitchedOffAndItsBoundBecomesTheNumberOfExecutors() {
        SparkConf conf = new SparkConf(false)
                .set("spark.dynamicAllocation.enabled", "true")
                .set("spark.dynamicAllocation.maxExecutors", "7");
        FixedExecutors.require(conf);
        assertThat(conf.getBoolean("spark.dynamicAllocation.enabled", true)).isFalse();
        assertThat(conf.get("spark.executor.instances")).isEqualTo("7");

        SparkConf plain = new SparkConf(false).set("spark.dynamicAllocation.maxExecutors", "7");
        FixedExecutors.require(plain);
        assertThat(plain.contains("spark.executor.instances")).isFalse();
    }

    private static JavaSparkContext local(String master, String cpus) {
        return new JavaSparkContext(new SparkConf()
                .setMaster(master)
                .setAppName("slots")
                .set("spark.task.cpus", cpus)
                .set("spark.default.parallelism", "16")
                .set("spark.ui.enabled", "false")
                .set("spark.driver.host", "127.0.0.1")
                .set("spark.driver.bindAddress", "127.0.0.1"));
    }
}
