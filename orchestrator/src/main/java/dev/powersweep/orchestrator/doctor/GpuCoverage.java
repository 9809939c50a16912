package dev.powersweep.orchestrator.doctor;

import java.util.Arrays;
import java.util.List;

/**
 * Which GPUs DL4J's released CUDA backend can drive. {@code nd4j-cuda-11.6} 1.0.0-M2.1 holds machine code for compute
 * capability 3.7 to 8.6 and no PTX, so the driver cannot compile it for newer cards; 8.7 and 8.9 run the code of 8.6.
 */
final class GpuCoverage {
    private GpuCoverage() {}

    /** Judges a line {@code index, name, compute capability, memory, driver} of nvidia-smi. */
    static Finding judge(String line) {
        List<String> fields = Arrays.stream(line.split(",")).map(String::strip).toList();
        String subject = "GPU " + fields.get(0);
        String seen = fields.get(1) + ", compute capability " + fields.get(2) + ", " + fields.get(3) + ", driver "
                + fields.get(4);
        double capability;
        try {
            capability = Double.parseDouble(fields.get(2));
        } catch (NumberFormatException e) {
            return Finding.warning(subject, seen, "its compute capability is unknown; try one cell on it first");
        }
        if (capability >= 9.0) {
            return Finding.warning(
                    subject,
                    seen,
                    "the released DL4J CUDA backend has no code for compute capability 9.0 and newer; run cells on the"
                            + " CPU backend (gpus: 0), or build the trainer with a backend compiled for this card");
        }
        if (capability < 3.7) {
            return Finding.warning(subject, seen, "older than 3.7, which DL4J's CUDA backend starts at; use gpus: 0");
        }
        return Finding.good(subject, seen);
    }
}
