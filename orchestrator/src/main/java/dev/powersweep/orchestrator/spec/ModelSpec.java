package dev.powersweep.orchestrator.spec;

import dev.powersweep.worker.cell.ModelShape;

/** What the models of a sweep have in common. */
public record ModelSpec(
        ModelShape.Activation activation,
        ModelShape.Positions positions,
        ModelShape.Normalization normalization,
        ModelShape.Embeddings embeddings) {}
