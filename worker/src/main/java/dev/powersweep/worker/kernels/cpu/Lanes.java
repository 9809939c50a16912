package dev.powersweep.worker.kernels.cpu;

import dev.powersweep.worker.kernels.Flush;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Loads, stores and the few vector functions that the kernels share.
 *
 * <p>Java 17 reads vectors from byte buffers, Java 19 and later from memory segments only; constant method handles let
 * one class file serve both.
 */
final class Lanes {

    // All kernels use one species: a second one in the same process widens the type profiles that the vector library's
    // own methods are compiled by, and slows every reduction several times.
    static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
    static final int COUNT = FLOATS.length();
    static final int BYTES = COUNT * Float.BYTES;

    private static final boolean SEGMENTS = Runtime.version().feature() >= 19;
    private static final MethodHandle LOAD = SEGMENTS ? segmentLoad() : null;
    private static final MethodHandle STORE = SEGMENTS ? segmentStore() : null;

    private static final float LOG2_E = 1.44269504f;
    /** 1.5·2²³: adding it rounds to an integer that stands in the low bits. */
    private static final float ROUNDER = 12582912f;

    private static final float LN2_HIGH = 0.693359375f;
    private static final float LN2_LOW = -2.12194440e-4f;
    /** Keeps the exponent trick, and products with the results, inside the normal numbers. */
    static final float EXP_BOUND = -Flush.LEAST_EXPONENT;

    /** Polynomial of Cephes' expf. */
    private static final float C5 = 1.9875691500e-4f;

    private static final float C4 = 1.3981999507e-3f;
    private static final float C3 = 8.3334519073e-3f;
    private static final float C2 = 4.1665795894e-2f;
    private static final float C1 = 1.6666665459e-1f;
    private static final float C0 = 5.0000001201e-1f;

    // Loops over an array keep the byte code short: C2 inlines 8,000 bytes into one method, calls what is beyond them,
    // and boxes the vectors that it hands to a call.
    @SuppressWarnings("unchecked")
    private static final VectorShuffle<Float>[] HALVINGS = halvings();

    private Lanes() {}

    static FloatVector load(Block block, int at) {
        if (SEGMENTS) {
            try {
                return (FloatVector) LOAD.invokeExact(block.segment, (long) at);
            } catch (Throwable impossible) {
                throw new AssertionError(impossible);
            }
        }
        return FloatVector.fromByteBuffer(FLOATS, block.bytes, at, ByteOrder.LITTLE_ENDIAN);
    }

    static void store(FloatVector vector, Block block, int at) {
        if (SEGMENTS) {
            try {
                STORE.invokeExact(vector, block.segment, (long) at);
            } catch (Throwable impossible) {
                throw new AssertionError(impossible);
            }
        } else {
            vector.intoByteBuffer(block.bytes, at, ByteOrder.LITTLE_ENDIAN);
        }
    }

    static FloatVector all(float value) {
        return FloatVector.broadcast(FLOATS, value);
    }

    /** Largest multiple of the lane count not above {@code length}. */
    static int whole(int length) {
        return length - length % COUNT;
    }

    /** Sum of all lanes in a fixed order. */
    static float sum(FloatVector vector) {
        FloatVector sum = vector;
        for (VectorShuffle<Float> halving : HALVINGS) {
            sum = sum.add(sum.rearrange(halving));
        }
        return sum.lane(0);
    }

    /** Largest lane; NaN if any is. */
    static float max(FloatVector vector) {
        FloatVector most = vector;
        for (VectorShuffle<Float> halving : HALVINGS) {
            most = most.max(most.rearrange(halving));
        }
        return most.lane(0);
    }

    /**
     * e^−x; beyond ±{@code most}, and for NaN, the value there. Relative error below 2e-7.
     *
     * @param most at most 87
     */
    static FloatVector expOfNegated(FloatVector x, float most) {
        // Positive floats are ordered as their bits, and an integer minimum is one instruction where Java's is five:
        // one bounds x from above, and after the change of sign one bounds −x.
        int bound = Float.floatToRawIntBits(most);
        IntVector negated = x.reinterpretAsInts().min(bound).lanewise(VectorOperators.XOR, Integer.MIN_VALUE);
        return bounded(negated.min(bound).reinterpretAsFloats());
    }

