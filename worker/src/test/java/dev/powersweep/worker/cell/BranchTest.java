package dev.powersweep.worker.cell;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.worker.Cells;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class BranchTest {
    private static final ModelShape SHAPE = ModelShape.gpt(1, 8, 1, 10, 100);

    private static Cell cell(long steps, int sequences, Optional<Branch> branch) {
        DataRule data = new DataRule("c0ffee", steps, sequences, 1000, Optional.empty(), branch);
        Cell cell = Cells.of(SHAPE, new DataRule("c0ffee", 1, 1, 1000), 0);
        return new Cell(
                SHAPE, data, cell.training().with(new Schedule.SharedTrunk(0.2)), cell.evaluation(), cell.seed());
    }

    private static Cell branch(int sequences, double factor) {
        return cell(12, sequences, Optional.of(new Branch(7, 4, factor)));
    }

    @Test
    void tokensAreCountedByTheBatchBeforeAndAfterTheBranch() {
        Cell cell = branch(16, 2);
        assertThat(cell.batchTokens()).isEqualTo(160);
        assertThat(cell.tokensThrough(7)).isEqualTo(280);
        assertThat(cell.tokensThrough(8)).isEqualTo(440);
        assertThat(cell.tokens()).isEqualTo(280 + 5 * 160);
        long sum = 0;
        for (long step = 1; step <= 12; step++) {
            sum += cell.data().sequencesAt(step);
            assertThat(cell.data().sequencesThrough(step)).isEqualTo(sum);
        }
        assertThat(cell.data().mostSequences()).isEqualTo(16);
        assertThat(branch(2, 1).data().mostSequences()).isEqualTo(4);
        assertThat(cell.data().leadingStages()).isEqualTo(List.of(new BatchWarmup.Stage(7, 4, 1)));
    }

    @Test
    void itHasTheTrunkOfTheRunThatItLeavesAndAnIdentityOfItsOwn() {
        Cell trunk = cell(100, 4, Optional.empty());
        assertThat(branch(16, 2).trunk()).isEqualTo(trunk.trunk());
        assertThat(branch(16, 2).randomSeed()).isEqualTo(trunk.randomSeed());
        assertThat(branch(16, 2).trunkSteps()).isEqualTo(7);
        assertThat(cell(12, 16, Optional.of(new Branch(7, 8, 2))).trunk()).isNotEqualTo(trunk.trunk());
        assertThat(List.of(branch(16, 2).id(), branch(16, 1).id(), branch(8, 2).id(), trunk.id()))
                .doesNotHaveDuplicates();
        assertThat(CellJson.read(CellJson.line(branch(16, 2)), Cell.class)).isEqualTo(branch(16, 2));
        assertThat(CellJson.line(trunk))
                .as("cells without a branch keep their identity")
                .doesNotContain("branch");
    }

    @Test
    void whatIsNoBranchIsRefusedWithItsPlace() {
        assertThatThrownBy(() -> new Branch(0, 1, 1)).hasMessage("data.branch.steps = 0 must be at least 1");
        assertThatThrownBy(() -> new Branch(1, 0, 1)).hasMessage("data.branch.batchSequences = 0 must be at least 1");
        assertThatThrownBy(() -> new Branch(1, 1, 0)).hasMessage("data.branch.rateFactor = 0.0 must be above 0");
        assertThatThrownBy(() -> cell(7, 4, Optional.of(new Branch(7, 4, 1))))
                .hasMessage("data.steps = 7 must be more than the 7 steps of the trunk in data.branch");
        BatchWarmup warmup = new BatchWarmup(List.of(new BatchWarmup.Stage(1, 2, 1)));
        assertThatThrownBy(() -> new DataRule("c", 9, 4, 1000, Optional.of(warmup), Optional.of(new Branch(2, 4, 1))))
                .hasMessage("data.branch and data.batchWarmup do not go together");
        Cell cosine = Cells.of(SHAPE, new DataRule("c0ffee", 1, 1, 1000), 0);
        assertThatThrownBy(() -> cosine.reading(branch(8, 1).data()))
                .hasMessageContaining("data.branch needs training.schedule shared-trunk");
    }
}
