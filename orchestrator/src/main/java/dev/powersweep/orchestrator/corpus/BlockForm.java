package dev.powersweep.orchestrator.corpus;

import dev.powersweep.worker.shard.TokenType;
import java.io.Serializable;
import java.util.Optional;

/** What a corpus's blocks are, before and after encoding; crosses to the tasks. */
sealed interface BlockForm extends Serializable {

    /** End of the block that starts at {@code from}. */
    int end(byte[] bytes, int from, int to);

    /** What is wrong with a block; text was checked when it was read. */
    default Optional<String> problem(byte[] bytes, int from, int to) {
        return Optional.empty();
    }

    BlockEncoder encoder();

    /** Bytes of a stored token. */
    int tokenBytes();

    /** UTF-8 bytes of text in so many bytes of input; 0 where that is not known. */
    default int textBytes(int inputBytes) {
        return inputBytes;
    }

    /** Text, one token a byte. */
    record TextAsBytes() implements BlockForm {
        @Override
        public int end(byte[] bytes, int from, int to) {
            return BlockCutter.end(bytes, from, to);
        }

        @Override
        public BlockEncoder encoder() {
            return new BlockEncoder.Bytes();
        }

        @Override
        public int tokenBytes() {
            return 1;
        }
    }

    /** Text with byte pairs. */
    record TextAsPairs(BytePairs pairs) implements BlockForm {
        @Override
        public int end(byte[] bytes, int from, int to) {
            return BlockCutter.end(bytes, from, to);
        }

        @Override
        public BlockEncoder encoder() {
            return new BlockEncoder.Pairs(pairs);
        }

        @Override
        public int tokenBytes() {
            return 2;
        }
    }

    /** Text with a tokenizer that was made elsewhere. */
    record TextForLibrary(LibraryTokenizer tokenizer) implements BlockForm {
        @Override
        public int end(byte[] bytes, int from, int to) {
            return BlockCutter.end(bytes, from, to);
        }

        @Override
        public BlockEncoder encoder() {
            return new BlockEncoder.Library(tokenizer, tokenBytes());
        }

        @Override
        public int tokenBytes() {
            return TokenType.forVocabulary(tokenizer.vocabulary()).bytes();
        }
    }

    /** Tokens made elsewhere, two bytes each, in blocks of as many bytes as text's smallest. */
    record Tokens(int vocabulary) implements BlockForm {
        @Override
        public int end(byte[] bytes, int from, int to) {
            return Math.min(to, from + BlockCutter.LEAST);
        }

        @Override
        public Optional<String> problem(byte[] bytes, int from, int to) {
            for (int i = from; i + 1 < to; i += 2) {
                int token = (bytes[i] & 0xff) | (bytes[i + 1] & 0xff) << Byte.SIZE;
                if (token >= vocabulary) {
                    return Optional.of("token " + token + " is not below corpus.tokens.vocabulary = " + vocabulary);
                }
            }
            return Optional.empty();
        }

        @Override
        public BlockEncoder encoder() {
            return vocabulary <= 256 ? new BlockEncoder.LowBytes() : new BlockEncoder.Bytes();
        }

        @Override
        public int tokenBytes() {
            return vocabulary <= 256 ? 1 : 2;
        }

        @Override
        public int textBytes(int inputBytes) {
            return 0;
        }
    }
}
