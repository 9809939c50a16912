package dev.powersweep.worker.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.worker.gpu.EmulatedDevice.Build;
import dev.powersweep.worker.gpu.EmulatedDevice.Threads;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the emulated device refuses, so that a kernel which passes there does none of it. */
class EmulatorTest {

    @Test
    void aLaunchThatNoCardTakesIsRefused() {
        assertThatThrownBy(() -> launch(Grid.of(1, 70_000), 32)).hasMessageContaining("of a size that no card takes");
        assertThatThrownBy(() -> launch(Grid.of(1), 2048)).hasMessageContaining("of a size that no card takes");
    }

    /** A block that is no whole number of warps reads lanes that are not there. */
    @Test
    void aShuffleFromAMissingLaneIsRefused() {
        assertThatThrownBy(() -> {
                    try (EmulatedDevice device = new EmulatedDevice(Threads.FORWARDS)) {
                        long x = device.floats(1, 2, 3);
                        device.launch("attentionDots_float", Grid.of(1), 20, x, x, x, 1, 1, 1, 32, 32);
                        device.readFloats(x, 1);
                    }
                })
                .hasMessageContaining("attentionDots_float: a shuffle from a lane that is not there");
    }

    @Test
    void unknownKernelsAndWrongNumbersOfArgumentsAreRefused() {
        assertThatThrownBy(() -> launch("nothing", Grid.of(1), 1)).hasMessageContaining("no kernel nothing");
        assertThatThrownBy(() -> launch("embed", Grid.of(1), 1, 1, 2))
                .hasMessageContaining("embed takes 14 arguments, not 2");
    }

    @Test
    void capturedWorkIsDoneAsOftenAsItIsRunAndNotBefore() {
        try (EmulatedDevice device = new EmulatedDevice(Threads.FORWARDS)) {
            long x = device.floats(2, 3);
            Device.Work twice = device.capture(() -> device.launch("gelu_float", Grid.of(1), 32, x, x, 1));
            assertThat(device.readFloats(x, 2)).containsExactly(2, 3);
            twice.run();
            float once = device.readFloats(x, 1)[0];
            assertThat(once).isBetween(1.95f, 1.96f);
            twice.run();
            assertThat(device.readFloats(x, 2)[0]).isBetween(1.9f, 1.91f);
            assertThat(device.readFloats(x, 2)[1]).isEqualTo(3);
        }
    }

    /** The sanitisers see what they should: one number behind an allocation. */
    @Tag("nightly")
    @ParameterizedTest
    @EnumSource
    void theSanitisedDeviceSeesAReadBehindAnAllocation(Threads threads) {
        assertThatThrownBy(() -> {
                    try (EmulatedDevice device = new EmulatedDevice(Build.SANITISED, threads)) {
                        long x = device.floats(1, 2, 3, 4);
                        device.launch("gelu_float", Grid.of(1), 32, x, device.allocate(64), 5);
                        device.readFloats(x, 1);
                    }
                })
                .hasMessageContaining("heap-buffer-overflow");
    }

    private static void launch(Grid grid, int threads) {
        launch("gelu_float", grid, threads, 0, 0, 0);
    }

    private static void launch(String kernel, Grid grid, int threads, long... arguments) {
        try (EmulatedDevice device = new EmulatedDevice(Threads.FORWARDS)) {
            long x = device.allocate(16);
            device.launch(kernel, grid, threads, arguments);
            device.readFloats(x, 1);
        }
    }
}
