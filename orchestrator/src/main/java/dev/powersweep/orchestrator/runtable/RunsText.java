package dev.powersweep.orchestrator.runtable;

import com.github.luben.zstd.ZstdInputStream;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPInputStream;

/** A file of runs by what its first bytes say: text, packed or not, UTF-8 or UTF-16, or Parquet; what else is named. */
final class RunsText {
    /** A table of runs is small; more is taken for a mistake before it fills the memory. */
    private static final int LARGEST = 1 << 28;

    private static final List<Known> KNOWN = List.of(
            new Known("an old Excel workbook", "save the sheet as CSV", 0xD0, 0xCF, 0x11, 0xE0),
            new Known("an Arrow or Feather file", "write it as Parquet or CSV", 'A', 'R', 'R', 'O', 'W', '1'),
            new Known("a NumPy file", "write it as CSV", 0x93, 'N', 'U', 'M', 'P', 'Y'),
            new Known("an HDF5 file", "write the table as CSV or Parquet", 0x89, 'H', 'D', 'F'),
            new Known("an SQLite database", "export the table as CSV", 'S', 'Q', 'L', 'i', 't', 'e'),
            new Known("a Python pickle", "write it as CSV or Parquet", 0x80, 4),
            new Known("a Python pickle", "write it as CSV or Parquet", 0x80, 5),
            new Known("a PDF document", "copy the table into a CSV file", '%', 'P', 'D', 'F'),
            new Known("a picture", "write the numbers that it shows as CSV", 0x89, 'P', 'N', 'G'),
            new Known("a picture", "write the numbers that it shows as CSV", 0xFF, 0xD8, 0xFF),
            new Known("packed by bzip2", "unpack it, or pack it by gzip", 'B', 'Z', 'h'),
            new Known("packed by xz", "unpack it, or pack it by gzip", 0xFD, '7', 'z', 'X', 'Z'));

    private record Known(String what, String remedy, int... magic) {}

    private RunsText() {}

    /**
     * Reads a file.
     *
     * @throws UserError naming the file where it is missing or none of the forms
     */
    static RawTable read(Path file) {
        try {
            if (Files.isDirectory(file)) {
                throw new UserError(
                        file + ": this is a directory, --runs needs a file (CSV, JSON, Markdown or Parquet); to fit a"
                                + " sweep's own results give the directory without --runs");
            }
            if (Files.size(file) > LARGEST) {
                throw new UserError(
                        file + ": the file has " + (Files.size(file) >> 20) + " MiB, and a table of runs at most "
                                + (LARGEST >> 20) + "; keep the rows that are to be fitted");
            }
            byte[] bytes = Files.readAllBytes(file);
            if (begins(bytes, 'P', 'A', 'R', '1')) {
                return ParquetRows.read(file);
            }
            return parse(file.toString(), decoded(file, unpacked(file, bytes)));
        } catch (NoSuchFileException missing) {
            throw new UserError(file + ": there is no such file; check the path given to --runs", missing);
        } catch (IOException unreadable) {
            throw new UserError(
                    file + ": cannot be read (" + unreadable.getMessage()
                            + "); check its permissions, or copy it anew where it was cut off",
                    unreadable);
        }
    }

    /** A text by its form: JSON, Markdown, or cells between separators. */
    static RawTable parse(String file, String text) {
        String body = text.startsWith("\uFEFF") ? text.substring(1) : text;
        if (JsonRows.begins(body)) {
            return JsonRows.parse(file, body);
        }
        if (MarkdownTable.in(body)) {
            return MarkdownTable.parse(file, body);
        }
        NoTable.refuse(file, body);
        return DelimitedText.parse(file, body);
    }

    private static byte[] unpacked(Path file, byte[] bytes) throws IOException {
        boolean gzip = begins(bytes, 0x1f, 0x8b);
        if (!gzip && !begins(bytes, 0x28, 0xB5, 0x2F, 0xFD)) {
            return bytes;
        }
        try (InputStream packed = gzip
                ? new GZIPInputStream(new ByteArrayInputStream(bytes))
                : new ZstdInputStream(new ByteArrayInputStream(bytes))) {
            byte[] all = packed.readNBytes(LARGEST + 1);
            if (all.length > LARGEST) {
                throw new UserError(file + ": the file unpacks to more than " + (LARGEST >> 20)
                        + " MiB; keep the rows that are to be fitted");
            }
            return all;
        }
    }

    private static String decoded(Path file, byte[] bytes) {
        if (begins(bytes, 'P', 'K', 3, 4)) {
            throw new UserError(file + ": this is " + NoTable.archive(bytes));
        }
        for (Known known : KNOWN) {
            if (begins(bytes, known.magic())) {
                throw new UserError(
                        file + ": this is " + known.what() + ", which --runs does not read; " + known.remedy());
            }
        }
        if (!begins(bytes, 0xFF, 0xFE) && !begins(bytes, 0xFE, 0xFF)) {
            NoTable.refuseZeros(file, bytes);
        }
        boolean little = begins(bytes, 0xFF, 0xFE);
        boolean wide = little || begins(bytes, 0xFE, 0xFF);
        Charset charset =
                little ? StandardCharsets.UTF_16LE : wide ? StandardCharsets.UTF_16BE : StandardCharsets.UTF_8;
        try {
            return charset.newDecoder()
                    .decode(ByteBuffer.wrap(wide ? Arrays.copyOfRange(bytes, 2, bytes.length) : bytes))
                    .toString();
        } catch (CharacterCodingException notText) {
            throw new UserError(
                    file + ": the file is not UTF-8 text, nor UTF-16 with its mark; save it as UTF-8", notText);
        }
    }

    private static boolean begins(byte[] bytes, int... magic) {
        boolean same = bytes.length >= magic.length;
        for (int i = 0; same && i < magic.length; i++) {
            same = (bytes[i] & 0xff) == magic[i];
        }
        return same;
    }
}
