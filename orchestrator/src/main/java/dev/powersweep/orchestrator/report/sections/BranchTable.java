package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.fitting.batch.BranchedBatch;
import dev.powersweep.orchestrator.fits.BranchedPoints;
import dev.powersweep.orchestrator.report.Block;
import dev.powersweep.orchestrator.results.BranchResult;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/** The critical batch size as branches measured it, beside the gradient noise scale of the runs that they left. */
final class BranchTable {
    private static final Block.Cell NONE = new Block.Cell("–", Block.Tone.QUIET);

    private BranchTable() {}

    /** A table of a row a branching point; none where nothing was branched. */
    static List<Block> of(Fits fits) {
        BranchedPoints branched = BranchedPoints.of(fits.results(), fits.set().options());
        if (branched.all().isEmpty()) {
            return List.of();
        }
        List<List<Block.Cell>> rows = new ArrayList<>();
        for (BranchedPoints.MeasuredPoint point : branched.points()) {
            BranchedBatch batch = point.batch();
            rows.add(List.of(
                    new Block.Cell(Numbers.count(batch.n()), Block.Tone.STRONG),
                    Block.Cell.of(Numbers.count(batch.at())),
                    Block.Cell.of(Numbers.count(batch.smallest(), 4) + " – " + Numbers.count(batch.largest(), 4)),
                    critical(batch),
                    Block.Cell.of(noise(batch)),
                    number(point.noiseScale(), 2),
                    ratio(batch, point.noiseScale())));
        }
        long ended = branched.all().stream().filter(BranchResult::usable).count();
        return List.of(new Block.Table(
                "Critical batch size by branching, tokens: the largest batch that ends within "
                        + BranchedBatch.TOLERANCE
                        + " nats of the smallest one, from one state (Merrill et al. 2025); " + ended + " of "
                        + branched.all().size() + " branches finished",
                List.of(
                        new Block.Column("model N", true),
                        new Block.Column("tokens seen", true),
                        new Block.Column("batches tried", true),
                        new Block.Column("B_crit (" + fits.level() + ")", true),
                        new Block.Column("noise from", false),
                        new Block.Column("noise scale tr Σ/|G|²", true),
                        new Block.Column("ratio", true)),
                rows));
    }

    private static Block.Cell critical(BranchedBatch batch) {
        return switch (batch.verdict()) {
            case DETERMINED ->
                Block.Cell.of(Numbers.count(batch.batch(), 2) + " (" + Numbers.count(batch.low(), 4) + " … "
                        + Numbers.count(batch.high(), 4) + ")");
            case AT_LEAST ->
                new Block.Cell("at least " + Numbers.count(batch.low(), 4) + ": a bound", Block.Tone.WARNING);
            case AT_MOST ->
                new Block.Cell("at most " + Numbers.count(batch.high(), 4) + ": a bound", Block.Tone.WARNING);
            case UNDETERMINED -> new Block.Cell("not determined", Block.Tone.QUIET);
        };
    }

    private static String noise(BranchedBatch batch) {
        return switch (batch.noise()) {
            case SEEDS -> batch.trunks() + " seeds";
            case EVALUATION -> "evaluation";
            case UNKNOWN -> "not known";
        };
    }

    private static Block.Cell number(OptionalDouble value, int digits) {
        return value.isPresent() ? Block.Cell.of(Numbers.count(value.getAsDouble(), digits)) : NONE;
    }

    private static Block.Cell ratio(BranchedBatch batch, OptionalDouble noise) {
        return batch.verdict() == BranchedBatch.Verdict.DETERMINED && noise.isPresent()
                ? Block.Cell.of(Numbers.significant(batch.batch() / noise.getAsDouble(), 2))
                : NONE;
    }
}
