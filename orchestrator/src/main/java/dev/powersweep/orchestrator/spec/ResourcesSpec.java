package dev.powersweep.orchestrator.spec;

import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a cell may use.
 *
 * @param threads OMP and BLAS threads of a trainer
 * @param memoryBytes cap on a trainer's memory; the plan's estimate with room to spare where absent
 * @param gpus of a trainer; 0 for the CPU backend
 * @param cellsPerGpu cells at once on each, ≥ 1; more than one only where {@code gpus} is 1
 * @param trainerJava Java home that trainers run on; the executor's own where absent
 */
public record ResourcesSpec(
        int threads, OptionalLong memoryBytes, int gpus, int cellsPerGpu, Optional<String> trainerJava) {}
