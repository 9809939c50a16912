package dev.powersweep.orchestrator.corpus;

import dev.powersweep.orchestrator.spec.CorpusSpec;
import dev.powersweep.orchestrator.spec.CorpusSpec.Malformed;
import dev.powersweep.orchestrator.spec.EvaluationSpec;
import dev.powersweep.worker.shard.ShardManifest;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * How text becomes tokens, for the tasks that do it.
 *
 * @param sets names of the sets: train, validation, then the extra ones
 * @param thousandths of the corpus that are held out; 0 where held-out files are given
 * @param description everything beside the text that decides the tokens; part of the corpus's identity
 */
record CorpusRecipe(List<String> sets, int thousandths, Malformed malformed, String description)
        implements Serializable {
    static final int TRAIN = 0;
    static final int VALIDATION = 1;
    /** Raised when the same text would give other tokens than before. */
    private static final String VERSION = "powersweep-corpus-1";

    private static final int SHARES = 1000;

    /** Names of the sets: train, validation, then the extra ones. */
    static List<String> sets(List<EvaluationSpec.Set> extra) {
        List<String> sets = new ArrayList<>(List.of("train", ShardManifest.VALIDATION));
        extra.forEach(set -> sets.add(set.name()));
        return List.copyOf(sets);
    }

    /**
     * The recipe of a specification.
     *
     * @param tokenizer name with all that decides its tokens
     * @param heldOutGiven whether held-out text came with the corpus
     */
    static CorpusRecipe of(CorpusSpec corpus, String tokenizer, List<EvaluationSpec.Set> extra, boolean heldOutGiven) {
        List<String> sets = sets(extra);
        boolean givenValidation = heldOutGiven
                || (corpus.source() instanceof CorpusSpec.Source.Tokens tokens
                        && !tokens.validation().isEmpty());
        boolean whole = corpus.split() == CorpusSpec.Split.FILE;
        int thousandths = givenValidation || whole ? 0 : thousandths(corpus);
        return new CorpusRecipe(
                sets,
                thousandths,
                corpus.malformed(),
                String.join(
                        "\n",
                        VERSION,
                        tokenizer,
                        whole && !givenValidation ? "files-" + thousandths(corpus) : Integer.toString(thousandths),
                        String.join(",", sets)));
    }

    /** Held-out thousandths of the text. */
    static int thousandths(CorpusSpec corpus) {
        return (int) Math.max(1, Math.round(corpus.validationFraction() * SHARES));
    }

    /** The set a block belongs to: pieces of the corpus are split by the block's hash, others keep theirs. */
    int set(Piece piece, BlockHash hash) {
        if (piece.set() != TRAIN) {
            return piece.set();
        }
        return thousandths > 0 && hash.heldOut(thousandths) ? VALIDATION : TRAIN;
    }
}
