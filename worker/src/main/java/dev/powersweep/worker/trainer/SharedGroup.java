package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.gpu.CellGroup;
import dev.powersweep.worker.gpu.CellGroup.Run;
import dev.powersweep.worker.train.BatchSource;
import dev.powersweep.worker.train.Engine.Progress;
import dev.powersweep.worker.train.TrainingState;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * The cells of one kind on a {@link SharedCard}: a {@link CellGroup} that is made anew when one comes or goes, the others'
 * states being kept in between. The card's thread alone calls it.
 */
final class SharedGroup {

    private static final Logger LOG = LogManager.getLogger(SharedGroup.class);

    /** Cells that are not yet asking are waited for so long, as a share of what the last steps took. */
    private static final double LINGER = 0.1;

    private static final double LEAST_LINGER_SECONDS = 1e-3;
    private static final double MOST_LINGER_SECONDS = 25e-3;

    /** What cells have in common that take steps together. */
    record Kind(ModelShape shape, int batchSequences, Precision precision, int passSequences) {
        Kind(Cell cell, int passSequences) {
            this(cell.shape(), cell.data().batchSequences(), cell.training().products(), passSequences);
        }
    }

    /** A cell's place. */
    static final class Seat {
        private final Cell cell;
        private final BatchSource source;
        /** Where its run stands while there is no group; empty before its first step. */
        private Optional<TrainingState> state = Optional.empty();
        /** Whether it has been in a group, which has its state then. */
        private boolean begun;

        private int most;
        private Optional<CompletableFuture<Progress>> asking = Optional.empty();
        /** Whether steps were taken without it: it is evaluated or stored, and is not waited for until it asks again. */
        private boolean away;

        Seat(Cell cell, BatchSource source) {
            this.cell = cell;
            this.source = source;
        }

        Cell cell() {
            return cell;
        }

        String id() {
            return cell.id();
        }

        private Run run(Optional<Throwable> loss) {
            if (begun && state.isEmpty()) {
                throw new SharedFaultException(loss.orElseGet(
                        () -> new IllegalStateException("the state of cell " + id() + " was lost with it")));
            }
            return new Run(cell, source, state);
        }
    }

    private final SharedCard card;
    private final Kind kind;
    private final List<Seat> seats = new ArrayList<>();
    /** Of all seats, in their order; empty while their states are kept in the seats. */
    private Optional<CellGroup> group = Optional.empty();

    /** What took the states of cells with it, for those that ask later than the others heard of it. */
    private Optional<Throwable> loss = Optional.empty();

    private long firstAsked;
    private double secondsPerStep = CardTraining.QUEUE_SECONDS;
    private double lastSeconds;

    SharedGroup(SharedCard card, Kind kind) {
        this.card = card;
        this.kind = kind;
    }

    Kind kind() {
        return kind;
    }

    boolean isEmpty() {
        return seats.isEmpty();
    }

    int cells() {
        return seats.size();
    }

    /**
     * Adds a cell. Where that fails the others are as they were.
     *
     * @throws dev.powersweep.worker.gpu.cuda.CudaException when the card has no room for it beside the others
     */
    void add(Seat seat) {
        keep();
        seats.add(seat);
        try {
            group();
        } catch (RuntimeException | Error e) {
            seats.remove(seat);
            settle();
            throw e;
        }
    }

    void remove(Seat seat) {
        try {
            keep();
        } finally {
            seats.remove(seat);
        }
    }

    /** Lets the group take the memory that it needs, if it can; if not, those who ask next hear of it. */
    void settle() {
        try {
            if (!seats.isEmpty()) {
                group();
            }
        } catch (RuntimeException e) {
            LOG.warn("{} cells cannot go on: {}", seats.size(), Failures.message(e));
        }
    }

    /** The group of all seats. */
    private CellGroup group() {
        if (group.isEmpty()) {
            group = Optional.of(card.group(
                    seats.stream().map(seat -> seat.run(loss)).toList(), kind.precision(), kind.passSequences()));
            for (Seat seat : seats) {
                seat.begun = true;
                seat.state = Optional.empty();
            }
            secondsPerStep = CardTraining.QUEUE_SECONDS;
        }
        return group.get();
    }

    /** Keeps all states in the seats and lets the group go. */
    private void keep() {
        if (group.isPresent()) {
            try (CellGroup closing = group.get()) {
                for (int i = 0; i < seats.size(); i++) {
                    seats.get(i).state = Optional.of(closing.state(i));
                }
            } catch (RuntimeException | Error e) {
                loss = Optional.of(e);
                throw e;
            } finally {
                group = Optional.empty();
            }
        }
    }

    /** What a cell asks of its group. */
    interface Work<T> {
        T of(CellGroup group, int cell);
    }

    <T> T with(Seat seat, Work<T> work) {
        return work.of(group(), seats.indexOf(seat));
    }

    void ask(Seat seat, int most, CompletableFuture<Progress> answer) {
        if (seats.stream().allMatch(each -> each.asking.isEmpty())) {
            firstAsked = System.nanoTime();
        }
        seat.most = most;
        seat.asking = Optional.of(answer);
        seat.away = false;
    }

    /** Nanoseconds until steps are to be taken; none left where that is now, most where nobody asks. */
    long dueIn(long now) {
        boolean nobody = seats.stream().allMatch(seat -> seat.asking.isEmpty());
        if (nobody) {
            return Long.MAX_VALUE;
        }
        if (seats.stream().allMatch(seat -> seat.asking.isPresent() || seat.away)) {
            return 0;
        }
        double linger = Math.max(LEAST_LINGER_SECONDS, Math.min(MOST_LINGER_SECONDS, LINGER * lastSeconds));
        return Math.max(0, firstAsked + (long) (linger * TimeUnit.SECONDS.toNanos(1)) - now);
    }

    /** Takes some steps with those that ask. */
    void train() {
        BitSet taking = new BitSet();
        int most = Integer.MAX_VALUE;
        for (int i = 0; i < seats.size(); i++) {
            Seat seat = seats.get(i);
            seat.away = seat.asking.isEmpty();
            if (!seat.away) {
                taking.set(i);
                most = Math.min(most, seat.most);
            }
        }
        try {
            CellGroup cells = group();
            int steps = CardTraining.stepsAtOnce(cells, most, secondsPerStep);
            long begin = System.nanoTime();
            cells.enqueue(steps, taking);
            List<Progress> progress = cells.drain();
            lastSeconds = (System.nanoTime() - begin) / 1e9;
            secondsPerStep = Math.max(1e-6, lastSeconds / steps);
            taking.stream().forEach(i -> answered(seats.get(i)).complete(progress.get(i)));
        } catch (RuntimeException | Error e) {
            if (!(e instanceof SharedFaultException)) {
                loss = Optional.of(e);
            }
            drop();
            Throwable told = card.told(e, seats.size() > 1);
            taking.stream().forEach(i -> answered(seats.get(i)).completeExceptionally(told));
        }
    }

    private static CompletableFuture<Progress> answered(Seat seat) {
        CompletableFuture<Progress> answer = seat.asking.orElseThrow();
        seat.asking = Optional.empty();
        return answer;
    }

    /** After a fault in the middle of steps: what is on the card is no state that a cell could go on from. */
    private void drop() {
        try {
            group.ifPresent(CellGroup::close);
        } catch (RuntimeException e) {
            LOG.warn("memory of the card stays taken: {}", Failures.message(e));
        } finally {
            group = Optional.empty();
        }
    }
}
