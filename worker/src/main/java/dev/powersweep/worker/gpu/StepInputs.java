package dev.powersweep.worker.gpu;

import dev.powersweep.worker.train.BatchSource;
import dev.powersweep.worker.train.RingSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the host tells a device of steps to come: plans, and where the windows of a batch begin in the device's pool of
 * tokens. Where every source is a {@link RingSource}, the pool holds their tokens once and for all; else it holds the
 * windows of as many steps as may be queued.
 *
 * <p>What is sent is kept here too, [slot][cell], so that slots go to the device whole, whichever cells they were changed
 * for.
 */
final class StepInputs {

    /** Tokens that go to the device at once. */
    private static final int STRETCH = 1 << 20;

    private final List<? extends BatchSource> sources;
    private final GroupShape shape;
    private final int slots;
    private final boolean resident;
    /** Where each of the distinct token stores begins in the pool, and how many tokens it has there. */
    private final Map<Object, long[]> stores = new LinkedHashMap<>();

    private final long poolTokens;
    private final ByteBuffer plans;
    private final ByteBuffer starts;
    private final ByteBuffer windows;
    private final BitSet changed = new BitSet();
    private final int[] inputs;
    private final int[] targets;

    private StepInputs(List<? extends BatchSource> sources, GroupShape shape, int slots) {
        this.sources = sources;
        this.shape = shape;
        this.slots = slots;
        resident = sources.stream().allMatch(RingSource.class::isInstance);
        int cells = sources.size();
        plans = buffer((long) slots * cells * StepPlan.BYTES);
        starts = buffer((long) slots * cells * shape.batchSequences() * Long.BYTES);
        if (resident) {
            for (BatchSource source : sources) {
                RingSource ring = (RingSource) source;
                long[] store = stores.computeIfAbsent(ring.tokens(), key -> new long[2]);
                store[1] = Math.max(store[1], ring.ringTokens());
            }
            long at = 0;
            for (long[] store : stores.values()) {
                store[0] = at;
                at += store[1];
            }
            poolTokens = at;
            windows = buffer(0);
            inputs = new int[0];
        } else {
            poolTokens = (long) slots * cells * windowTokens();
            windows = buffer(poolTokens * Integer.BYTES);
            inputs = new int[Math.toIntExact(shape.batchTokens())];
        }
        targets = new int[inputs.length];
    }

    /** @param sources of the cells, in their order */
    static StepInputs of(List<? extends BatchSource> sources, GroupShape shape, int slots) {
        return new StepInputs(sources, shape, slots);
    }

    long poolTokens() {
        return poolTokens;
    }

    int tokenBytes() {
        int vocabulary = shape.model().vocabulary();
        return !resident ? Integer.BYTES : vocabulary <= 1 << 8 ? 1 : vocabulary <= 1 << 16 ? 2 : Integer.BYTES;
    }

    long ringStart(int cell) {
        return resident ? stores.get(((RingSource) sources.get(cell)).tokens())[0] : 0;
    }

    long ringLength(int cell) {
        return resident ? ((RingSource) sources.get(cell)).ringTokens() : poolTokens;
    }

    /** Fills the pool, or says where the windows of each slot will stand in it. */
    void begin(Device device, GroupMemory memory) {
        if (!resident) {
            for (long sequence = 0; starts.hasRemaining(); sequence++) {
                starts.putLong(sequence * (shape.model().context() + 1));
            }
            device.write(memory.starts, starts.flip());
            return;
        }
        List<Object> sent = new ArrayList<>();
        for (BatchSource source : sources) {
            RingSource ring = (RingSource) source;
            long[] store = stores.get(ring.tokens());
            if (ring.ringTokens() == store[1] && !sent.contains(ring.tokens())) {
                sent.add(ring.tokens());
                send(device, memory.pool + store[0] * tokenBytes(), ring);
            }
        }
    }

    private void send(Device device, long to, RingSource ring) {
        int[] tokens = new int[(int) Math.min(STRETCH, ring.ringTokens())];
        for (long from = 0; from < ring.ringTokens(); from += tokens.length) {
            int count = (int) Math.min(tokens.length, ring.ringTokens() - from);
            ring.ring(from, count, tokens);
            ByteBuffer bytes = buffer((long) count * tokenBytes());
            for (int i = 0; i < count; i++) {
                switch (tokenBytes()) {
                    case 1 -> bytes.put((byte) tokens[i]);
                    case 2 -> bytes.putShort((short) tokens[i]);
                    default -> bytes.putInt(tokens[i]);
                }
            }
            device.write(to + from * tokenBytes(), bytes.flip());
        }
    }

    /** Notes a cell's plan and windows for a step, in the slot that the device will look for them. */
    void plan(int cell, long step, StepPlan plan) {
        int slot = (int) ((step - 1) % slots);
        int place = slot * sources.size() + cell;
        plan.write(plans.position(place * StepPlan.BYTES));
        if (resident) {
            RingSource ring = (RingSource) sources.get(cell);
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
