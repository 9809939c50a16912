package dev.powersweep.worker.cell;

/**
 * Asks a trainer that trains several cells at once to end one of them, as SIGTERM would end a trainer of one: a line of
 * its standard input, which {@link Frame.Interrupted} answers. One that comes after the cell's end changes nothing.
 *
 * @param stop id of the cell
 */
public record StopOrder(String stop) {

    /** Whether a line is such an order rather than an {@link Assignment}. */
    public static boolean is(String line) {
        return line.startsWith("{\"stop\":");
    }
}
