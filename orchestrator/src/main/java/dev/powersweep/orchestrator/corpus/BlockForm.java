package dev.powersweep.orchestrator.corpus;

import dev.powersweep.worker.shard.TokenType;
import java.io.Serializable;

/** What a corpus's blocks are, before and after encoding; crosses to the tasks. */
sealed interface BlockForm extends Serializable {

    /** End of the block that starts at {@code from}. */
    int end(byte[] bytes, int from, int to);

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

    /**
     * Tokens made elsewhere, in the smallest of two or four bytes that holds the vocabulary, in blocks of as many bytes as
     * text's smallest; checked when they were read.
     */
    record Tokens(int vocabulary) implements BlockForm {
        /** Bytes of a token before it is stored. */
        static int inputBytes(int vocabulary) {
            return Math.max(2, TokenType.forVocabulary(vocabulary).bytes());
        }

        @Override
        public int end(byte[] bytes, int from, int to) {
            return Math.min(to, from + BlockCutter.LEAST);
        }

        @Override
        public BlockEncoder encoder() {
            return tokenBytes() == 1 ? new BlockEncoder.LowBytes() : new BlockEncoder.Bytes();
        }

        @Override
        public int tokenBytes() {
            return TokenType.forVocabulary(vocabulary).bytes();
        }

        @Override
        public int textBytes(int inputBytes) {
            return 0;
        }
    }
}
