package dev.powersweep.worker.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Products by oneDNN against those by OpenBLAS. */
class OneDnnTest {

    private static final long SEED = Long.getLong("test.seed", 20260101);
    private static final int ROWS = 37;
    private static final int INPUTS = 211;
    private static final int OUTPUTS = 333;

    private final CpuSpan x = random(ROWS * INPUTS, 0);
    private final CpuSpan w = random(INPUTS * OUTPUTS, 1);
    private final CpuSpan dy = random(ROWS * OUTPUTS, 2);

    @Test
    @EnabledIfSystemProperty(named = "os.arch", matches = "amd64|x86_64")
    void isThereOnTheProcessorsThatItIsMadeFor() {
        assertThat(new Blas().describe()).contains("large products by oneDNN 2.");
    }

    @Test
    void largeProductsEqualThoseOfOpenBlas() {
        Blas large = new Blas(Blas.Cut.BLOCKED, OneDnn.load());
        Blas small = new Blas(Blas.Cut.WHOLE, Optional.empty());

        CpuSpan y = CpuSpan.allocate(ROWS * OUTPUTS);
        CpuSpan expected = CpuSpan.allocate(ROWS * OUTPUTS);
        large.linear(x.address, w.address, y.address, ROWS, INPUTS, OUTPUTS);
        small.linear(x.address, w.address, expected.address, ROWS, INPUTS, OUTPUTS);
        assertClose(y, expected);

        CpuSpan dw = random(INPUTS * OUTPUTS, 3);
        CpuSpan expectedDw = random(INPUTS * OUTPUTS, 3);
        large.weightGradient(x.address, dy.address, dw.address, ROWS, INPUTS, OUTPUTS);
        small.weightGradient(x.address, dy.address, expectedDw.address, ROWS, INPUTS, OUTPUTS);
        assertClose(dw, expectedDw);
    }

    @Test
    void theSameProductTwiceIsTheSameToTheLastBit() {
        Blas blas = new Blas();
        CpuSpan first = CpuSpan.allocate(ROWS * OUTPUTS);
        CpuSpan second = CpuSpan.allocate(ROWS * OUTPUTS);
        blas.linear(x.address, w.address, first.address, ROWS, INPUTS, OUTPUTS);
        blas.linear(x.address, w.address, second.address, ROWS, INPUTS, OUTPUTS);
        assertThat(first.bytes()).isEqualTo(second.bytes());
    }

    private static void assertClose(CpuSpan actual, CpuSpan expected) {
        for (int i = 0; i < actual.length(); i++) {
            assertThat(actual.get(i)).as("element %d, seed %d", i, SEED).isCloseTo(expected.get(i), within(2e-4));
        }
    }

    private static CpuSpan random(int length, int stream) {
        Random random = new Random(SEED + stream);
        CpuSpan span = CpuSpan.allocate(length);
        for (int i = 0; i < length; i++) {
            span.set(i, random.nextGaussian());
        }
        return span;
    }
}
