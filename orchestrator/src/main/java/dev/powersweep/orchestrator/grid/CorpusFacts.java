package dev.powersweep.orchestrator.grid;

import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.shard.ShardManifest;
import java.util.List;

/**
 * What planning needs to know of a tokenised corpus.
 *
 * @param corpusHash identity of text, split and tokenizer together
 * @param vocabulary token kinds
 * @param trainTokens tokens that may be trained on
 * @param evaluation held-out sets, the corpus's own first
 */
public record CorpusFacts(String corpusHash, int vocabulary, long trainTokens, List<EvaluationSet> evaluation) {

    public record EvaluationSet(String name, long tokens) {}

    public CorpusFacts {
        evaluation = List.copyOf(evaluation);
    }

    /**
     * Of a program that brings its own data: as much as anybody asks for.
     *
     * @param vocabulary token kinds; 0 where they are not known
     */
    public static CorpusFacts none(int vocabulary) {
        return new CorpusFacts(
                DataRule.NO_CORPUS,
                vocabulary,
                Long.MAX_VALUE,
                List.of(new EvaluationSet(ShardManifest.VALIDATION, Long.MAX_VALUE)));
    }

    public static CorpusFacts of(ShardManifest manifest) {
        return new CorpusFacts(
                manifest.corpusHash(),
                manifest.vocabulary(),
                manifest.train().tokens(),
                manifest.evaluation().stream()
                        .map(file -> new EvaluationSet(file.name(), file.tokens()))
                        .toList());
    }
}
