package dev.powersweep.orchestrator.corpus;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Files that hold neither text nor tokens as they are, known by their first bytes, and what to do with each. */
final class Containers {
    private record Magic(int offset, byte[] bytes, String sentence) {
        boolean starts(byte[] head) {
            return head.length >= offset + bytes.length
                    && Arrays.equals(head, offset, offset + bytes.length, bytes, 0, bytes.length);
        }
    }

    /** Bytes of a beginning that tokens do not have by chance. */
    private static final int LEAST_OF_TOKENS = 4;

    private static final String UNPACK = "; unpack it and name what is inside";

    private static final List<Magic> KNOWN = List.of(
            magic("PK\003\004", "is a zip archive, as .docx, .xlsx, .epub and .npz files are" + UNPACK),
            magic("PK\005\006", "is an empty zip archive; leave it out"),
            new Magic(257, bytes("ustar"), "is a tar archive" + UNPACK),
            magic("7z\u00bc\u00af\u0027\u001c", "is a 7-Zip archive" + UNPACK),
            magic("Rar!\u001a\u0007", "is a RAR archive" + UNPACK),
            magic("\u00fd7zXZ\0", "is compressed by xz, which is not read here; unpack it, or pack it by gzip or zstd"),
            magic(
                    "\u0004\"M\u0018",
                    "is compressed by lz4, which is not read here; unpack it, or pack it by gzip or zstd"),
            magic("\u00ff\u0006\0\0sNaPpY", "is compressed by snappy, which is not read here; unpack it"),
            magic("%PDF-", "is a PDF; extract its text first, e.g. by pdftotext"),
            magic("\u00d0\u00cf\u0011\u00e0", "is an old Office document; save it as plain text"),
            magic("{\\rtf", "is a Rich Text document; save it as plain text"),
            magic("ORC", "is an ORC file; write its text as Parquet or JSON Lines"),
            magic("ARROW1", "is an Arrow file; write it as Parquet, e.g. dataset.to_parquet(…)"),
            magic(
                    "\u00ff\u00ff\u00ff\u00ff",
                    "is an Arrow stream, as datasets saved to disk are, or another binary"
                            + " file; write it as Parquet, e.g. dataset.to_parquet(…)"),
            magic("Obj\u0001", "is an Avro file; write its text as Parquet or JSON Lines"),
            magic("SEQ\u0006", "is a Hadoop sequence file; write its text as Parquet or JSON Lines"),
            magic("\u0089HDF", "is an HDF5 file; write its text as Parquet or JSON Lines"),
            magic("SQLite format 3\0", "is an SQLite database; export its text as JSON Lines"),
            magic("\u0093NUMPY", "is a NumPy array; give arrays of tokens as corpus.tokens.train"),
            magic("GGUF", "is a model; leave it out"),
            magic("\u007fELF", "is a program; leave it out"),
            magic("\u0089PNG", "is a picture; leave it out"),
            magic("\u00ff\u00d8\u00ff", "is a picture; leave it out"),
            magic("GIF8", "is a picture; leave it out"),
            magic("\u00ff\u00fe", "is UTF-16 text; convert it, e.g. iconv -f UTF-16 -t UTF-8"),
            magic("\u00fe\u00ff", "is UTF-16 text; convert it, e.g. iconv -f UTF-16 -t UTF-8"));

    private static final List<String> TABLES = List.of(".csv", ".tsv", ".csv.gz", ".tsv.gz", ".csv.zst", ".tsv.zst");

    private Containers() {}

    /** What a file that begins so is, with the remedy; empty where it may be what it is taken for. */
    static Optional<String> known(byte[] head) {
        return KNOWN.stream().filter(magic -> magic.starts(head)).findFirst().map(Magic::sentence);
    }

    /** As {@link #known} for a file of numbers, which may begin with any two or three bytes by chance. */
    static Optional<String> knownBeforeTokens(byte[] head) {
        if (gzip(head) && head[2] == 8) {
            return Optional.of("is compressed by gzip; unpack it");
        }
        if (zstd(head)) {
            return Optional.of("is compressed by zstd; unpack it");
        }
        if (parquet(head)) {
            return Optional.of("is Parquet; write its tokens as .npy or raw integers");
        }
        return KNOWN.stream()
                .filter(magic -> magic.bytes.length >= LEAST_OF_TOKENS && magic.starts(head))
                .findFirst()
                .map(Magic::sentence);
    }

    /** What a file of this name is, where its bytes do not say. */
    static Optional<String> named(String path) {
        String name = path.toLowerCase(Locale.ROOT);
        if (name.endsWith(".br")) {
            return Optional.of(
                    "is compressed by brotli, which is not read here; unpack it, or pack it by gzip or zstd");
        }
        if (TABLES.stream().anyMatch(name::endsWith)) {
            return Optional.of(
                    "is a table of characters; write its text as Parquet or JSON Lines, or set corpus.format:"
                            + " text to train on the table as it stands");
        }
        return Optional.empty();
    }

    static boolean gzip(byte[] head) {
        return head.length > 2 && head[0] == 0x1f && (head[1] & 0xff) == 0x8b;
    }

    /** Frames, and the skippable ones that some tools begin with. */
    static boolean zstd(byte[] head) {
        return head.length > 3
                && (head[1] & 0xff) == (head[0] == 0x28 ? 0xb5 : 0x2a)
                && (head[0] == 0x28
                        ? head[2] == 0x2f && (head[3] & 0xff) == 0xfd
                        : (head[0] & 0xf0) == 0x50 && head[2] == 0x4d && head[3] == 0x18);
    }

    static boolean bzip2(byte[] head) {
        return head.length > 9
                && head[0] == 'B'
                && head[1] == 'Z'
                && head[2] == 'h'
                && head[3] >= '1'
                && head[3] <= '9'
                && head[4] == 0x31
                && head[5] == 0x41;
    }

    static boolean parquet(byte[] head) {
        return head.length > 3
                && head[0] == 'P'
                && head[1] == 'A'
                && head[2] == 'R'
                && (head[3] == '1' || head[3] == 'E');
    }

    private static Magic magic(String bytes, String sentence) {
        return new Magic(0, bytes(bytes), sentence);
    }

    private static byte[] bytes(String latin) {
        return latin.getBytes(StandardCharsets.ISO_8859_1);
    }
}
