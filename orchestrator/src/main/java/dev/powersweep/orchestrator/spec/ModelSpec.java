package dev.powersweep.orchestrator.spec;

import dev.powersweep.worker.cell.ModelShape;
import java.util.OptionalInt;

/**
 * What the models of a sweep have in common.
 *
 * @param headWidth dimensions of an attention head; by width where absent
 */
public record ModelSpec(
        ModelShape.Activation activation,
        ModelShape.Positions positions,
        ModelShape.Normalization normalization,
        ModelShape.Embeddings embeddings,
        OptionalInt headWidth) {}
