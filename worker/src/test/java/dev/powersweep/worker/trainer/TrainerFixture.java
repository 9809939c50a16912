package dev.powersweep.worker.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.data.ShardFixture;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A shard of words and cells that read it, for tests of real trainer processes. */
abstract class TrainerFixture {
    static final long SEED = Long.getLong("test.seed", 20260101);
    static final double EVERY_STEP = 0;

    @TempDir
    Path scratch;

    Path shards;

    @BeforeEach
    void writeShard() {
        shards = scratch.resolve("shard");
        ShardFixture.words(shards, 1, 20_000, 2_000);
    }

    Assignment assignment(Cell cell, int attempt, String checkpoints, Optional<Path> resume, double seconds) {
        return new Assignment(
                cell,
                attempt,
                shards.toString(),
                scratch.resolve(checkpoints).toString(),
                resume.map(Path::toString),
                0,
                seconds,
                EVERY_STEP);
    }

    Assignment assignment(Cell cell, String checkpoints) {
        return assignment(cell, 1, checkpoints, Optional.empty(), 0);
    }

    StepTable undisturbed(Cell cell) throws IOException {
        StepTable table = new StepTable();
        try (TrainerProcess trainer = TrainerProcess.start(scratch, "serve")) {
            trainer.send(assignment(cell, "undisturbed"));
            table.add(trainer.untilOutcome());
        }
        assertThat(table.rows()).hasSize(Math.toIntExact(cell.data().steps()));
        return table;
    }

    static Frame.Failed failed(TrainerProcess trainer, Assignment assignment) {
        trainer.send(assignment);
        List<Frame> frames = trainer.untilOutcome();
        assertThat(frames).last().isInstanceOf(Frame.Failed.class);
        Frame.Failed failed = (Frame.Failed) frames.get(frames.size() - 1);
        assertThat(failed.cell()).isEqualTo(assignment.cell().id());
        return failed;
    }
}
