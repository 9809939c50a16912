package dev.powersweep.orchestrator.corpus;

import dev.powersweep.orchestrator.storage.UserError;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.Serializable;
import java.net.URI;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.security.AccessControlException;

/**
 * The files that paths, directories and globs name. What a directory holds and what is read of it is compared: a name that
 * cannot be followed is refused, and what is left out on purpose is told.
 */
final class InputFiles {

    /** A file that is not empty. */
    record InputFile(String path, long bytes) implements Serializable {}

    /**
     * What paths name.
     *
     * @param files once each, by path
     * @param heldOut files of a validation split; empty where there is none
     * @param leftOut what was found and is not read, each a clause with its reason
     */
    record Listing(List<InputFile> files, List<InputFile> heldOut, List<String> leftOut) {}

    private final Configuration configuration;
    private final TreeMap<String, InputFile> files = new TreeMap<>();
    private final TreeMap<String, InputFile> heldOut = new TreeMap<>();
    private final List<String> leftOut = new ArrayList<>();

    private InputFiles(Configuration configuration) {
        this.configuration = configuration;
    }

    /**
     * Lists what the paths of a key name.
     *
     * @param key of the specification, for messages
     * @throws UserError where a path does not exist, cannot be read or holds no file, or a link leads nowhere
     */
    static Listing list(String key, List<String> paths, Configuration configuration) {
        InputFiles all = new InputFiles(configuration);
        for (String path : paths) {
            InputFiles found = new InputFiles(configuration);
            try {
                found.add(path);
            } catch (AccessControlException e) {
                throw new UserError(
                        key + " = " + path + " cannot be read: permission denied; allow it for this user", e);
            } catch (FileNotFoundException e) {
                throw new UserError(missing(key, path), e);
            } catch (Unfollowed e) {
                throw new UserError(key + " = " + path + ": " + e.getMessage(), e);
            } catch (IOException | IllegalArgumentException e) {
                throw new UserError(key + " = " + path + " cannot be listed: " + e.getMessage(), e);
            }
            if (found.files.isEmpty()) {
                throw new UserError(key + " = " + path + " holds no file with text in it"
                        + (found.leftOut.isEmpty() ? "" : "; left out: " + String.join("; ", found.leftOut)));
            }
            all.files.putAll(found.files);
            all.heldOut.putAll(found.heldOut);
            all.leftOut.addAll(found.leftOut);
        }
        return new Listing(sorted(all.files), sorted(all.heldOut), List.copyOf(all.leftOut));
    }

    private static List<InputFile> sorted(TreeMap<String, InputFile> files) {
        return files.values().stream()
                .sorted(Comparator.comparing(InputFile::path))
                .toList();
    }

    private static String missing(String key, String path) {
        String cure = NamesOfFiles.lost(path)
                ? "; its name has characters that this JVM cannot say, whose names of files are "
                        + NamesOfFiles.encoding() + ": start it with LC_ALL=C.UTF-8"
                : "; name a file, directory or glob, e.g. --set " + key + "=PATH";
        return key + " = " + path + " does not exist" + cure;
    }

    /** Something that a directory holds and nobody can open. */
    private static final class Unfollowed extends IOException {
        private static final long serialVersionUID = 1L;

        Unfollowed(String message) {
            super(message);
        }
    }

    private void add(String given) throws IOException {
        for (FileStatus match : Globs.matches(given, configuration)) {
            FileSystem fileSystem = match.getPath().getFileSystem(configuration);
            if (!match.isDirectory()) {
                if (match.getLen() > 0) {
                    String path = match.getPath().toString();
                    files.put(path, new InputFile(path, match.getLen()));
                } else {
                    leftOut.add(match.getPath() + " (empty)");
                }
                continue;
            }
            DirectoryFiles directory = new DirectoryFiles(match.getPath());
            walk(fileSystem, match.getPath(), directory, new HashSet<>());
            directory.split();
            directory.training().forEach(file -> files.put(file.path(), file));
            directory.heldOut().forEach(file -> heldOut.put(file.path(), file));
            leftOut.addAll(directory.leftOut());
        }
    }

    private void walk(FileSystem fileSystem, Path folder, DirectoryFiles found, Set<Object> above) throws IOException {
        Optional<Object> identity = identity(folder);
        if (identity.isPresent() && !above.add(identity.get())) {
            throw new Unfollowed(folder + " is a link to a directory above it; remove it or name the files");
        }
        FileStatus[] children = fileSystem.listStatus(folder);
        compare(folder, children);
        for (FileStatus child : children) {
            String name = child.getPath().getName();
            if (name.startsWith("_") || name.startsWith(".")) {
                found.hidden(child);
            } else if (child.isDirectory()) {
                walk(fileSystem, child.getPath(), found, above);
            } else {
                found.add(child);
            }
        }
        identity.ifPresent(above::remove);
    }

    /** Which directory it really is; empty but on the local file system. */
    private static Optional<Object> identity(Path folder) throws IOException {
        return local(folder)
                ? Optional.of(java.nio.file.Path.of(folder.toUri().getPath()).toRealPath())
                : Optional.empty();
    }

    private static boolean local(Path path) {
        URI uri = path.toUri();
        return "file".equals(uri.getScheme());
    }

    /** Hadoop passes over links that lead nowhere and names that the JVM cannot say. */
    private static void compare(Path folder, FileStatus[] listed) throws IOException {
        if (!local(folder)) {
            return;
        }
        Set<String> seen = new HashSet<>();
        for (FileStatus status : listed) {
            seen.add(status.getPath().getName());
        }
        try (DirectoryStream<java.nio.file.Path> entries =
                Files.newDirectoryStream(java.nio.file.Path.of(folder.toUri().getPath()))) {
            for (java.nio.file.Path entry : entries) {
                String name = entry.getFileName().toString();
                if (seen.contains(name) || name.startsWith(".") || name.startsWith("_")) {
                    continue;
                }
                if (NamesOfFiles.lost(name)) {
                    throw new Unfollowed(folder + " holds a file whose name this JVM cannot say, \"" + name
                            + "\": names of files are " + NamesOfFiles.encoding()
                            + " here; start it with LC_ALL=C.UTF-8, or rename the file");
                }
                if (Files.isSymbolicLink(entry) && !Files.exists(entry)) {
                    throw new Unfollowed(entry + " is a link to " + Files.readSymbolicLink(entry)
                            + ", which does not exist; mend or remove it, or name the files");
                }
                throw new Unfollowed(
                        entry + " was not there a moment ago; start again when " + folder + " no longer changes");
            }
        }
    }
}
