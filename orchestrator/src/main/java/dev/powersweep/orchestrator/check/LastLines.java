package dev.powersweep.orchestrator.check;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The end of a program's output. */
final class LastLines {
    private static final int MOST = 5;

    private LastLines() {}

    /** The last lines, each after a line break; empty where it printed nothing. */
    static String of(Path log) throws IOException {
        List<String> lines = new String(Files.readAllBytes(log), StandardCharsets.UTF_8)
                .lines()
                .filter(line -> !line.isBlank())
                .toList();
        StringBuilder text = new StringBuilder();
        lines.stream().skip(Math.max(0, lines.size() - MOST)).forEach(line -> text.append("\n| ")
                .append(line));
        return text.toString();
    }
}
