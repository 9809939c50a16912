package dev.powersweep.fitting;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.fitting.result.FitResult;
import java.lang.reflect.Field;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.openjdk.jmh.annotations.Param;

/** The benchmark's planted runs are ones that each law can be fitted to; its speed is no matter here. */
class FitBenchmarkTest {
    static Stream<String> laws() {
        return Laws.names().stream();
    }

    @Test
    void everyLawHasABenchmark() throws Exception {
        Field law = FitBenchmark.class.getDeclaredField("law");

        assertThat(List.of(law.getAnnotation(Param.class).value())).isEqualTo(Laws.names());
    }

    @ParameterizedTest
    @MethodSource("laws")
    void everyLawFitsItsPlantedRuns(String name) {
        FitBenchmark benchmark = new FitBenchmark();
        benchmark.law = name;
        benchmark.plant();

        FitResult fit = benchmark.fit();

        assertThat(fit.law()).isEqualTo(name);
        assertThat(fit.parameters().values())
                .allSatisfy(estimate -> assertThat(estimate.value()).isFinite());
        assertThat(fit.convergence().certified()).as(fit.convergence().how()).isTrue();
    }
}
