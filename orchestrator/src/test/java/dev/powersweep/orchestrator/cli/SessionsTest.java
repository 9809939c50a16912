package dev.powersweep.orchestrator.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Settings that a user gave to spark-submit, which reach the driver as system properties. */
class SessionsTest {
    private static final String DYNAMIC = "spark.dynamicAllocation.enabled";

    @BeforeEach
    void given() {
        System.setProperty(DYNAMIC, "true");
        System.setProperty("spark.ui.enabled", "false");
    }

    @AfterEach
    void forget() {
        System.clearProperty(DYNAMIC);
        System.clearProperty("spark.ui.enabled");
    }

    /** Both count executors before they submit a job, and under dynamic allocation only jobs ask for executors. */
    @Test
    void dynamicAllocationIsSwitchedOffForASweepAndForAFit() {
        SparkSession session = Sessions.forSweep("s", Optional.of("local[1]"), CellNeeds.ONE_CORE);
        try {
            assertThat(session.sparkContext().getConf().get(DYNAMIC)).isEqualTo("false");
        } finally {
            session.stop();
        }
        String ofAFit = Sessions.fitting(
                "local[1]", runner -> SparkContext.getOrCreate().getConf().get(DYNAMIC));
        assertThat(ofAFit).isEqualTo("false");
    }

    /** As of {@link StackOverflowError}: Spark left to itself would end this process with status 50. */
    @Test
    void afterAFatalErrorInATaskOfALocalMasterTheJobFailsAndTheProcessGoesOn() {
        SparkSession sweep = Sessions.forSweep("s", Optional.of("local[1]"), CellNeeds.ONE_CORE);
        try {
            failsAlone(new JavaSparkContext(sweep.sparkContext()));
        } finally {
            sweep.stop();
        }
        SparkSession query = Sessions.forQuery("local[1]");
        try {
            failsAlone(new JavaSparkContext(query.sparkContext()));
        } finally {
            query.stop();
        }
        String fit = Sessions.fitting("local[1]", runner -> {
            failsAlone(new JavaSparkContext(SparkContext.getOrCreate()));
            return "went on";
        });
        assertThat(fit).isEqualTo("went on");
    }

    private static void failsAlone(JavaSparkContext spark) {
        JavaRDD<Integer> one = spark.parallelize(List.of(1), 1);
        assertThatThrownBy(() -> one.map(SessionsTest::overflow).count())
                .hasMessageContaining("StackOverflowError")
                .hasRootCauseInstanceOf(StackOverflowError.class);
        assertThat(one.count()).isEqualTo(1);
    }

    private static int overflow(int number) {
        throw new StackOverflowError("at " + number);
    }
}
