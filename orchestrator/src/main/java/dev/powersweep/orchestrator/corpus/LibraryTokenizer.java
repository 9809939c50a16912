package dev.powersweep.orchestrator.corpus;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import com.knuddels.jtokkit.api.IntArrayList;
import dev.powersweep.orchestrator.spec.TokenizerSpec;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;
import java.util.stream.LongStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;

/** A tokenizer that was made elsewhere and that a library runs; crosses to the tasks. */
sealed interface LibraryTokenizer extends Serializable {

    /** Part of a corpus's identity. */
    String describe();

    /** Token kinds; every token is below it. */
    int vocabulary();

    /** Tokens of a text; safe for use by several threads. */
    int[] encode(String text);

    /** The text of tokens below the vocabulary. */
    String decode(int[] tokens);

    /**
     * The tokenizer that a specification names; empty where it needs no library.
     *
     * @throws UserError naming the file that is missing, unreadable or no tokenizer, or has too many tokens
     */
    static Optional<LibraryTokenizer> of(TokenizerSpec tokenizer, Configuration configuration) {
        if (tokenizer instanceof TokenizerSpec.Gpt2) {
            return Optional.of(new Gpt2());
        }
        return tokenizer instanceof TokenizerSpec.JsonFile file
                ? Optional.of(HuggingFace.read(file, configuration))
                : Optional.empty();
    }

    /** GPT-2's vocabulary (Radford et al. 2019), without its end-of-text token in the text. */
    record Gpt2() implements LibraryTokenizer {
        /** Reads half a megabyte of merges at first use. */
        private static final class Loaded {
            static final Encoding ENCODING = Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.R50K_BASE);
        }

        @Override
        public String describe() {
            return "gpt2";
        }

        @Override
        public int vocabulary() {
            return 50_257;
        }

        @Override
        public int[] encode(String text) {
            return Loaded.ENCODING.encodeOrdinary(text).toArray();
        }

        @Override
        public String decode(int[] tokens) {
            IntArrayList list = new IntArrayList(tokens.length);
            for (int token : tokens) {
                list.add(token);
            }
            return Loaded.ENCODING.decode(list);
        }
    }

    /**
     * A {@code tokenizer.json}, run by Hugging Face's library in processes of its own, one for each task at a time; no special
     * token is added to the text.
     */
    final class HuggingFace implements LibraryTokenizer {
        private static final long serialVersionUID = 1L;
        private static final int HASH_BYTES = 8;
        private static final long MOST_JSON_BYTES = 256L << 20;

        private final String path;
        private final String json;
        private final int vocabulary;
        private final Duration mostTime;
        private transient Queue<TokenizerProcess> waiting;

        HuggingFace(String path, String json, int vocabulary, Duration mostTime) {
            this.path = path;
            this.json = json;
            this.vocabulary = vocabulary;
            this.mostTime = mostTime;
        }

        static HuggingFace read(TokenizerSpec.JsonFile file, Configuration configuration) {
            String json = text(file.path(), configuration);
            long vocabulary;
            try {
                vocabulary = vocabulary(new ObjectMapper().readTree(json));
            } catch (JsonProcessingException e) {
                throw new UserError(
                        "tokenizer.path = " + file.path() + " is not JSON (" + e.getOriginalMessage()
                                + "); give a tokenizer.json",
                        e);
            }
            if (vocabulary < 1) {
                throw new UserError("tokenizer.path = " + file.path()
                        + " holds no tokens under model.vocab; give a tokenizer.json of Hugging Face's tokenizers");
            }
            if (vocabulary > TokenizerSpec.LARGEST_VOCABULARY) {
                throw new UserError(String.format(
                        Locale.ROOT,
                        "tokenizer.path = %s numbers a token %,d, but tokens are whole numbers from 0 and below %,d; mend"
                                + " the file",
                        file.path(),
                        vocabulary - 1,
                        TokenizerSpec.LARGEST_VOCABULARY));
            }
            HuggingFace tokenizer = new HuggingFace(file.path(), json, (int) vocabulary, TokenizerProcess.MOST_TIME);
            tokenizer.encode("");
            return tokenizer;
        }

        @Override
        public String describe() {
            byte[] hash = BlockHash.sha256().digest(json.getBytes(StandardCharsets.UTF_8));
            return "tokenizer.json-" + HexFormat.of().formatHex(hash, 0, HASH_BYTES);
        }

        @Override
        public int vocabulary() {
            return vocabulary;
        }

        @Override
        public int[] encode(String text) {
            return ask(process -> process.encode(text));
        }

        @Override
        public String decode(int[] tokens) {
            return ask(process -> process.decode(tokens));
        }

        private <T> T ask(Function<TokenizerProcess, Optional<T>> question) {
            while (true) {
                TokenizerProcess process = free();
                Optional<T> answer = question.apply(process);
                if (answer.isPresent()) {
                    processes().add(process);
                    return answer.get();
                }
            }
        }

        /** One that no other task uses just now; those that have waited long have ended. */
        private TokenizerProcess free() {
            for (TokenizerProcess waiting = processes().poll();
                    waiting != null;
                    waiting = processes().poll()) {
                if (waiting.alive()) {
                    return waiting;
                }
            }
            return new TokenizerProcess("tokenizer.path = " + path, json, mostTime);
        }

        private synchronized Queue<TokenizerProcess> processes() {
            if (waiting == null) {
                waiting = new ConcurrentLinkedQueue<>();
            }
            return waiting;
        }

        private static String text(String path, Configuration configuration) {
            try {
                Path given = new Path(path);
                Path qualified = given.getFileSystem(configuration).makeQualified(given);
                FileStatus status = qualified.getFileSystem(configuration).getFileStatus(qualified);
                if (status.isDirectory() || status.getLen() == 0 || status.getLen() > MOST_JSON_BYTES) {
                    throw new UserError("tokenizer.path = " + path + " is "
                            + (status.isDirectory()
                                    ? "a directory"
                                    : status.getLen() == 0
                                            ? "empty or no regular file"
                                            : status.getLen()
                                                    + " bytes long, and the largest tokenizers have 20 million")
                            + "; give a tokenizer.json");
                }
                return new String(Storage.of(qualified, configuration).read(qualified), StandardCharsets.UTF_8);
            } catch (NoSuchFileException | FileNotFoundException e) {
                throw new UserError(
                        "there is no file tokenizer.path = " + path + "; give the path of a tokenizer.json", e);
            } catch (IOException | IllegalArgumentException e) {
                throw new UserError("tokenizer.path = " + path + " cannot be read: " + e.getMessage(), e);
            }
        }

        /** One above the largest token: models keep a vocabulary by token or, with scores, in the tokens' order. */
        private static long vocabulary(JsonNode tokenizer) {
            JsonNode vocabulary = tokenizer.path("model").path("vocab");
            LongStream tokens = vocabulary.isArray()
                    ? LongStream.range(0, vocabulary.size())
                    : vocabulary.valueStream().mapToLong(HuggingFace::number);
            LongStream added =
                    tokenizer.path("added_tokens").valueStream().mapToLong(token -> number(token.path("id")));
            return vocabulary.isEmpty()
                    ? 0
                    : 1 + LongStream.concat(tokens, added).max().orElseThrow();
        }

        /** A token's number; one that no token can have where it is none. */
        private static long number(JsonNode id) {
            return id.isIntegralNumber() && id.canConvertToLong() && id.longValue() >= 0
                    ? Math.min(id.longValue(), Long.MAX_VALUE - 1)
                    : Long.MAX_VALUE - 1;
        }
    }
}
