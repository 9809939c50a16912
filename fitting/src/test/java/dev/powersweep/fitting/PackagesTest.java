package dev.powersweep.fitting;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The packages of this module and their arrows, as the sources have them: one direction, no cycle. */
class PackagesTest {
    private static final Path SOURCES = Path.of("src/main/java/dev/powersweep/fitting");
    private static final String ROOT = "(root)";
    private static final Pattern IMPORT =
            Pattern.compile("^import (?:static )?dev\\.powersweep\\.fitting\\.([\\w.]+);", Pattern.MULTILINE);

    /** In the order of imports: a package imports from packages before it only. */
    private static final List<String> ORDER = List.of(
            "runs",
            "linear",
            "optimise",
            "result",
            "law",
            "uncertainty",
            "isoflop",
            "batch",
            "surface",
            "comparison",
            "allocation",
            ROOT);

    @Test
    void arrowsPointOneWay() {
        Map<String, Set<String>> arrows = arrows();
        assertThat(ORDER).as("packages in order").containsAll(arrows.keySet());
        List<String> backwards = new ArrayList<>();
        arrows.forEach((from, targets) -> targets.forEach(to -> {
            if (ORDER.indexOf(to) >= ORDER.indexOf(from)) {
                backwards.add(from + " -> " + to);
            }
        }));
        assertThat(backwards).as("imports against the order").isEmpty();
    }

    @Test
    void rootIsTheDoorOnly() {
        arrows().forEach((from, targets) ->
                assertThat(targets).as("what %s imports", from).doesNotContain(ROOT));
    }

    @Test
    void noFilesOfDifferentPackagesImportEachOther() {
        Map<String, Set<String>> files = new TreeMap<>();
        sources().forEach((file, text) -> {
            Set<String> imports = files.computeIfAbsent(name(file), name -> new TreeSet<>());
            for (Matcher found = IMPORT.matcher(text); found.find(); ) {
                imports.add(type(found.group(1)));
            }
        });
        List<String> circles = new ArrayList<>();
        for (String start : files.keySet()) {
            Set<String> seen = new TreeSet<>();
            Deque<String> next = new ArrayDeque<>(files.get(start));
            while (!next.isEmpty()) {
                String file = next.pop();
                if (file.equals(start)) {
                    // An import of its own nested type is no circle.
                    continue;
                }
                if (seen.add(file)) {
                    next.addAll(files.getOrDefault(file, Set.of()));
                    if (files.getOrDefault(file, Set.of()).contains(start)) {
                        circles.add(start + " <-> " + file);
                    }
                }
            }
        }
        assertThat(circles).isEmpty();
    }

    private static Map<String, Set<String>> arrows() {
        Map<String, Set<String>> arrows = new TreeMap<>();
        sources().forEach((file, text) -> {
            String from = packageOf(name(file));
            Set<String> targets = arrows.computeIfAbsent(from, name -> new TreeSet<>());
            for (Matcher found = IMPORT.matcher(text); found.find(); ) {
                String to = packageOf(type(found.group(1)));
                if (!to.equals(from)) {
                    targets.add(to);
                }
            }
        });
        return arrows;
    }

    private static String packageOf(String type) {
        int dot = type.lastIndexOf('.');
        return dot < 0 ? ROOT : type.substring(0, dot);
    }

    /** The outermost type of an imported name, with its package below the root. */
    private static String type(String imported) {
        StringBuilder type = new StringBuilder();
        for (String part : imported.split("\\.")) {
            type.append(type.isEmpty() ? "" : ".").append(part);
            if (Character.isUpperCase(part.charAt(0))) {
                break;
            }
        }
        return type.toString();
    }

    private static String name(Path file) {
        return SOURCES.relativize(file)
                .toString()
                .replace(".java", "")
                .replace('/', '.')
                .replace('\\', '.');
    }

    private static Map<Path, String> sources() {
        try (Stream<Path> files = Files.walk(SOURCES)) {
            Map<Path, String> sources = new TreeMap<>();
            files.filter(file -> file.toString().endsWith(".java")
                            && !file.getFileName().toString().equals("package-info.java"))
                    .forEach(file -> sources.put(file, read(file)));
            return sources;
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }
}
