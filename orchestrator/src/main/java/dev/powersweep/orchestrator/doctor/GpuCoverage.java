package dev.powersweep.orchestrator.doctor;

import java.util.Arrays;
import java.util.List;

/**
 * What drives which GPU: from compute capability 7.5 on kernels of our own, where the host has the libraries they need,
 * which a trainer says before its first step; else DL4J's released CUDA backend. {@code nd4j-cuda-11.6} 1.0.0-M2.1 holds machine code for 3.7 to 8.6 and no PTX, so the
 * driver cannot compile it for newer cards; 8.7 and 8.9 run the code of 8.6.
 */
final class GpuCoverage {
    private static final double OLDEST_OF_OURS = 7.5;
    private static final double OLDEST = 3.7;
    private static final double TOO_NEW = 9.0;

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
        if (capability < OLDEST) {
            return Finding.warning(subject, seen, "older than 3.7, which DL4J's CUDA backend starts at; use gpus: 0");
        }
        String needs = capability >= OLDEST_OF_OURS
                ? "; trainers need NVRTC and cuBLAS of CUDA 13 or 12 on this host"
                        + (capability < TOO_NEW ? ", or DL4J's CUDA backend beside them" : "")
                : "; trainers need DL4J's CUDA backend beside them";
        return Finding.good(subject, seen + needs);
    }
}
