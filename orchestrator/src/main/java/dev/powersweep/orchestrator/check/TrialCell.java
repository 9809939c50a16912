package dev.powersweep.orchestrator.check;

import dev.powersweep.orchestrator.grid.CorpusFacts;
import dev.powersweep.orchestrator.grid.GridCell;
import dev.powersweep.orchestrator.grid.GridResolver;
import dev.powersweep.orchestrator.spec.CorpusSpec;
import dev.powersweep.orchestrator.spec.EvaluationSpec;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.TrainerSpec;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.Program;
import dev.powersweep.worker.shard.ShardManifest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The smallest cell of a specification, cut to a number of steps.
 *
 * @param vocabulary token kinds; 0 where the program brings its own data
 */
record TrialCell(GridCell gridCell, int vocabulary) {
    /** Identity of the made-up corpus. */
    private static final String MADE_UP = "0123456789abcdef";

    private static final long MOST_TOKENS = 4L << 20;
    private static final long HELD_OUT_TOKENS = 1 << 16;

    /**
     * Chooses it.
     *
     * @param vocabulary token kinds of the tokenizer; not asked for where there is no corpus
     */
    static TrialCell of(SweepSpec spec, Program program, int vocabulary) {
        boolean corpus = !(spec.corpus().source() instanceof CorpusSpec.Source.None);
        CorpusFacts facts = corpus
                ? new CorpusFacts(MADE_UP, vocabulary, Long.MAX_VALUE, evaluationSets(spec))
                : CorpusFacts.none(spec.trainer()
                        .map(TrainerSpec::vocabulary)
                        .orElseThrow()
                        .orElse(0));
        GridCell smallest = GridResolver.resolve(spec, facts, Optional.of(program)).cells().stream()
                .min(Comparator.comparingDouble(TrialCell::effort)
                        .thenComparing(cell -> cell.cell().id()))
                .orElseThrow();
        return new TrialCell(smallest, corpus ? vocabulary : 0);
    }

    private static List<CorpusFacts.EvaluationSet> evaluationSets(SweepSpec spec) {
        List<CorpusFacts.EvaluationSet> sets =
                new ArrayList<>(List.of(new CorpusFacts.EvaluationSet(ShardManifest.VALIDATION, Long.MAX_VALUE)));
        for (EvaluationSpec.Set set : spec.evaluation().sets()) {
            sets.add(new CorpusFacts.EvaluationSet(set.name(), Long.MAX_VALUE));
        }
        return sets;
    }

    private static double effort(GridCell cell) {
        double flops = cell.cell().kaplanFlops();
        return Double.isNaN(flops) ? cell.cell().tokens() : flops;
    }

    Cell cell() {
        return gridCell.cell();
    }

    /** The same with so many steps. */
    TrialCell with(long steps) {
        Cell cell = cell();
        DataRule data = cell.data();
        long tokens = Math.min(steps * cell.batchTokens(), MOST_TOKENS);
        DataRule cut = new DataRule(data.corpusHash(), steps, data.batchSequences(), Math.max(2, tokens));
        return new TrialCell(
                new GridCell(
                        gridCell.name(),
                        new Cell(cell.model(), cut, cell.training(), cell.evaluation(), cell.seed(), cell.program())),
                vocabulary);
    }

    /** Makes up what the cell reads, below the directory's folder of corpora. */
    void writeTokens(Path corpora) throws IOException {
        if (vocabulary == 0) {
            return;
        }
        int window = cell().model().context() + 1;
        MadeUpTokens.write(
                corpora.resolve(MADE_UP),
                MADE_UP,
                vocabulary,
                cell().evaluation().sets(),
                Math.max(cell().data().uniqueTokens(), 64L * window),
                Math.max(HELD_OUT_TOKENS, 16L * window));
    }
}
