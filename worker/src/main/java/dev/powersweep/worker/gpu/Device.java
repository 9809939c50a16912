package dev.powersweep.worker.gpu;

import dev.powersweep.worker.cell.Precision;
import java.nio.ByteBuffer;

/**
 * A card, or what stands for one: memory and a queue of work that is done in its order.
 *
 * <p>Assumes one thread. Only {@link #read} waits for what was queued before.
 */
public interface Device extends AutoCloseable {

    /** The card's name and what drives it, for provenance. */
    String describe();

    /** Whether its products can be made in these numbers. */
    default boolean multiplies(Precision precision) {
        return true;
    }

    /** Memory of undefined content at a multiple of 256 bytes. */
    long allocate(long bytes);

    /** Gives memory back, once all that was queued is done with it. */
    void free(long address);

    /** Copies all remaining bytes of {@code from} to the device; {@code from} may be changed afterwards. */
    void write(long address, ByteBuffer from);

    /** Fills {@code to} from its position to its limit, both left as they are. */
    void read(long address, ByteBuffer to);

    void zero(long address, long bytes);

    /**
     * Queues a kernel.
     *
     * @param kernel its name in {@link KernelSources}
     * @param threads of a block
     * @param arguments as the kernel declares them: addresses and integers as they are, floats by {@link #single}
     */
    void launch(String kernel, Grid grid, int threads, long... arguments);

    /** Queues products. */
    void multiply(Product product);

    /**
     * Queues what {@code work} queues (zeros, launches, products) so that it may be done at the same time as what is
     * queued next: after all that was queued before, and after other such work.
     */
    void beside(Runnable work);

    /** Lets what is queued next wait for all work that was queued by {@link #beside}. */
    void join();

    /**
     * Runs {@code work}, which only queues zeros, launches and products, joined at its end, without doing what it queues.
     *
     * @return does all of it, as often as wanted, in one call
     */
    Work capture(Runnable work);

    /** What was {@linkplain #capture captured}. */
    interface Work extends AutoCloseable {

        /** Queues all of it. */
        void run();

        /** Lets go of what the device keeps of it, once all that was queued is done with it. */
        @Override
        void close();
    }

    /** A float as an argument. */
    static long single(float x) {
        return Float.floatToRawIntBits(x);
    }

    /** Frees all memory. */
    @Override
    void close();
}
