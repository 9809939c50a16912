package dev.powersweep.worker.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.checkpoint.CheckpointFile;
import dev.powersweep.worker.checkpoint.CheckpointHeader;
import dev.powersweep.worker.checkpoint.Section;
import dev.powersweep.worker.kernels.KernelChoice;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/**
 * A checkpoint of the time when tensors lay at multiples of 16 elements, of a model with gaps nearly everywhere (width 10,
 * feed-forward 21, 11 tokens), after six steps; the trainer that wrote it gave the checksums and the losses, too.
 */
class AlignedCheckpointTest {

    private static final List<String> CHECKSUMS = List.of("16b32ec6", "f4cc6c4b", "3df10ab3");
    private static final List<Double> NEXT_LOSSES =
            List.of(2.0646963846447486, 2.0115643160364605, 1.976524690457093, 1.9191082634442356);

    private static final BatchSource TOKENS = (step, inputs, targets) -> {
        for (int i = 0; i < inputs.length; i++) {
            inputs[i] = (int) ((step * 7 + i * 3) % 11);
            targets[i] = (int) ((step * 7 + (i + 1) * 3) % 11);
        }
    };

    @Test
    void aCheckpointWithGapsGoesOn() throws Exception {
        CheckpointFile file = CheckpointFile.open(
                Path.of(AlignedCheckpointTest.class.getResource("aligned.ckpt").toURI()));
        CheckpointHeader header = file.header();
        Cell cell = header.cell();
        try (TrainingSession session = TrainingSession.create(cell, TOKENS, KernelChoice.FAST, 0)) {
            TrainingState state = session.state();
            file.restore(
                    cell,
                    session.layout(),
                    List.of(
                            new Section(Section.PARAMETERS, state.parameters()),
                            new Section(Section.FIRST_MOMENT, state.firstMoments()),
                            new Section(Section.SECOND_MOMENT, state.secondMoments())));
            session.restore(new TrainingState(
                    header.step(), 0, state.parameters(), state.firstMoments(), state.secondMoments()));
            assertThat(List.of(crc(state.parameters()), crc(state.firstMoments()), crc(state.secondMoments())))
                    .isEqualTo(CHECKSUMS);
            for (double loss : NEXT_LOSSES) {
                // Another machine's products round otherwise.
                assertThat(session.step().loss()).isCloseTo(loss, within(1e-5));
            }
        }
    }

    private static String crc(ByteBuffer vector) {
        CRC32C crc = new CRC32C();
        crc.update(vector.duplicate());
        return Long.toHexString(crc.getValue());
    }
}
