package dev.powersweep.orchestrator.shipment;

import dev.powersweep.orchestrator.spec.ListenersSpec;
import dev.powersweep.orchestrator.spec.TrainerSpec;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.CellListeners;
import dev.powersweep.worker.cell.Program;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** A specification's training listeners with the jars that hold them, as they were when it was submitted. */
public final class ListenerFiles {
    private static final String FILES = "run.listeners.files";
    private static final String CLASS = ".class";
    /** What the trainer brings itself. */
    private static final List<String> TRAINERS_OWN = List.of("org.deeplearning4j.", "dev.powersweep.");

    private final CellListeners listeners;
    private final ShippedFiles files;

    private ListenerFiles(CellListeners listeners, ShippedFiles files) {
        this.listeners = listeners;
        this.files = files;
    }

    /**
     * Reads the jars and looks for the classes in them; loads none.
     *
     * @param beside folder of the specification
     * @throws UserError naming the file that is missing or no jar, or the class that none of them holds
     */
    public static ListenerFiles read(ListenersSpec spec, Path beside, Configuration configuration) {
        List<TrainerSpec.File> wanted = spec.files().stream()
                .map(path -> new TrainerSpec.File(path, Optional.empty()))
                .toList();
        ShippedFiles files = ShippedFiles.read(FILES, wanted, beside, configuration);
        Set<String> entries = new HashSet<>();
        files.files().forEach(file -> entries.addAll(entries(file, files.content(file))));
        for (String name : spec.classes()) {
            if (TRAINERS_OWN.stream().noneMatch(name::startsWith)
                    && !entries.contains(name.replace('.', '/') + CLASS)) {
                throw new UserError("run.listeners.classes: no jar of " + FILES + " holds the class " + name
                        + "; name the one that does, or mend the name, which has a $ before that of a nested class");
            }
        }
        return new ListenerFiles(new CellListeners(spec.classes(), files.files()), files);
    }

    private static Set<String> entries(Program.File file, byte[] content) {
        Set<String> names = new HashSet<>();
        try (ZipInputStream jar = new ZipInputStream(new ByteArrayInputStream(content))) {
            for (ZipEntry entry = jar.getNextEntry(); entry != null; entry = jar.getNextEntry()) {
                names.add(entry.getName());
            }
        } catch (IOException | IllegalArgumentException e) {
            throw new UserError(FILES + ": " + file.name() + " cannot be read as a jar: " + e.getMessage(), e);
        }
        if (names.isEmpty()) {
            throw new UserError(FILES + ": " + file.name() + " is no jar; pack the classes into one");
        }
        return names;
    }

    /** Classes, and the hashes of the jars. */
    public CellListeners listeners() {
        return listeners;
    }

    /** Puts what the directory does not hold yet into it. */
    public void store(SweepDirectory directory, Configuration configuration) {
        files.store(directory, configuration);
    }
}
