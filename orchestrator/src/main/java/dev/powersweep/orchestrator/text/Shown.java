package dev.powersweep.orchestrator.text;

import java.io.FilterWriter;
import java.io.IOException;
import java.io.Writer;
import java.util.Locale;

/**
 * Text of unknown origin (names, hosts, messages of a directory that others may write to) as it is shown to people. A
 * terminal would carry out control characters in it: set the window's title or the clipboard, move the cursor back over
 * other lines, change the order of letters. Each is replaced by U+FFFD. JSON keeps them, as escapes.
 */
public final class Shown {
    private static final char REPLACEMENT = '\uFFFD';

    private Shown() {}

    /** As part of one line: line ends and tabs are replaced, too, so that no name makes a line of its own. */
    public static String line(String text) {
        StringBuilder shown = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            shown.append(c == '\n' || c == '\r' || c == '\t' ? ' ' : controls(c) ? REPLACEMENT : c);
        }
        return shown.toString();
    }

    /** A message of perhaps several lines; those after the first are indented, so that none passes for another message. */
    public static String message(String text) {
        StringBuilder shown = new StringBuilder();
        for (String line : text.split("\n", -1)) {
            if (shown.length() > 0) {
                shown.append('\n').append(line.startsWith("  ") || line.isEmpty() ? "" : "  ");
            }
            shown.append(line(line));
        }
        return shown.toString();
    }

    /** JSON text with every control character in its strings as an escape; Jackson leaves those above U+007E as they are. */
    public static String json(String json) {
        StringBuilder shown = new StringBuilder(json.length());
        for (int i = 0; i < json.length(); i++) {
            char c = json.charAt(i);
            if (controls(c) && c != '\r' && c != '\t') {
                shown.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
            } else {
                shown.append(c);
            }
        }
        return shown.toString();
    }

    /** In a page, where line ends are harmless: a browser, too, changes the order of letters when it is told to. */
    public static String page(String text) {
        StringBuilder shown = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            shown.append(c != '\t' && c != '\r' && controls(c) ? REPLACEMENT : c);
        }
        return shown.toString();
    }

    /** Whether a terminal would do something at this character other than show it; line feeds apart. */
    private static boolean controls(char c) {
        return (Character.isISOControl(c) && c != '\n')
                || c == '\u061C'
                || (c >= '\u200E' && c <= '\u200F')
                || (c >= '\u2028' && c <= '\u202E')
                || (c >= '\u2066' && c <= '\u2069');
    }

    /** Everything that is printed, as a safeguard for what nobody thought of: line feeds and tabs pass. */
    public static Writer to(Writer out) {
        return new Safe(out);
    }

    private static final class Safe extends FilterWriter {
        Safe(Writer out) {
            super(out);
        }

        @Override
        public void write(int c) throws IOException {
            out.write(c != '\t' && controls((char) c) ? REPLACEMENT : c);
        }

        @Override
        public void write(char[] text, int offset, int length) throws IOException {
            write(new String(text, offset, length), 0, length);
        }

        @Override
        public void write(String text, int offset, int length) throws IOException {
            StringBuilder shown = new StringBuilder(length);
            for (int i = offset; i < offset + length; i++) {
                char c = text.charAt(i);
                shown.append(c != '\t' && controls(c) ? REPLACEMENT : c);
            }
            out.write(shown.toString());
        }
    }
}
