package dev.powersweep.worker.kernels;

import java.util.Optional;

/**
 * What tokens are embedded by, or the gradients of it.
 *
 * @param tokens [vocabulary, width]
 * @param positions learned, [context, width]; empty for none
 */
public record EmbeddingTables(Matrix tokens, Optional<Matrix> positions) {}
