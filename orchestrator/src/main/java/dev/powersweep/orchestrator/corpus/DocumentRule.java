package dev.powersweep.orchestrator.corpus;

import dev.powersweep.orchestrator.spec.CorpusSpec.Malformed;
import java.io.Serializable;

/**
 * How documents of JSON Lines and Parquet become pieces.
 *
 * @param textColumn name of the field or column that holds the text
 * @param wholeThousandths of the training documents that are held out as a whole; 0 where blocks are
 */
record DocumentRule(Malformed malformed, String textColumn, int wholeThousandths) implements Serializable {

    /** The set of a document, which a hash of its content decides where whole documents are held out. */
    int set(int set, byte[] document) {
        boolean heldOut = set == CorpusRecipe.TRAIN
                && wholeThousandths > 0
                && BlockHash.of(BlockHash.sha256(), document, 0, document.length)
                        .heldOut(wholeThousandths);
        return heldOut ? CorpusRecipe.VALIDATION : set;
    }
}
