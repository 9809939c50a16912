package dev.powersweep.orchestrator.corpus;

import dev.powersweep.orchestrator.spec.CorpusSpec.Format;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.compress.CompressionCodecFactory;

/**
 * Finds out what a file of text holds, from its name and its first bytes, before anything is made of it: what is neither
 * text nor a known form of it is refused with a remedy.
 */
final class FileProbe {
    /** A file as it will be read, or the reason why it will not. */
    record Answer(SourceFile file, String problem) implements Serializable {}

    private static final int HEAD_BYTES = 64 << 10;
    private static final List<String> JSON_LINES = List.of(".jsonl", ".ndjson", ".jsonlines");

    private final Format format;
    private final String textColumn;
    private final Configuration configuration;

    FileProbe(Format format, String textColumn, Configuration configuration) {
        this.format = format;
        this.textColumn = textColumn;
        this.configuration = configuration;
    }

    Answer probe(InputFiles.InputFile file) {
        Path path = new Path(file.path());
        Compression packing = Compression.NONE;
        try {
            byte[] raw = head(Compression.NONE, path, file.bytes());
            packing = packing(path, raw);
            Optional<Compression> named = Compression.named(file.path());
            if (named.isPresent() && named.get() != packing) {
                return refused(
                        file,
                        packing,
                        "is not " + named.get().title() + ", though its name says so; give it its"
                                + " right name, or fetch it again");
            }
            byte[] head = packing == Compression.NONE ? raw : head(packing, path, file.bytes());
            if (Containers.parquet(head)) {
                return format == Format.TEXT || format == Format.JSONL || packing != Compression.NONE
                        ? refused(
                                file,
                                packing,
                                "is Parquet; set corpus.format: auto"
                                        + (packing == Compression.NONE ? "" : " and unpack it"))
                        : parquet(file);
            }
            String inner = Compression.inner(file.path()).toLowerCase(Locale.ROOT);
            if (format == Format.PARQUET || inner.endsWith(".parquet")) {
                return refused(
                        file,
                        packing,
                        "is not readable Parquet: it does not begin with PAR1; leave it out or give"
                                + " it its right name");
            }
            Optional<String> container = Containers.known(head);
            if (container.isEmpty() && packing != Compression.NONE) {
                container = packing(new Path("inner"), head) == Compression.NONE
                        ? Optional.empty()
                        : Optional.of("is packed twice; unpack it once");
            }
            if (container.isPresent()) {
                return refused(file, packing, container.get());
            }
            Optional<String> unread = format == Format.AUTO ? Containers.named(file.path()) : Optional.empty();
            if (unread.isPresent()) {
                return refused(file, packing, unread.get());
            }
            return text(file, packing, head, inner);
        } catch (IOException | RuntimeException e) {
            return new Answer(
                    new SourceFile(file.path(), file.bytes(), InputKind.TEXT, packing),
                    ReadFailure.sentence(file.path(), packing, e));
        }
    }

    private Answer text(InputFiles.InputFile file, Compression packing, byte[] head, String inner) {
        for (int i = 0; i < head.length; i++) {
            if (head[i] == 0) {
                return refused(
                        file,
                        packing,
                        "is not text: it holds a byte of value 0 at offset " + i
                                + "; convert it to UTF-8 text, or give token files as corpus.tokens.train");
            }
        }
        if (format == Format.JSONL
                || (format == Format.AUTO && JSON_LINES.stream().anyMatch(inner::endsWith))) {
            return new Answer(new SourceFile(file.path(), file.bytes(), InputKind.JSON_LINES, packing), "");
        }
        if (format == Format.AUTO) {
            boolean lines = objectsOnLines(head);
            if (inner.endsWith(".json")) {
                return lines
                        ? new Answer(new SourceFile(file.path(), file.bytes(), InputKind.JSON_LINES, packing), "")
                        : refused(
                                file,
                                packing,
                                "is one JSON document; write one object a line, e.g. jq -c '.[]' for a"
                                        + " list, and name it .jsonl");
            }
            if (lines) {
                return refused(
                        file,
                        packing,
                        "holds a JSON object on each line; set corpus.format: jsonl to read the text"
                                + " in them (field corpus.textColumn), or text to train on the JSON itself");
            }
        }
        long beginning = BlockHash.of(BlockHash.sha256(), head, 0, head.length).order();
        return new Answer(new SourceFile(file.path(), file.bytes(), InputKind.TEXT, packing, beginning), "");
    }

    private Answer parquet(InputFiles.InputFile file) {
        SourceFile source = new SourceFile(file.path(), file.bytes(), InputKind.PARQUET, Compression.NONE);
        return ParquetText.problem(file.path(), textColumn, configuration)
                .map(problem -> new Answer(source, file.path() + " " + problem))
                .orElseGet(() -> new Answer(source, ""));
    }

    /** Whether the first lines, at most three, are whole JSON objects, or the only one begins like one. */
    private static boolean objectsOnLines(byte[] head) {
        int seen = 0;
        int from = startsWithMark(head) ? PieceReader.BYTE_ORDER_MARK.length : 0;
        for (int i = from; i < head.length && seen < 3; i++) {
            if (head[i] != '\n') {
                continue;
            }
            if (!new String(head, from, i - from, StandardCharsets.UTF_8).isBlank()) {
                if (!object(head, from, i)) {
                    return false;
                }
                seen++;
            }
            from = i + 1;
        }
        if (seen > 0) {
            return true;
        }
        String rest = new String(head, from, head.length - from, StandardCharsets.UTF_8);
        return object(head, from, head.length)
                || (head.length == HEAD_BYTES && rest.strip().matches("(?s)\\{\\s*\"[^\"\n]*\"\\s*:.*"));
    }

    private static boolean object(byte[] head, int from, int to) {
        try {
            new JsonText("text").of(head, from, to);
            return true;
        } catch (JsonText.NoText e) {
            return !e.getMessage().startsWith("is not JSON") && !e.getMessage().startsWith("holds no");
        }
    }

    private static boolean startsWithMark(byte[] bytes) {
        int mark = PieceReader.BYTE_ORDER_MARK.length;
        return bytes.length >= mark && Arrays.equals(bytes, 0, mark, PieceReader.BYTE_ORDER_MARK, 0, mark);
    }

    private byte[] head(Compression packing, Path path, long bytes) throws IOException {
        try (InputStream stream = packing.open(path, bytes, configuration)) {
            return stream.readNBytes(HEAD_BYTES);
        }
    }

    private Compression packing(Path path, byte[] head) {
        if (Containers.gzip(head)) {
            return Compression.GZIP;
        }
        if (Containers.zstd(head)) {
            return Compression.ZSTD;
        }
        if (Containers.bzip2(head)) {
            return Compression.BZIP2;
        }
        return Compression.named(path.getName()).isEmpty()
                        && Containers.known(head).isEmpty()
                        && new CompressionCodecFactory(configuration).getCodec(path) != null
                ? Compression.HADOOP
                : Compression.NONE;
    }

    private static Answer refused(InputFiles.InputFile file, Compression packing, String why) {
        return new Answer(new SourceFile(file.path(), file.bytes(), InputKind.TEXT, packing), file.path() + " " + why);
    }
}
