package dev.powersweep.worker.cell;

import java.util.Set;
import java.util.regex.Pattern;

/**
 * What a name read from a stored record may be before a path is made of it. Whoever may write to a sweep's directory may
 * alter results; a record of his must never name a file outside of it.
 *
 * <p>Each check gives the text back, or throws {@link IllegalArgumentException} with one sentence.
 */
public final class StoredName {
    private static final Pattern FILE = Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}");
    private static final Pattern CELL = Pattern.compile("[0-9a-f]{16}");
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
    private static final Pattern CORPUS = Pattern.compile("[0-9a-f]{4,64}");
    private static final int LONGEST_PATH = 1000;
    private static final Set<String> TABLES = Set.of("cells", "steps", "evals", "fits");

    private StoredName() {}

    /** A file's name within a directory: letters, digits, '.', '_' and '-', no '.' first. */
    public static String file(String name) {
        return matching(FILE, name, "a file name (letters, digits, '.', '_' and '-', no '.' first)");
    }

    /** A path below a directory: names of files as {@link #file} has them, with {@code /} between them. */
    public static String path(String path) {
        if (path == null || path.length() > LONGEST_PATH) {
            throw new IllegalArgumentException(shown(path) + " is not a path of at most " + LONGEST_PATH + " letters");
        }
        for (String part : path.split("/", -1)) {
            file(part);
        }
        return path;
    }

    /** A cell's identity: sixteen hexadecimal digits. */
    public static String cell(String id) {
        return matching(CELL, id, "a cell's identity (16 hexadecimal digits)");
    }

    /** A checksum: 64 hexadecimal digits. */
    public static String sha256(String digest) {
        return matching(SHA256, digest, "a SHA-256 (64 hexadecimal digits)");
    }

    /** A corpus's identity: hexadecimal digits, 64 at most. */
    public static String corpus(String hash) {
        return matching(CORPUS, hash, "a corpus's identity (hexadecimal digits)");
    }

    /** One of the four tables. */
    public static String table(String name) {
        if (name == null || !TABLES.contains(name)) {
            throw new IllegalArgumentException(shown(name) + " is no table; tables are cells, steps, evals and fits");
        }
        return name;
    }

    /** A count or number that is not negative, of what {@code quantity} says. */
    public static long count(String quantity, long value) {
        if (value < 0) {
            throw new IllegalArgumentException(quantity + " = " + value + " must not be negative");
        }
        return value;
    }

    private static String matching(Pattern pattern, String text, String what) {
        if (text == null || !pattern.matcher(text).matches()) {
            throw new IllegalArgumentException(shown(text) + " is not " + what);
        }
        return text;
    }

    /** Short, and without what would do something to a terminal. */
    private static String shown(String text) {
        if (text == null) {
            return "nothing";
        }
        String safe = text.replaceAll("[\\p{Cntrl}\\p{Cf}\\p{Zl}\\p{Zp}]", "?");
        return "\"" + (safe.length() <= 80 ? safe : safe.substring(0, 80) + "…") + "\"";
    }
}
