package dev.powersweep.orchestrator.shipment;

import dev.powersweep.orchestrator.spec.TrainerSpec;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.Program;
import dev.powersweep.worker.cell.StoredName;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * Files that a specification names under one of its keys, read once. What was read is what is hashed and stored: an editor
 * that saves one meanwhile changes nothing.
 */
final class ShippedFiles {
    private static final int MOST_FILES = 1000;
    private static final long MOST_BYTES = 256L << 20;

    private final String key;
    private final List<Program.File> files;
    private final Map<String, byte[]> contents;

    private ShippedFiles(String key, List<Program.File> files, Map<String, byte[]> contents) {
        this.key = key;
        this.files = List.copyOf(files);
        this.contents = contents;
    }

    /**
     * Reads the files.
     *
     * @param key of the specification, for messages
     * @param beside folder of the specification
     * @throws UserError naming the file that is missing, too large or named like another one
     */
    static ShippedFiles read(String key, List<TrainerSpec.File> wanted, Path beside, Configuration configuration) {
        Map<String, byte[]> named = new LinkedHashMap<>();
        for (TrainerSpec.File file : wanted) {
            Path path = new Path(beside, file.path());
            try {
                Path qualified = path.getFileSystem(configuration).makeQualified(path);
                Storage storage = Storage.of(qualified, configuration);
                collect(storage, qualified, file.name().orElseGet(() -> name(file.path())), named);
            } catch (NoSuchFileException | FileNotFoundException e) {
                throw new UserError(key + ": there is no file " + path, e);
            } catch (IOException | IllegalArgumentException e) {
                throw new UserError(key + ": " + path + " cannot be taken: " + e.getMessage(), e);
            }
        }
        if (named.values().stream().mapToLong(content -> content.length).sum() > MOST_BYTES) {
            throw new UserError(key + " are more than " + (MOST_BYTES >> 20)
                    + " MiB in all; data belongs where every host can read it, not among files that are shipped");
        }
        List<Program.File> files = new ArrayList<>();
        Map<String, byte[]> contents = new LinkedHashMap<>();
        named.forEach((name, content) -> {
            String hash = sha256(content);
            files.add(new Program.File(name, hash, content.length));
            contents.put(hash, content);
        });
        return new ShippedFiles(key, files, contents);
    }

    /** Below the folder they are shipped to as below the specification's; by its last part where it lies elsewhere. */
    private static String name(String path) {
        String clean = path.replaceAll("^(\\./)+", "").replaceAll("/+$", "");
        boolean below = !clean.startsWith("/")
                && !clean.contains(":")
                && !List.of(clean.split("/")).contains("..");
        return below ? clean : clean.substring(clean.lastIndexOf('/') + 1);
    }

    private static void collect(Storage storage, Path path, String name, Map<String, byte[]> named) throws IOException {
        List<Storage.Entry> below = directory(storage, path) ? storage.list(path) : List.of();
        if (below.isEmpty()) {
            StoredName.path(name);
            if (named.putIfAbsent(name, storage.read(path)) != null) {
                throw new IllegalArgumentException("another file has the name " + name + "; give one of them a name");
            }
            if (named.size() > MOST_FILES) {
                throw new IllegalArgumentException("there are more than " + MOST_FILES + " files; name fewer");
            }
            return;
        }
        for (Storage.Entry entry : below) {
            if (!entry.name().startsWith(".") && !entry.name().equals("__pycache__")) {
                collect(storage, entry.path(), name + "/" + entry.name(), named);
            }
        }
    }

    private static boolean directory(Storage storage, Path path) throws IOException {
        return storage.list(path.getParent()).stream()
                .anyMatch(entry -> entry.name().equals(path.getName()) && entry.kind() == Storage.Kind.DIRECTORY);
    }

    private static String sha256(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    List<Program.File> files() {
        return files;
    }

    byte[] content(Program.File file) {
        return contents.get(file.sha256());
    }

    /** Puts what the directory does not hold yet into it. */
    void store(SweepDirectory directory, Configuration configuration) {
        try {
            Storage storage = directory.storage(configuration);
            for (Map.Entry<String, byte[]> file : contents.entrySet()) {
                Path target = directory.programFile(file.getKey());
                if (!storage.exists(target)) {
                    try {
                        storage.createNew(target, file.getValue());
                    } catch (FileAlreadyExistsException e) {
                        // Another submission stored the same content meanwhile.
                        continue;
                    }
                }
            }
        } catch (IOException e) {
            throw new UserError(key + " cannot be stored in " + directory.root() + ": " + e.getMessage(), e);
        }
    }
}
