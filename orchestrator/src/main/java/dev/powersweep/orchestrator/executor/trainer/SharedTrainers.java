package dev.powersweep.orchestrator.executor.trainer;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.AttemptState.TrainerHealth;
import dev.powersweep.orchestrator.executor.trainer.TrainerProcess.Message;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.StopOrder;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Trainers that serve several attempts of this executor at once: one for each {@link TrainerKey}, which is one for each
 * card.
 *
 * <p>Guarantees: an attempt that gives its seat up leaves its neighbours where they are. A trainer that an attempt found
 * sick takes no others and is ended by the last that leaves it; those who ask meanwhile get a new one.
 */
public final class SharedTrainers {
    private static final Logger LOG = LogManager.getLogger(SharedTrainers.class);

    private static final long POLL_MILLIS = 200;

    private final TrainerPool pool;
    /** Those that take further attempts. */
    private final Map<TrainerKey, Shared> open = new HashMap<>();

    SharedTrainers(TrainerPool pool) {
        this.pool = pool;
    }

    /** A trainer and who has it. */
    private static final class Shared {
        final TrainerKey key;
        /** Empty while it starts. */
        Optional<TrainerPool.Trainer> trainer = Optional.empty();
        /** Why it did not come up. */
        Optional<Throwable> failure = Optional.empty();

        final Map<String, Seat> seats = new HashMap<>();
        boolean sick;

        Shared(TrainerKey key) {
            this.key = key;
        }
    }

    private final class Seat implements TrainerSeat {
        private final Shared shared;
        private final TrainerPool.Trainer trainer;
        private final String cell;
        private final BlockingQueue<Message> messages;
        private int mostNeighbours;
        /** Whether the trainer itself ended the cell in order, and can go on with others. */
        private boolean endedInOrder;

        Seat(Shared shared, String cell) {
            this.shared = shared;
            this.cell = cell;
            this.trainer = shared.trainer.orElseThrow();
            this.messages = trainer.process().open(cell);
        }

        @Override
        public TrainerProcess process() {
            return trainer.process();
        }

        @Override
        public Frame.Ready ready() {
            Frame.Ready ready = trainer.ready();
            Map<String, String> provenance = new HashMap<>(ready.provenance());
            synchronized (SharedTrainers.this) {
                provenance.put(AttemptReport.MOST_NEIGHBOURS, Integer.toString(mostNeighbours));
            }
            return new Frame.Ready(
                    ready.pid(), ready.backend(), ready.kernels(), ready.device(), ready.threads(), provenance);
        }

        @Override
        public Optional<Message> poll(long millis) throws InterruptedException {
            Optional<Message> message = Optional.ofNullable(messages.poll(millis, TimeUnit.MILLISECONDS));
            message.ifPresent(said -> {
                if (said instanceof Message.Said frame && frame.frame() instanceof Frame.Outcome outcome) {
                    endedInOrder = outcome instanceof Frame.Interrupted
                            || (outcome instanceof Frame.Failed failed && failed.failure() == FailureClass.GPU_MEMORY);
                }
            });
            return message;
        }

        @Override
        public void askToStop() {
            try {
                trainer.process().send(new StopOrder(cell));
            } catch (IOException e) {
                LOG.warn("cell {} could not be asked to stop: {}", cell, e.toString());
            }
        }

        @Override
        public void end(TrainerHealth health) {
            if (health == TrainerHealth.SICK
                    && !endedInOrder
                    && trainer.process().alive()) {
                // What hangs there may still listen, and would take its neighbours' time.
                askToStop();
            }
            trainer.process().close(cell);
            leave(this, health == TrainerHealth.WELL || endedInOrder);
        }
    }

    /**
     * A place in the trainer of this kind, which is started where there is none.
     *
     * @param cell that the attempt is going to train
     * @throws TrainerPool.StartException when none can be had
     */
    public TrainerSeat take(TrainerKey key, String cell, Stopping stopping) throws IOException, InterruptedException {
        while (true) {
            Shared shared;
            boolean mine = false;
            synchronized (this) {
                shared = open.get(key);
                if (shared != null && shared.trainer.isPresent()) {
                    if (!shared.trainer.get().process().alive() || shared.seats.containsKey(cell)) {
                        retire(shared);
                        shared = null;
                    } else {
                        return sit(shared, cell);
                    }
                }
                if (shared == null) {
                    shared = new Shared(key);
                    open.put(key, shared);
                    mine = true;
                }
            }
            Optional<TrainerSeat> seat =
                    mine ? Optional.of(start(shared, cell, stopping)) : await(shared, cell, stopping);
            if (seat.isPresent()) {
                return seat.get();
            }
        }
    }

    private TrainerSeat start(Shared shared, String cell, Stopping stopping) throws IOException, InterruptedException {
        try {
            TrainerPool.Trainer trainer = pool.take(shared.key, stopping);
            synchronized (this) {
                shared.trainer = Optional.of(trainer);
                notifyAll();
                return sit(shared, cell);
            }
        } catch (IOException | InterruptedException | RuntimeException | Error e) {
            // Errors too: the others would wait for ever for what nobody starts.
            synchronized (this) {
                retire(shared);
                shared.failure = Optional.of(e);
                notifyAll();
            }
            throw e;
        }
    }

    /** Waits for a trainer that another attempt starts; empty where that one gave up, and it is for others to start it. */
    private synchronized Optional<TrainerSeat> await(Shared shared, String cell, Stopping stopping)
            throws IOException, InterruptedException {
        while (shared.trainer.isEmpty() && shared.failure.isEmpty()) {
            if (stopping.requested()) {
                throw new InterruptedException("the task was asked to stop");
            }
            wait(POLL_MILLIS);
        }
        if (shared.failure.isPresent() && shared.failure.get() instanceof TrainerPool.StartException failed) {
            throw failed;
        }
        return shared.trainer.isPresent() && !shared.sick ? Optional.of(sit(shared, cell)) : Optional.empty();
    }

    private TrainerSeat sit(Shared shared, String cell) {
        Seat seat = new Seat(shared, cell);
        shared.seats.put(cell, seat);
        int neighbours = shared.seats.size() - 1;
        shared.seats.values().forEach(each -> each.mostNeighbours = Math.max(each.mostNeighbours, neighbours));
        return seat;
    }

    private void leave(Seat seat, boolean well) {
        Shared shared = seat.shared;
        synchronized (this) {
            shared.seats.remove(seat.cell, seat);
            if (!well) {
                retire(shared);
            }
            if (!shared.seats.isEmpty()) {
                return;
            }
            open.remove(shared.key, shared);
            if (!shared.sick) {
                // Before anybody else asks, who would start another one beside it.
                pool.giveBack(seat.trainer);
                return;
            }
        }
        // Nobody else has it or comes to it now. To end a process may take its time.
        pool.discard(seat.trainer);
    }

    /** Lets nobody in any more. */
    private void retire(Shared shared) {
        shared.sick = true;
        open.remove(shared.key, shared);
    }
}
