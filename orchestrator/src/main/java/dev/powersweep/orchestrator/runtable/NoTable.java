package dev.powersweep.orchestrator.runtable;

import dev.powersweep.orchestrator.storage.UserError;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/** Files that hold no table of runs, and what they are instead. */
final class NoTable {
    private static final int SHOWN = 60;

    private static final String ARCHIVE =
            "an Excel workbook or another zip archive, which --runs does not read; save the"
                    + " sheet as CSV, or unpack the archive";

    /** Entries of an archive that are looked at. */
    private static final int MOST_ENTRIES = 100;

    private NoTable() {}

    /**
     * @throws UserError where a text is a page, a pointer to a file, or lines that nothing parts into cells
     */
    static void refuse(String file, String text) {
        String start = text.stripLeading();
        String head = start.substring(0, Math.min(start.length(), 2000)).toLowerCase(Locale.ROOT);
        if (start.startsWith("<")) {
            boolean page = head.contains("<html") || head.contains("<!doctype html") || head.contains("<table");
            throw new UserError(file
                    + (page
                            ? ": this is a web page, not a table; download the raw file, or copy its table into"
                                    + " a CSV file"
                            : ": this is markup such as XML, not a table; write the runs as CSV or JSON"));
        }
        if (start.startsWith("version https://git-lfs")) {
            throw new UserError(
                    file + ": this is a pointer of Git LFS, not the file itself; fetch that with git lfs pull");
        }
    }

    /**
     * @param header cells of the first line
     * @throws UserError where the first line is no header: one cell alone, which no law can be fitted to
     */
    static void refuseOneCell(String file, String header) {
        String shown = header.length() <= SHOWN ? header : header.substring(0, SHOWN) + "…";
        throw new UserError(file + ": no table: the first line, '" + shown
                + "', has no comma, semicolon, tab or bar that would part it into headers; a table has a line of headers"
                + " such as params,tokens,loss, and a row per run with the same separator");
    }

    /** UTF-16 without its mark, archives, numbers as a computer keeps them. */
    static void refuseZeros(Path file, byte[] bytes) {
        int zeros = 0;
        int odd = 0;
        int looked = Math.min(bytes.length, 4096);
        for (int i = 0; i < looked; i++) {
            if (bytes[i] == 0) {
                zeros++;
                odd += i % 2;
            }
        }
        if (zeros == 0) {
            return;
        }
        boolean wide = zeros > looked / 4 && (odd == zeros || odd == 0);
        throw new UserError(file
                + (wide
                        ? ": this seems to be UTF-16 without its mark; save it as UTF-8"
                        : ": the file holds bytes of zero and is no text, so no table is read from it; write the"
                                + " runs as CSV, JSON or Parquet"));
    }

    /** What a zip archive is by the names within, and what to do. */
    static String archive(byte[] bytes) {
        try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(bytes))) {
            int entries = 0;
            for (ZipEntry entry = zip.getNextEntry();
                    entry != null && entries < MOST_ENTRIES;
                    entry = zip.getNextEntry()) {
                entries++;
                String name = entry.getName();
                if (name.startsWith("xl/") || name.equals("[Content_Types].xml")) {
                    return "an Excel workbook, which --runs does not read; save the sheet as CSV";
                }
                if (name.endsWith(".npy")) {
                    return "an archive of NumPy, which --runs does not read; write the table as CSV";
                }
                if (name.equals("mimetype")) {
                    return "a document of an office program, which --runs does not read; save the sheet as CSV";
                }
            }
            return ARCHIVE;
        } catch (IOException | IllegalArgumentException broken) {
            return ARCHIVE;
        }
    }
}
