package dev.powersweep.worker.kernels;

/** What a kernel does to what its output held before. */
public enum Write {
    REPLACE,
    ADD
}
