package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.gpu.CellGroup;
import dev.powersweep.worker.gpu.Device;
import dev.powersweep.worker.gpu.TokenStores;
import dev.powersweep.worker.gpu.cuda.CudaException;
import dev.powersweep.worker.train.BatchSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * A card that several cells are trained on at once. Each cell's run has a thread of its own and asks for steps, scores and
 * states; the card's thread, which {@link #work} runs on, does what was asked for. Cells of one {@link SharedGroup.Kind}
 * take steps together, those that are ready; kinds take turns.
 *
 * <p>Guarantees: a cell's numbers are the same bits whatever other cells there are, and when they come and go. That one
 * cell fails, diverges or does not fit the card's memory is told to that one; a fault of the card is told to all.
 */
final class SharedCard {

    private static final Logger LOG = LogManager.getLogger(SharedCard.class);

    /** Between looks at whether the work is over. */
    private static final long IDLE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    private final Device device;
    private final TokenStores stores;
    private final BlockingQueue<Runnable> orders = new LinkedBlockingQueue<>();
    /** In the order of their next turns; the card's thread alone reads and changes it. */
    private final List<SharedGroup> groups = new ArrayList<>();

    private boolean faulty;

    SharedCard(Device device) {
        this.device = device;
        stores = new TokenStores(device);
    }

    /** Does what is asked for until {@code over}, on the thread that opened the device. */
    void work(BooleanSupplier over) {
        while (!over.getAsBoolean()) {
            Runnable order = orders.poll();
            if (order == null) {
                long now = System.nanoTime();
                SharedGroup due = due(now);
                if (due != null) {
                    groups.remove(due);
                    groups.add(due);
                    due.train();
                    continue;
                }
                order = next(now);
            }
            if (order != null) {
                order.run();
            }
        }
    }

    private SharedGroup due(long now) {
        return groups.stream()
                .filter(group -> group.dueIn(now) <= 0)
                .findFirst()
                .orElse(null);
    }

    private Runnable next(long now) {
        long wait = groups.stream().mapToLong(group -> group.dueIn(now)).min().orElse(IDLE_NANOS);
        try {
            return orders.poll(Math.min(wait, IDLE_NANOS), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts a card's thread", e);
        }
    }

    /**
     * A cell at step 0 beside those that are there, in passes of as many sequences as the card has room for.
     *
     * @param passSequences most sequences of a pass; 0 for as many as fit
     * @throws IllegalArgumentException when the model does not fit the engine, in one sentence
     */
    CellTraining join(Cell cell, BatchSource source, int passSequences) {
        return call(() -> seat(cell, source, passSequences));
    }

    private CellTraining seat(Cell cell, BatchSource source, int passSequences) {
        CardTraining.require(device, cell);
        // Room that a cell has left is for its neighbours first, whose states wait for it.
        groups.forEach(SharedGroup::settle);
        SharedGroup.Seat seat = new SharedGroup.Seat(cell, source);
        int pass = passSequences;
        while (true) {
            SharedGroup group = group(new SharedGroup.Kind(cell, pass));
            try {
                group.add(seat);
                return new SharedTraining(this, group, seat);
            } catch (CudaException e) {
                pass = CardTraining.smallerPass(cell, pass, e);
            } finally {
                dropEmpty();
            }
        }
    }

    private SharedGroup group(SharedGroup.Kind kind) {
        for (SharedGroup group : groups) {
            if (group.kind().equals(kind)) {
                return group;
            }
        }
        SharedGroup group = new SharedGroup(this, kind);
        groups.add(group);
        return group;
    }

    /** Takes a cell away; never throws, since its outcome is known. */
    void leave(SharedGroup group, SharedGroup.Seat seat) {
        call(() -> {
            try {
                group.remove(seat);
            } catch (RuntimeException | OutOfMemoryError e) {
                LOG.warn("cell {}: {}", seat.id(), Failures.message(e));
            } finally {
                dropEmpty();
            }
            return null;
        });
    }

    CellGroup group(List<CellGroup.Run> runs, Precision precision, int passSequences) {
        return new CellGroup(device, stores, runs, precision, passSequences);
    }

    /**
     * What a cell is told of a failure.
     *
     * @param together whether the work was for several cells
     */
    Throwable told(Throwable failure, boolean together) {
        boolean ofCard = failure instanceof CudaException cuda && cuda.kind() == CudaException.Kind.FAILED;
        // What follows the first fault of a card is due to that one.
        faulty |= ofCard && groups.stream().mapToInt(SharedGroup::cells).sum() > 1;
        boolean ownMemory = failure instanceof CudaException cuda && cuda.kind() == CudaException.Kind.OUT_OF_MEMORY;
        return (ofCard && faulty) || (together && !ownMemory && failure instanceof RuntimeException)
                ? new SharedFaultException(failure)
                : failure;
    }

    private void dropEmpty() {
        groups.removeIf(SharedGroup::isEmpty);
    }

    /** Lets the card's thread do something, in the order of asking, and waits for it; throws what it throws. */
    <T> T call(Callable<T> work) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        orders.add(() -> {
            try {
                answer.complete(work.call());
            } catch (Throwable e) {
                answer.completeExceptionally(told(e, false));
            }
        });
        return await(answer);
    }

    /** Waits for the card's thread; throws what it has thrown. */
    static <T> T await(CompletableFuture<T> answer) {
        try {
            return answer.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException unchecked) {
                throw unchecked;
            } else if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw e;
        }
    }
}
