package dev.powersweep.orchestrator.corpus;

import dev.powersweep.orchestrator.spec.CorpusSpec;
import java.io.IOException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;

/**
 * Where the tokens of a file lie and how wide they are: raw little-endian integers as nanoGPT writes them, the same behind
 * a header of 256 32-bit words as llm.c and modded-nanogpt write them, or a NumPy array.
 *
 * @param start byte of the first token
 * @param tokens of the file
 */
record TokenLayout(String path, CorpusSpec.TokenWidth width, long start, long tokens) implements Serializable {

    /** A layout, or none and the reason why, which begins with the path. */
    record Answer(List<TokenLayout> layouts, String problem) implements Serializable {}

    /** GPT-2's tokens in 16 bits. */
    private static final int MAGIC_16 = 20240520;
    /** LLaMA 3's tokens in 32 bits. */
    private static final int MAGIC_32 = 20240801;

    private static final int HEADER_BYTES = 256 * Integer.BYTES;
    private static final int HEAD_BYTES = 64 << 10;
    private static final byte[] NUMPY = "\u0093NUMPY".getBytes(StandardCharsets.ISO_8859_1);
    private static final Pattern NUMPY_TYPE = Pattern.compile("'descr':\\s*'([<>|=]?)([a-z]\\d+)'");
    private static final Pattern NUMPY_SHAPE = Pattern.compile("'shape':\\s*\\(([0-9, ]*)\\)");
    /** Pairs of tokens that a verdict on zeros needs. */
    private static final int LEAST_PAIRS = 32;

    /** Finds out by the file's beginning. */
    static Answer of(
            InputFiles.InputFile file, CorpusSpec.TokenWidth asked, int vocabulary, Configuration configuration) {
        Path path = new Path(file.path());
        try (FSDataInputStream stream = LocalNames.open(path, configuration)) {
            byte[] head = stream.readNBytes(HEAD_BYTES);
            return new Finder(file, asked, vocabulary, head).find();
        } catch (IOException | RuntimeException e) {
            return new Answer(List.of(), ReadFailure.sentence(file.path(), Compression.NONE, e));
        }
    }

    private record Finder(InputFiles.InputFile file, CorpusSpec.TokenWidth asked, int vocabulary, byte[] head) {

        Answer find() {
            if (starts(NUMPY)) {
                return numpy();
            }
            Optional<String> known = Containers.knownBeforeTokens(head);
            if (known.isPresent()) {
                return refused(known.get());
            }
            ByteBuffer words = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN);
            if (file.bytes() >= HEADER_BYTES && (words.getInt(0) == MAGIC_16 || words.getInt(0) == MAGIC_32)) {
                return headed(words);
            }
            return raw();
        }

        private Answer headed(ByteBuffer words) {
            CorpusSpec.TokenWidth width =
                    words.getInt(0) == MAGIC_16 ? CorpusSpec.TokenWidth.UINT16 : CorpusSpec.TokenWidth.UINT32;
            if (asked != CorpusSpec.TokenWidth.AUTO && asked != width) {
                return refused("says in its header that its tokens are " + name(width) + "; take corpus.tokens.type = "
                        + name(asked) + " away");
            }
            long said = Integer.toUnsignedLong(words.getInt(2 * Integer.BYTES));
            long there = file.bytes() - HEADER_BYTES;
            if (said * width.bytes() != there) {
                return refused("says in its header that it holds " + said + " tokens of " + width.bytes()
                        + " bytes, but " + there + " bytes follow; fetch it again");
            }
            return found(width, HEADER_BYTES, said);
        }

