package dev.powersweep.orchestrator.corpus;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.GlobExpander;
import org.apache.hadoop.fs.GlobPattern;
import org.apache.hadoop.fs.Path;

/**
 * Paths and patterns as users write them. A path that exists as it is written is taken, brackets and all; else it is a
 * pattern, by Hadoop's rules. Hadoop's own matching fails on every name beside a pattern that holds a colon.
 */
final class Globs {
    private static final Pattern SCHEME = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]*:/.*");

    private Globs() {}

    /**
     * What a path or pattern names, at least one.
     *
     * @throws FileNotFoundException where it names nothing
     */
    static List<FileStatus> matches(String given, Configuration configuration) throws IOException {
        Path literal = path(given);
        FileSystem fileSystem = literal.getFileSystem(configuration);
        try {
            return List.of(fileSystem.getFileStatus(literal));
        } catch (FileNotFoundException e) {
            if (!hasPattern(given)) {
                throw e;
            }
        }
        List<FileStatus> found = new ArrayList<>();
        for (String pattern : GlobExpander.expand(given)) {
            expand(fileSystem, fileSystem.makeQualified(path(pattern)), found);
        }
        if (found.isEmpty()) {
            throw new FileNotFoundException(given);
        }
        return found;
    }

    /** Hadoop would take what stands before any colon for the name of a file system. */
    static Path path(String given) {
        boolean colonFirst = given.indexOf(':') >= 0
                && (given.indexOf('/') < 0 || given.indexOf(':') < given.indexOf('/'))
                && !SCHEME.matcher(given).matches();
        return colonFirst ? new Path(null, null, given) : new Path(given);
    }

    private static boolean hasPattern(String text) {
        return text.chars().anyMatch(c -> "*?[{".indexOf(c) >= 0);
    }

    private static void expand(FileSystem fileSystem, Path pattern, List<FileStatus> found) throws IOException {
        List<String> components = new ArrayList<>();
        Path root = pattern;
        while (root.getParent() != null) {
            components.add(0, root.getName());
            root = root.getParent();
        }
        List<Path> places = List.of(root);
        for (int i = 0; i < components.size(); i++) {
            boolean last = i == components.size() - 1;
            String component = components.get(i);
            List<Path> next = new ArrayList<>();
            for (Path place : places) {
                if (!hasPattern(component) && !last) {
                    next.add(child(place, component.replaceAll("\\\\(.)", "$1")));
                    continue;
                }
                for (FileStatus match : children(fileSystem, place, component)) {
                    if (last) {
                        found.add(match);
                    } else if (match.isDirectory()) {
                        next.add(match.getPath());
                    }
                }
            }
            places = next;
        }
    }

    /** As Hadoop does, names with a leading point or underscore match like others, but only where they are spelled. */
    private static List<FileStatus> children(FileSystem fileSystem, Path place, String component) throws IOException {
        if (!hasPattern(component)) {
            try {
                return List.of(fileSystem.getFileStatus(child(place, component.replaceAll("\\\\(.)", "$1"))));
            } catch (FileNotFoundException e) {
                return List.of();
            }
        }
        GlobPattern pattern = new GlobPattern(component);
        List<FileStatus> matches = new ArrayList<>();
        try {
            for (FileStatus child : fileSystem.listStatus(place)) {
                if (pattern.matches(child.getPath().getName())) {
                    matches.add(child);
                }
            }
        } catch (FileNotFoundException e) {
            return List.of();
        }
        return matches;
    }

    private static Path child(Path parent, String name) {
        return new Path(parent, new Path(null, null, name));
    }
}
