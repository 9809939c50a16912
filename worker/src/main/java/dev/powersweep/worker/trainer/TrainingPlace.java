package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.gpu.Device;
import dev.powersweep.worker.kernels.KernelChoice;
import dev.powersweep.worker.network.KernelSets;
import dev.powersweep.worker.train.BatchSource;
import dev.powersweep.worker.train.TrainingSession;

/** Where a trainer's cells are trained. */
sealed interface TrainingPlace {

    /**
     * A cell at step 0 with its initial weights.
     *
     * @param microBatchSequences most sequences of one forward pass; 0 to choose
     * @throws IllegalArgumentException when the model does not fit there, in one sentence
     */
    CellTraining create(Cell cell, BatchSource source, int microBatchSequences);

    /** On ND4J's backend. */
    record Network(KernelChoice kernels) implements TrainingPlace {
        @Override
        public CellTraining create(Cell cell, BatchSource source, int microBatchSequences) {
            Precision precision = cell.training().products();
            KernelSets.objection(kernels, precision).ifPresent(objection -> {
                throw new PrecisionException(precision, "here " + objection);
            });
            return new NetworkTraining(cell, TrainingSession.create(cell, source, kernels, microBatchSequences));
        }
    }

    /** On a card that other cells are trained on, too. */
    record Shared(SharedCard card) implements TrainingPlace {
        @Override
        public CellTraining create(Cell cell, BatchSource source, int microBatchSequences) {
            return card.join(cell, source, microBatchSequences);
        }
    }

    /** On a card, by kernels of our own. */
    record Card(Device device) implements TrainingPlace {
        @Override
        public CellTraining create(Cell cell, BatchSource source, int microBatchSequences) {
            return CardTraining.create(device, cell, source, microBatchSequences);
        }
    }
}