        private Answer numpy() {
            int major = head.length > 10 ? head[6] : 0;
            ByteBuffer words = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN);
            int from = major >= 2 ? 12 : 10;
            long length = major >= 2 ? Integer.toUnsignedLong(words.getInt(8)) : Short.toUnsignedInt(words.getShort(8));
            if (from + length > head.length) {
                return refused("has a NumPy header of " + length + " bytes, which is cut short or damaged");
            }
            String header = new String(head, from, (int) length, StandardCharsets.ISO_8859_1);
            Matcher type = NUMPY_TYPE.matcher(header);
            Matcher shape = NUMPY_SHAPE.matcher(header);
            if (!type.find() || !shape.find()) {
                return refused("is a NumPy array of another kind than whole numbers; save it by"
                        + " numpy.save(file, tokens.astype('uint16' or 'uint32'))");
            }
            Optional<CorpusSpec.TokenWidth> width =
                    switch (type.group(2)) {
                        case "u1" -> Optional.of(CorpusSpec.TokenWidth.UINT8);
                        case "u2" -> Optional.of(CorpusSpec.TokenWidth.UINT16);
                        case "u4" -> Optional.of(CorpusSpec.TokenWidth.UINT32);
                        case "i4" -> Optional.of(CorpusSpec.TokenWidth.INT32);
                        case "i8" -> Optional.of(CorpusSpec.TokenWidth.INT64);
                        default -> Optional.empty();
                    };
            if (width.isEmpty() || type.group(1).equals(">")) {
                return refused("is a NumPy array of " + type.group(1) + type.group(2)
                        + "; save it by numpy.save(file, tokens.astype('uint16' or 'uint32'))");
            }
            boolean several = shape.group(1).replace(" ", "").matches(".*[0-9],[0-9].*");
            if (several && header.contains("'fortran_order': True")) {
                return refused("is a NumPy array of several dimensions in Fortran order; save it by"
                        + " numpy.save(file, numpy.ascontiguousarray(tokens))");
            }
            long tokens = 1;
            for (String size : shape.group(1).split(",")) {
                tokens = size.isBlank() ? tokens : Math.multiplyExact(tokens, Long.parseLong(size.strip()));
            }
            long start = from + length;
            if (tokens * width.get().bytes() != file.bytes() - start) {
                return refused("says in its header that it holds " + tokens + " tokens of "
                        + width.get().bytes() + " bytes, but " + (file.bytes() - start)
                        + " bytes follow; fetch it again");
            }
            if (asked != CorpusSpec.TokenWidth.AUTO && asked != width.get()) {
                return refused("says in its header that its tokens are " + name(width.get())
                        + "; take corpus.tokens.type = " + name(asked) + " away");
            }
            return found(width.get(), start, tokens);
        }

        private Answer raw() {
            CorpusSpec.TokenWidth width = asked;
            if (asked == CorpusSpec.TokenWidth.AUTO) {
                width = vocabulary <= 1 << 16 ? CorpusSpec.TokenWidth.UINT16 : CorpusSpec.TokenWidth.UINT32;
                Optional<CorpusSpec.TokenWidth> wider = byZeros(width);
                if (wider.isPresent()) {
                    return refused("holds " + 8 * wider.get().bytes()
                            + "-bit tokens as it seems: read as " + name(width)
                            + ", all but each " + (wider.get().bytes() / width.bytes() == 2 ? "second" : "fourth")
                            + " would be 0; set corpus.tokens.type: " + name(wider.get()));
                }
            }
            if (width.bytes() > 1 && isText()) {
                return refused("holds text and not tokens; give it as corpus.text");
            }
            if (file.bytes() % width.bytes() != 0) {
                return refused("holds no whole number of " + 8 * width.bytes() + "-bit tokens: it has " + file.bytes()
                        + " bytes, so it is cut short or of another kind");
            }
            return found(width, 0, file.bytes() / width.bytes());
        }

        /** The width that the zeros between the tokens indicate. */
        private Optional<CorpusSpec.TokenWidth> byZeros(CorpusSpec.TokenWidth narrow) {
            int bytes = narrow.bytes();
            int groups = head.length / (4 * bytes);
            if (groups < LEAST_PAIRS / 2) {
                return Optional.empty();
            }
            int[] zeros = new int[4];
            for (int group = 0; group < groups; group++) {
                for (int i = 0; i < 4; i++) {
                    zeros[i] += zero((4 * group + i) * bytes, bytes) ? 1 : 0;
                }
            }
            if (zeros[1] < groups || zeros[3] < groups || zeros[0] > groups / 2) {
                return Optional.empty();
            }
            boolean fourth = zeros[2] == groups;
            return bytes == 2
                    ? Optional.of(fourth ? CorpusSpec.TokenWidth.INT64 : CorpusSpec.TokenWidth.UINT32)
                    : fourth ? Optional.empty() : Optional.of(CorpusSpec.TokenWidth.INT64);
        }

        private boolean zero(int at, int bytes) {
            for (int i = 0; i < bytes; i++) {
                if (head[at + i] != 0) {
                    return false;
                }
            }
            return true;
        }

        private boolean isText() {
            if (head.length < 2 * LEAST_PAIRS) {
                return false;
            }
            for (byte value : head) {
                if (value >= 0 && value < ' ' && value != '\n' && value != '\r' && value != '\t') {
                    return false;
                }
            }
            int end = head.length;
            while (end > 0 && end > head.length - 4 && head[end - 1] < 0) {
                end--;
            }
            return Utf8.firstMalformed(head, 0, end) < 0;
        }

        private boolean starts(byte[] magic) {
            return head.length >= magic.length && Arrays.equals(head, 0, magic.length, magic, 0, magic.length);
        }

        private Answer found(CorpusSpec.TokenWidth width, long start, long tokens) {
            return new Answer(List.of(new TokenLayout(file.path(), width, start, tokens)), "");
        }

        private Answer refused(String why) {
            return new Answer(List.of(), file.path() + " " + why);
        }

        private static String name(CorpusSpec.TokenWidth width) {
            return width.name().toLowerCase(Locale.ROOT);
        }
    }
}
