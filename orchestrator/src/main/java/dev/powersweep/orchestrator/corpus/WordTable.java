package dev.powersweep.orchestrator.corpus;

import java.util.Arrays;

/** A set of byte strings, each with a number from 0 in order of arrival; open addressing over one arena. */
final class WordTable {
    private static final int ABSENT = -1;
    private byte[] arena = new byte[1 << 16];
    private int[] starts = new int[1 << 12];
    private int[] hashes = new int[1 << 12];
    private int[] slots = filled(1 << 13);
    private int size;

    int size() {
        return size;
    }

    /** Bytes of all words together. */
    int arenaBytes() {
        return starts[size];
    }

    /** The word's number; it is added where it is new. */
    int number(byte[] text, int from, int to) {
        int hash = hash(text, from, to);
        int mask = slots.length - 1;
        int slot = hash & mask;
        while (slots[slot] != ABSENT) {
            int candidate = slots[slot];
            if (hashes[candidate] == hash
                    && Arrays.equals(arena, starts[candidate], starts[candidate + 1], text, from, to)) {
                return candidate;
            }
            slot = (slot + 1) & mask;
        }
        return add(text, from, to, hash, slot);
    }

    byte[] word(int number) {
        return Arrays.copyOfRange(arena, starts[number], starts[number + 1]);
    }

    private int add(byte[] text, int from, int to, int hash, int slot) {
        int start = starts[size];
        int end = start + to - from;
        if (end > arena.length) {
            arena = Arrays.copyOf(arena, Math.max(end, 2 * arena.length));
        }
        if (size + 2 > starts.length) {
            starts = Arrays.copyOf(starts, 2 * starts.length);
            hashes = Arrays.copyOf(hashes, 2 * hashes.length);
        }
        System.arraycopy(text, from, arena, start, to - from);
        hashes[size] = hash;
        starts[size + 1] = end;
        slots[slot] = size;
        size++;
        if (2 * size > slots.length) {
            rehash();
        }
        return size - 1;
    }

    private void rehash() {
        int[] larger = filled(2 * slots.length);
        int mask = larger.length - 1;
        for (int word = 0; word < size; word++) {
            int slot = hashes[word] & mask;
            while (larger[slot] != ABSENT) {
                slot = (slot + 1) & mask;
            }
            larger[slot] = word;
        }
        slots = larger;
    }

    private static int hash(byte[] text, int from, int to) {
        int hash = 0x811c9dc5;
        for (int i = from; i < to; i++) {
            hash = (hash ^ (text[i] & 0xff)) * 0x01000193;
        }
        return hash ^ (hash >>> 15);
    }

    private static int[] filled(int length) {
        int[] result = new int[length];
        Arrays.fill(result, ABSENT);
        return result;
    }
}
