package dev.powersweep.worker.gpu;

/** Blocks of a launch, each at least 1; y and z at most 65,535. */
public record Grid(int x, int y, int z) {

    public static Grid of(long x) {
        return of(x, 1);
    }

    static Grid of(long x, long y) {
        return of(x, y, 1);
    }

    static Grid of(long x, long y, long z) {
        return new Grid(Math.toIntExact(x), Math.toIntExact(y), Math.toIntExact(z));
    }

    /** Blocks that have room for all of {@code items}. */
    public static long blocks(long items, long itemsOfBlock) {
        return (items + itemsOfBlock - 1) / itemsOfBlock;
    }
}
