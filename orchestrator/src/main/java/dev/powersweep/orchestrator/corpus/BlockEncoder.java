package dev.powersweep.orchestrator.corpus;

import dev.powersweep.orchestrator.storage.UserError;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Turns a block of text into stored tokens; one instance a thread. */
sealed interface BlockEncoder {

    /** Stored bytes of the tokens of text[from, to). */
    byte[] encode(byte[] text, int from, int to);

    /** As they are. */
    record Bytes() implements BlockEncoder {
        @Override
        public byte[] encode(byte[] text, int from, int to) {
            return Arrays.copyOfRange(text, from, to);
        }
    }

    /** The low byte of every two, for small vocabularies. */
    record LowBytes() implements BlockEncoder {
        @Override
        public byte[] encode(byte[] tokens, int from, int to) {
            byte[] low = new byte[(to - from) / 2];
            for (int i = 0; i < low.length; i++) {
                low[i] = tokens[from + 2 * i];
            }
            return low;
        }
    }

    /** As a library makes them, {@code tokenBytes} bytes each. */
    record Library(LibraryTokenizer tokenizer, int tokenBytes) implements BlockEncoder {
        /** One a byte at most is usual; normalisers may write a character out. */
        private static final int MOST_TOKENS_PER_BYTE = 32;

        @Override
        public byte[] encode(byte[] text, int from, int to) {
            int[] tokens = tokenizer.encode(new String(text, from, to - from, StandardCharsets.UTF_8));
            if (tokens.length > MOST_TOKENS_PER_BYTE * (to - from + 1)) {
                throw new UserError("the tokenizer " + tokenizer.describe() + " made " + tokens.length + " tokens of "
                        + (to - from) + " bytes; its rules multiply the text, so mend its file");
            }
            byte[] stored = new byte[tokens.length * tokenBytes];
            for (int i = 0; i < tokens.length; i++) {
                if (tokens[i] < 0 || tokens[i] >= tokenizer.vocabulary()) {
                    throw new UserError("the tokenizer " + tokenizer.describe() + " gave the token " + tokens[i]
                            + ", which is not below its vocabulary of " + tokenizer.vocabulary()
                            + "; mend its file");
                }
                for (int part = 0; part < tokenBytes; part++) {
                    stored[i * tokenBytes + part] = (byte) (tokens[i] >>> Byte.SIZE * part);
                }
            }
            return stored;
        }
    }

    /** Byte pairs, two bytes a token; words met before are looked up. */
    final class Pairs implements BlockEncoder {
        private static final int MOST_CACHED_BYTES = 64 << 20;
        private static final int FREE = -1;

        private final long[] pairKeys;
        private final int[] pairTokens;
        private WordTable cache = new WordTable();
        private byte[][] cached = new byte[1 << 12][];

        Pairs(BytePairs pairs) {
            int capacity = Integer.highestOneBit(Math.max(16, 4 * pairs.left().length)) * 2;
            pairKeys = new long[capacity];
            pairTokens = new int[capacity];
            Arrays.fill(pairKeys, FREE);
            for (int merge = 0; merge < pairs.left().length; merge++) {
                long key = key(pairs.left()[merge], pairs.right()[merge]);
                int slot = slot(key);
                while (pairKeys[slot] != FREE) {
                    slot = (slot + 1) & (capacity - 1);
                }
                pairKeys[slot] = key;
                pairTokens[slot] = BytePairs.BYTES + merge;
            }
        }

        @Override
        public byte[] encode(byte[] text, int from, int to) {
            byte[] stored = new byte[2 * (to - from)];
            int length = 0;
            int start = from;
            while (start < to) {
                int end = WordScanner.end(text, start, to, from);
                byte[] tokens = word(text, start, end);
                System.arraycopy(tokens, 0, stored, length, tokens.length);
                length += tokens.length;
                start = end;
            }
            return Arrays.copyOf(stored, length);
        }

        private byte[] word(byte[] text, int from, int to) {
            if (cache.arenaBytes() > MOST_CACHED_BYTES) {
                cache = new WordTable();
                cached = new byte[1 << 12][];
            }
            int known = cache.size();
            int number = cache.number(text, from, to);
            if (number < known) {
                return cached[number];
            }
            if (number >= cached.length) {
                cached = Arrays.copyOf(cached, 2 * cached.length);
            }
            cached[number] = merged(text, from, to);
            return cached[number];
        }

        private byte[] merged(byte[] text, int from, int to) {
            int[] tokens = new int[to - from];
            for (int i = 0; i < tokens.length; i++) {
                tokens[i] = text[from + i] & 0xff;
            }
            int length = tokens.length;
            while (length > 1) {
                int best = Integer.MAX_VALUE;
                int at = -1;
                for (int i = 0; i + 1 < length; i++) {
                    int token = merge(tokens[i], tokens[i + 1]);
                    if (token < best) {
                        best = token;
                        at = i;
                    }
                }
                if (at < 0) {
                    break;
                }
                tokens[at] = best;
                System.arraycopy(tokens, at + 2, tokens, at + 1, length - at - 2);
                length--;
            }
            byte[] stored = new byte[2 * length];
            for (int i = 0; i < length; i++) {
                stored[2 * i] = (byte) tokens[i];
                stored[2 * i + 1] = (byte) (tokens[i] >>> Byte.SIZE);
            }
            return stored;
        }

        /** The merged token, or the largest integer where the two do not merge. */
        private int merge(int left, int right) {
            long key = key(left, right);
            int slot = slot(key);
            while (pairKeys[slot] != FREE) {
                if (pairKeys[slot] == key) {
                    return pairTokens[slot];
                }
                slot = (slot + 1) & (pairKeys.length - 1);
            }
            return Integer.MAX_VALUE;
        }

        private int slot(long key) {
            return (int) ((key * 0x9E3779B97F4A7C15L) >>> 40) & (pairKeys.length - 1);
        }

        private static long key(int left, int right) {
            return ((long) left << Integer.SIZE) | right;
        }
    }
}
