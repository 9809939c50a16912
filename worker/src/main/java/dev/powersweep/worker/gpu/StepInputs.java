package dev.powersweep.worker.gpu;

import dev.powersweep.worker.gpu.TokenStores.Store;
import dev.powersweep.worker.train.BatchSource;
import dev.powersweep.worker.train.RingSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.stream.IntStream;

/**
 * What the host tells a device of steps to come: plans, and where the windows of a batch begin in the device's pool of
 * tokens. Where every source is a {@link RingSource}, the pool is the {@link TokenStores} of the device; else it holds the
 * windows of as many steps as may be queued.
 *
 * <p>What is sent is kept here too, [slot][cell], so that slots go to the device whole, whichever cells they were changed
 * for.
 */
final class StepInputs implements AutoCloseable {

    private final TokenStores stores;
    private final List<? extends BatchSource> sources;
    private final GroupShape shape;
    private final int slots;
    private final boolean resident;
    /** Where each cell's ring stands; empty where windows are sent step by step. */
    private final List<Store> rings = new ArrayList<>();

    private final long poolTokens;
    private final ByteBuffer plans;
    private final ByteBuffer starts;
    private final ByteBuffer windows;
    private final BitSet changed = new BitSet();
    private final int[] inputs;
    private final int[] targets;

    private StepInputs(TokenStores stores, List<? extends BatchSource> sources, GroupShape shape, int slots) {
        this.stores = stores;
        this.sources = sources;
        this.shape = shape;
        this.slots = slots;
        resident = sources.stream().allMatch(RingSource.class::isInstance);
        int cells = sources.size();
        plans = buffer((long) slots * cells * StepPlan.BYTES);
        starts = buffer((long) slots * cells * shape.batchSequences() * Long.BYTES);
        if (resident) {
            takeRings();
            poolTokens = 0;
            windows = buffer(0);
            inputs = new int[0];
        } else {
            poolTokens = (long) slots * cells * windowTokens();
            windows = buffer(poolTokens * Integer.BYTES);
            inputs = new int[Math.toIntExact(shape.batchTokens())];
        }
        targets = new int[inputs.length];
    }

    /** The longest first, so that one store serves all that read the same tokens. */
    private void takeRings() {
        Store[] taken = new Store[sources.size()];
        try {
            IntStream.range(0, taken.length)
                    .boxed()
                    .sorted(Comparator.comparingLong(
                                    (Integer cell) -> ring(cell).ringTokens())
                            .reversed())
                    .forEach(cell -> taken[cell] = stores.take(ring(cell), tokenBytes()));
        } catch (RuntimeException | Error e) {
            Arrays.stream(taken).filter(Objects::nonNull).forEach(stores::giveBack);
            throw e;
        }
        rings.addAll(List.of(taken));
    }

    private RingSource ring(int cell) {
        return (RingSource) sources.get(cell);
    }

    /** @param sources of the cells, in their order */
    static StepInputs of(TokenStores stores, List<? extends BatchSource> sources, GroupShape shape, int slots) {
        return new StepInputs(stores, sources, shape, slots);
    }

    /** Tokens of the windows that are sent step by step; 0 where the device holds the rings. */
    long poolTokens() {
        return poolTokens;
    }

    /** Where the pool begins; empty where it is to be made, of {@link #poolTokens}. */
    OptionalLong storeAddress() {
        return resident ? OptionalLong.of(rings.get(0).address()) : OptionalLong.empty();
    }

    /** Bytes of the stores that these cells read, which others may read, too. */
    long storeBytes() {
        return rings.stream().distinct().mapToLong(Store::bytes).sum();
    }

    int tokenBytes() {
        int vocabulary = shape.model().vocabulary();
        return !resident ? Integer.BYTES : vocabulary <= 1 << 8 ? 1 : vocabulary <= 1 << 16 ? 2 : Integer.BYTES;
    }

    /** In tokens from the beginning of the pool; less than 0 where the store lies before it. */
    long ringStart(int cell) {
        return resident ? (rings.get(cell).address() - rings.get(0).address()) / tokenBytes() : 0;
    }

    long ringLength(int cell) {
        return resident ? ring(cell).ringTokens() : poolTokens;
    }

    /** Says where the windows of each slot will stand in a pool that no store is. */
    void begin(Device device, GroupMemory memory) {
        if (!resident) {
            for (long sequence = 0; starts.hasRemaining(); sequence++) {
                starts.putLong(sequence * (shape.model().context() + 1));
            }
            device.write(memory.starts, starts.flip());
        }
    }

    /** Gives the stores back. */
    @Override
    public void close() {
        rings.forEach(stores::giveBack);
        rings.clear();
    }

    /** Notes a cell's plan and windows for a step, in the slot that the device will look for them. */
    void plan(int cell, long step, StepPlan plan) {
        int slot = (int) ((step - 1) % slots);
        int place = slot * sources.size() + cell;
        plan.write(plans.position(place * StepPlan.BYTES));
        if (resident) {
            RingSource ring = ring(cell);
            starts.position(place * shape.batchSequences() * Long.BYTES);
            for (int sequence = 0; sequence < shape.batchSequences(); sequence++) {
                starts.putLong(ring.start(step, sequence));
            }
        } else {
            int context = shape.model().context();
            sources.get(cell).batch(step, inputs, targets);
            windows.position(Math.toIntExact(place * windowTokens() * Integer.BYTES));
            for (int first = 0; first < inputs.length; first += context) {
                for (int i = 0; i < context; i++) {
                    windows.putInt(inputs[first + i]);
                }
                windows.putInt(targets[first + context - 1]);
            }
        }
        changed.set(slot);
    }

    /** Sends the slots that were changed. */
    void send(Device device, GroupMemory memory) {
        for (int from = changed.nextSetBit(0); from >= 0; from = changed.nextSetBit(from)) {
            int to = changed.nextClearBit(from);
            send(device, memory.plans, plans, from, to);
            if (resident) {
                send(device, memory.starts, starts, from, to);
            } else {
                send(device, memory.pool, windows, from, to);
            }
            from = to;
        }
        changed.clear();
    }

    private void send(Device device, long address, ByteBuffer bytes, int from, int to) {
        int slot = bytes.capacity() / slots;
        device.write(address + (long) from * slot, bytes.slice(from * slot, (to - from) * slot));
    }

    /** Tokens of a batch's windows. */
    private long windowTokens() {
        return (long) shape.batchSequences() * (shape.model().context() + 1);
    }

    private static ByteBuffer buffer(long bytes) {
        return ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
    }
}
