package dev.powersweep.worker.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.cell.FailureClass;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.junit.jupiter.api.Test;

class FailuresTest {
    @Test
    void memoryIsRecognisedInAllItsDisguises() {
        assertThat(Failures.classify(new OutOfMemoryError("Java heap space"))).isEqualTo(FailureClass.HOST_MEMORY);
        assertThat(Failures.classify(new RuntimeException(new OutOfMemoryError())))
                .isEqualTo(FailureClass.HOST_MEMORY);
        // JavaCPP 1.5.7, Pointer.deallocator
        assertThat(Failures.classify(new OutOfMemoryError(
                        "Physical memory usage is too high: physicalBytes (2G) >" + " maxPhysicalBytes (1G)")))
                .isEqualTo(FailureClass.HOST_MEMORY);
        assertThat(Failures.classify(
                        new IllegalStateException("Cannot allocate new FloatPointer(10): totalBytes = 1G")))
                .isEqualTo(FailureClass.HOST_MEMORY);
        assertThat(Failures.classify(new RuntimeException("std::bad_alloc"))).isEqualTo(FailureClass.HOST_MEMORY);
    }

    @Test
    void whatNobodyForesawIsABug() {
        assertThat(Failures.classify(new IllegalStateException("a surprise"))).isEqualTo(FailureClass.BUG);
        assertThat(Failures.classify(new NullPointerException())).isEqualTo(FailureClass.BUG);
        assertThat(Failures.classify(new UncheckedIOException(new IOException("No space left on device"))))
                .isEqualTo(FailureClass.IO);
    }

    @Test
    void theStackGoesIntoTheDetailAndATypeStandsInForAMissingMessage() {
        Throwable failure = new IllegalStateException();
        assertThat(Failures.message(failure)).isEqualTo("java.lang.IllegalStateException");
        assertThat(Failures.stack(failure)).contains("FailuresTest");
    }

    @Test
    void peakMemoryIsReadFromTheKernelsStatus() {
        assertThat(Memory.peakBytes("Name:\tjava\nVmHWM:\t  123456 kB\nVmRSS:\t 1 kB\n"))
                .isEqualTo(123456L << 10);
        assertThat(Memory.peakBytes()).isGreaterThan(1L << 20);
    }
}
