package dev.powersweep.orchestrator.corpus;

import dev.powersweep.orchestrator.storage.UserError;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.security.AccessControlException;

/** The files that paths, directories and globs name. */
final class InputFiles {

    /** A file that is not empty. */
    record InputFile(String path, long bytes) {
        boolean parquet() {
            return path.endsWith(".parquet");
        }
    }

    private InputFiles() {}

    /**
     * Files once each, by path; names that begin with {@code _} or {@code .} are skipped below directories.
     *
     * @param key of the specification, for messages
     * @throws UserError where a path does not exist, cannot be read or holds no file
     */
    static List<InputFile> list(String key, List<String> paths, Configuration configuration) {
        TreeMap<String, InputFile> files = new TreeMap<>();
        for (String path : paths) {
            TreeMap<String, InputFile> found = new TreeMap<>();
            try {
                addMatches(path, configuration, found);
            } catch (AccessControlException e) {
                throw new UserError(
                        key + " = " + path + " cannot be read: permission denied; allow it for this user", e);
            } catch (FileNotFoundException e) {
                throw new UserError(missing(key, path), e);
            } catch (IOException | IllegalArgumentException e) {
                throw new UserError(key + " = " + path + " cannot be listed: " + e.getMessage(), e);
            }
            if (found.isEmpty()) {
                throw new UserError(key + " = " + path + " holds no file with text in it");
            }
            files.putAll(found);
        }
        return files.values().stream()
                .sorted(Comparator.comparing(InputFile::path))
                .toList();
    }

    private static String missing(String key, String path) {
        return key + " = " + path + " does not exist; name a file, directory or glob, e.g. --set " + key + "=PATH";
    }

    private static void addMatches(String path, Configuration configuration, TreeMap<String, InputFile> files)
            throws IOException {
        Path pattern = new Path(path);
        FileSystem fileSystem = pattern.getFileSystem(configuration);
        FileStatus[] matches = fileSystem.globStatus(pattern);
        if (matches == null || matches.length == 0) {
            throw new FileNotFoundException(path);
        }
        for (FileStatus match : matches) {
            add(fileSystem, match, files);
        }
    }

    private static void add(FileSystem fileSystem, FileStatus status, TreeMap<String, InputFile> files)
            throws IOException {
        if (status.isFile()) {
            if (status.getLen() > 0) {
                String path = status.getPath().toString();
                files.put(path, new InputFile(path, status.getLen()));
            }
            return;
        }
        List<FileStatus> children = new ArrayList<>(List.of(fileSystem.listStatus(status.getPath())));
        for (FileStatus child : children) {
            String name = child.getPath().getName();
            if (!name.startsWith("_") && !name.startsWith(".")) {
                add(fileSystem, child, files);
            }
        }
    }
}