    /** e^−x for x ≥ 0, or below it by a rounding error; beyond 60 the value there, for NaN it or NaN. */
    static FloatVector expOfMinus(FloatVector x) {
        int bound = Float.floatToRawIntBits(EXP_BOUND);
        return bounded(x.reinterpretAsInts()
                .min(bound)
                .lanewise(VectorOperators.XOR, Integer.MIN_VALUE)
                .reinterpretAsFloats());
    }

    private static FloatVector bounded(FloatVector x) {
        FloatVector rounder = all(ROUNDER);
        FloatVector rounded = x.fma(all(LOG2_E), rounder);
        FloatVector n = rounded.sub(rounder);
        FloatVector f = n.fma(all(-LN2_LOW), n.fma(all(-LN2_HIGH), x));
        FloatVector p = f.fma(all(C5), all(C4))
                .fma(f, all(C3))
                .fma(f, all(C2))
                .fma(f, all(C1))
                .fma(f, all(C0));
        FloatVector e = p.mul(f).fma(f, f).add(1f);
        IntVector shift = rounded.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
        return e.reinterpretAsInts().add(shift).reinterpretAsFloats();
    }

    /** e^x for one number, bit for bit as the vectors have it. */
    static float exp(float exponent) {
        float x = Math.copySign(Math.min(Math.abs(exponent), EXP_BOUND), exponent);
        float rounded = Math.fma(x, LOG2_E, ROUNDER);
        float n = rounded - ROUNDER;
        float f = Math.fma(n, -LN2_LOW, Math.fma(n, -LN2_HIGH, x));
        float p = Math.fma(f, C5, C4);
        p = Math.fma(p, f, C3);
        p = Math.fma(p, f, C2);
        p = Math.fma(p, f, C1);
        p = Math.fma(p, f, C0);
        float e = Math.fma(p * f, f, f) + 1f;
        return Float.intBitsToFloat(Float.floatToRawIntBits(e) + (Float.floatToRawIntBits(rounded) << 23));
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static VectorShuffle<Float>[] halvings() {
        int levels = Integer.numberOfTrailingZeros(COUNT);
        VectorShuffle<Float>[] shuffles = new VectorShuffle[levels];
        for (int level = 0; level < levels; level++) {
            shuffles[level] = VectorShuffle.iota(FLOATS, COUNT >> (level + 1), 1, true);
        }
        return shuffles;
    }

    private static MethodHandle segmentLoad() {
        try {
            Class<?> segment = Class.forName("java.lang.foreign.MemorySegment");
            MethodHandle load = MethodHandles.publicLookup()
                    .findStatic(
                            FloatVector.class,
                            "fromMemorySegment",
                            MethodType.methodType(
                                    FloatVector.class, VectorSpecies.class, segment, long.class, ByteOrder.class));
            load = MethodHandles.insertArguments(load, 3, ByteOrder.LITTLE_ENDIAN);
            load = MethodHandles.insertArguments(load, 0, FLOATS);
            return load.asType(MethodType.methodType(FloatVector.class, Object.class, long.class));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static MethodHandle segmentStore() {
        try {
            Class<?> segment = Class.forName("java.lang.foreign.MemorySegment");
            MethodHandle store = MethodHandles.publicLookup()
                    .findVirtual(
                            FloatVector.class,
                            "intoMemorySegment",
                            MethodType.methodType(void.class, segment, long.class, ByteOrder.class));
            store = MethodHandles.insertArguments(store, 3, ByteOrder.LITTLE_ENDIAN);
            return store.asType(MethodType.methodType(void.class, FloatVector.class, Object.class, long.class));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Off-heap memory as both Java 17 and later ones read it. */
    static final class Block {
        final ByteBuffer bytes;
        final Object segment;

        Block(ByteBuffer buffer) {
            bytes = buffer.order(ByteOrder.LITTLE_ENDIAN);
            segment = SEGMENTS ? asSegment(buffer) : null;
        }

        float get(int at) {
            return bytes.getFloat(at);
        }

        void put(int at, float value) {
            bytes.putFloat(at, value);
        }

        /** Two neighbouring numbers' bits, the first one in the low half. */
        long getTwo(int at) {
            return bytes.getLong(at);
        }

        void putTwo(int at, long bits) {
            bytes.putLong(at, bits);
        }

        private static Object asSegment(ByteBuffer buffer) {
            try {
                Class<?> segment = Class.forName("java.lang.foreign.MemorySegment");
                return segment.getMethod("ofBuffer", java.nio.Buffer.class).invoke(null, buffer);
            } catch (ReflectiveOperationException e) {
                throw new AssertionError(e);
            }
        }
    }
}
