package dev.powersweep.orchestrator.executor.trainer;

import dev.powersweep.orchestrator.dispatch.AttemptState.TrainerHealth;
import dev.powersweep.orchestrator.executor.trainer.TrainerProcess.Message;
import dev.powersweep.worker.cell.Frame;
import java.util.Optional;

/** A trainer in the hands of one attempt, which may have it alone or {@linkplain SharedTrainers with others}. */
public interface TrainerSeat {

    TrainerProcess process();

    /** What the trainer is, for provenance. */
    Frame.Ready ready();

    /** The next message for this attempt, or empty after {@code millis}. */
    Optional<Message> poll(long millis) throws InterruptedException;

    /** Asks the trainer to write a checkpoint of this attempt's cell and end it. */
    void askToStop();

    /** Gives the trainer back, or ends it as far as it is this attempt's to end. */
    void end(TrainerHealth health);

    /** A trainer that an attempt has alone. */
    record Sole(TrainerPool pool, TrainerPool.Trainer trainer) implements TrainerSeat {
        @Override
        public TrainerProcess process() {
            return trainer.process();
        }

        @Override
        public Frame.Ready ready() {
            return trainer.ready();
        }

        @Override
        public Optional<Message> poll(long millis) throws InterruptedException {
            return trainer.process().poll(millis);
        }

        @Override
        public void askToStop() {
            trainer.process().askToStop();
        }

        @Override
        public void end(TrainerHealth health) {
            switch (health) {
                case WELL -> pool.giveBack(trainer);
                case SICK -> pool.discard(trainer);
            }
        }
    }
}
