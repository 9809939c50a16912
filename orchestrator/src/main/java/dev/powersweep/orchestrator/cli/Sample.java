package dev.powersweep.orchestrator.cli;

import dev.powersweep.worker.cell.CellJson;
import java.util.Optional;

/**
 * What a cell wrote; text is absent where only token ids are known.
 *
 * @param cell its name
 * @param prompt that it went on from
 * @param text that it wrote, without the prompt
 */
record Sample(String cell, Optional<String> prompt, Optional<String> text, int[] promptTokens, int[] tokens) {
    /** One object; what is absent is null. */
    String json() {
        return CellJson.line(this);
    }
}
