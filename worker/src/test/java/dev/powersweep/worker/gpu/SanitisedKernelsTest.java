package dev.powersweep.worker.gpu;

import dev.powersweep.worker.gpu.EmulatedDevice.Build;
import dev.powersweep.worker.gpu.EmulatedDevice.Threads;
import org.junit.jupiter.api.Tag;

/** The same with sanitisers: no kernel reads or writes beside an allocation or shared memory. */
@Tag("nightly")
class SanitisedKernelsTest extends EmulatedKernelsTest {

    @Override
    EmulatedDevice device(Threads threads) {
        return new EmulatedDevice(Build.SANITISED, threads);
    }
}
