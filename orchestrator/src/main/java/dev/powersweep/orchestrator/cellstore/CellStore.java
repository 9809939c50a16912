package dev.powersweep.orchestrator.cellstore;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import dev.powersweep.orchestrator.cellstore.CellManifest.Chunk;
import dev.powersweep.orchestrator.cellstore.CellManifest.KeptTrunk;
import dev.powersweep.orchestrator.cellstore.CellManifest.StoredCheckpoint;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.SharedSteps;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.storage.Digests;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.tables.EvalRow;
import dev.powersweep.orchestrator.tables.StepRow;
import dev.powersweep.orchestrator.tables.Table;
import dev.powersweep.orchestrator.tables.TableFile;
import dev.powersweep.worker.cell.StoredName;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What is stored of one cell, as one attempt reads and writes it.
 *
 * <p>The cell's directory holds a chain of manifests; of two attempts that add the same link exactly one succeeds, and
 * the other one is fenced for good. Rows wait under a pending name until the manifest that names them stands, and are
 * then renamed into the tables; an attempt that opens the store completes renames that a killed one left open. So
 * whatever is killed at whatever moment, each (cell, step) is published once, and all of it from one lineage.
 */
public final class CellStore {
    private static final Pattern MANIFEST = Pattern.compile("manifest-(\\d{6,15})\\.json");
    /** Any file of the cell's directory; its number is that of the link it was made for. */
    private static final Pattern NUMBERED =
            Pattern.compile("_?(?:manifest|steps|evals|checkpoint|trunk-steps|trunk-evals)-(\\d{6,15})[.-].*");
    /** Checkpoints kept of a cell in training; the older one serves when the newer one proves damaged. */
    private static final int KEPT_CHECKPOINTS = 2;

    private static final int KEPT_MANIFESTS = 2;

    /** Another attempt owns the cell now; nothing of this one is stored any more. */
    public static final class FencedException extends IOException {
        private static final long serialVersionUID = 1L;

        FencedException(String cell, int attempt) {
            super("attempt " + attempt + " of cell " + cell + " was replaced by another one");
        }
    }

    private final Storage storage;
    private final SweepDirectory directory;
    private final org.apache.hadoop.fs.Path home;
    private final int attempt;
    private final String owner;
    private CellManifest current;
    private Set<Long> branchSteps = Set.of();
    private long lastBranchStep;

    private CellStore(Storage storage, SweepDirectory directory, int attempt, CellManifest current) {
        this.storage = storage;
        this.directory = directory;
        this.home = directory.checkpoints(current.cell());
        this.attempt = attempt;
        this.owner = attempt + "-" + UUID.randomUUID().toString().substring(0, 8);
        this.current = current;
    }

    /**
     * Claims the cell for an attempt and brings what earlier ones left into order. A cell whose outcome is stored is
     * not claimed; see {@link #outcome()}.
     */
    public static CellStore open(Storage storage, SweepDirectory directory, String cell, int attempt, int generation)
            throws IOException {
        CellManifest newest = newest(storage, directory, cell).orElseGet(() -> CellManifest.none(cell, generation));
        CellStore store = new CellStore(storage, directory, attempt, newest);
        if (newest.generation() > generation) {
            throw new FencedException(cell, attempt);
        }
        if (newest.generation() == generation && newest.outcome().isPresent()) {
            store.publish();
            return store;
        }
        if (newest.generation() < generation) {
            store.claim(generation, 0, List.of(), List.of(), KeptTrunk.NONE, Optional.empty());
        } else {
            store.claim(
                    generation, newest.step(), newest.checkpoints(), newest.chunks(), newest.trunk(), newest.shared());
        }
        return store;
    }

    /** The newest link of a cell's chain, without touching anything. */
    public static Optional<CellManifest> newest(Storage storage, SweepDirectory directory, String cell)
            throws IOException {
        org.apache.hadoop.fs.Path home = directory.checkpoints(cell);
        while (true) {
            long sequence = newestSequence(storage, home);
            if (sequence == 0) {
                return Optional.empty();
            }
            try {
                return Optional.of(read(storage, home, cell, sequence));
            } catch (java.nio.file.NoSuchFileException | java.io.FileNotFoundException e) {
                // Grown old and deleted since the listing, so there is a newer one.
                continue;
            } catch (JsonProcessingException e) {
                // The link before it does not know of the rows that this one has published.
                throw new IOException(
                        manifest(home, sequence) + " is damaged (" + e.getOriginalMessage()
                                + "): restore it, or delete " + home + " and all files of "
                                + directory.table(Table.STEPS.name()) + " and "
                                + directory.table(Table.EVALS.name()) + " that begin with " + cell
                                + ", and rerun the cell",
                        e);
            }
        }
    }

    /**
     * Brings the newest sound state that is stored of a cell to {@code local}, without touching anything.
     *
     * @return the file; empty where none is stored, or none is whole any more
     */
    public static Optional<Path> newestState(Storage storage, SweepDirectory directory, String cell, Path local)
            throws IOException {
        Optional<CellManifest> manifest = newest(storage, directory, cell);
        List<StoredCheckpoint> checkpoints =
                manifest.map(CellManifest::checkpoints).orElse(List.of());
        for (int i = checkpoints.size() - 1; i >= 0; i--) {
            Optional<Path> file = fetch(storage, directory.checkpoints(cell), checkpoints.get(i), local);
            if (file.isPresent()) {
                return file;
            }
        }
        return Optional.empty();
    }

    /** A stored checkpoint as a local file; empty where it is not there, or not as it was stored. */
    private static Optional<Path> fetch(
            Storage storage, org.apache.hadoop.fs.Path home, StoredCheckpoint stored, Path local) throws IOException {
        Path file = local.resolve(StoredName.file(stored.file()));
        try {
            storage.download(Storage.child(home, stored.file()), file);
            return Digests.sha256(file).equals(stored.sha256()) ? Optional.of(file) : Optional.empty();
        } catch (java.nio.file.NoSuchFileException | java.io.FileNotFoundException e) {
            return Optional.empty();
        }
    }

    /** A manifest of another cell is damaged: the files that it names would be taken for this cell's. */
    private static CellManifest read(Storage storage, org.apache.hadoop.fs.Path home, String cell, long sequence)
            throws IOException {
        org.apache.hadoop.fs.Path file = manifest(home, sequence);
        CellManifest manifest = LedgerJson.read(storage.read(file), CellManifest.class);
        if (!manifest.cell().equals(cell) || manifest.sequence() != sequence) {
            throw new JsonMappingException(
                    () -> {}, "it is link " + manifest.sequence() + " of cell " + manifest.cell());
        }
        return manifest;
    }

    /** Steps whose rows are stored. */
    public long step() {
        return current.step();
    }

    String cell() {
        return current.cell();
    }

    /** Steps that another cell's training served for. */
    public Optional<SharedSteps> shared() {
        return current.shared();
    }

    /** Steps whose states and rows {@link #commit} keeps for other cells of the trunk. */
    public void keepTrunk(List<Long> steps) {
        branchSteps = Set.copyOf(steps);
        lastBranchStep = steps.stream().mapToLong(Long::longValue).max().orElse(0);
    }

    /** The attempt that holds the store. */
    int attempt() {
        return attempt;
    }

    /** How the cell ended, if it has. */
    public Optional<AttemptReport> outcome() {
        return current.outcome();
    }

    /**
     * Brings the newest sound checkpoint to {@code local}; gives up on damaged ones, whose later rows are withdrawn and
     * made again. Empty when the cell starts from its beginning.
     *
     * @return the file and its step
     */
    public Optional<Path> fetchCheckpoint(Path local) throws IOException {
        while (!current.checkpoints().isEmpty()) {
            List<StoredCheckpoint> checkpoints = current.checkpoints();
            Optional<Path> file = fetch(storage, home, checkpoints.get(checkpoints.size() - 1), local);
            if (file.isPresent()) {
                return file;
            }
            fallBack(checkpoints.subList(0, checkpoints.size() - 1));
        }
        if (current.step() > 0) {
            fallBack(List.of());
        }
        return Optional.empty();
    }

    private void fallBack(List<StoredCheckpoint> older) throws IOException {
        long step = older.isEmpty() ? 0 : older.get(older.size() - 1).step();
        claim(
                current.generation(),
                step,
                older,
                current.chunks().stream()
                        .filter(chunk -> chunk.lastStep() <= step)
                        .toList(),
                current.trunk().upTo(step),
                current.shared().filter(shared -> shared.steps() <= step));
    }

    /**
     * Stores rows together with the checkpoint that stands for them.
     *
     * @param checkpoint local file; empty at the end of a cell that leaves none
     * @param step optimiser steps done
     * @param outcome present at the end of the cell
     * @throws FencedException when another attempt owns the cell; nothing was stored
     */
    public void commit(
            Optional<LocalCheckpoint> checkpoint,
            long step,
            List<StepRow> steps,
            List<EvalRow> evals,
            Optional<AttemptReport> outcome)
            throws IOException {
        commit(checkpoint, step, steps, evals, outcome, current.shared());
    }

    /** Stores rows and state that another cell's training has made for this one too. */
    public void adopt(LocalCheckpoint checkpoint, List<StepRow> steps, List<EvalRow> evals, SharedSteps shared)
            throws IOException {
        commit(Optional.of(checkpoint), shared.steps(), steps, evals, Optional.empty(), Optional.of(shared));
    }

    private void commit(
            Optional<LocalCheckpoint> checkpoint,
            long step,
            List<StepRow> steps,
            List<EvalRow> evals,
            Optional<AttemptReport> outcome,
            Optional<SharedSteps> shared)
            throws IOException {
        List<Chunk> chunks = new ArrayList<>(current.chunks());
        write(Table.STEPS, step, steps).ifPresent(chunks::add);
        write(Table.EVALS, step, evals).ifPresent(chunks::add);
        List<StoredCheckpoint> states = new ArrayList<>(current.trunk().states());
        List<Chunk> trunkChunks = new ArrayList<>(current.trunk().chunks());
        // Copies, because the tables' own files may be merged with others.
        if (step <= lastBranchStep) {
            copy(Table.STEPS, step, steps).ifPresent(trunkChunks::add);
            copy(Table.EVALS, step, evals).ifPresent(trunkChunks::add);
        }
        List<StoredCheckpoint> checkpoints = new ArrayList<>(current.checkpoints());
        if (checkpoint.isPresent()) {
            LocalCheckpoint file = checkpoint.get();
            String name =
                    String.format(Locale.ROOT, "checkpoint-%06d-step-%d-%s.ckpt", current.sequence() + 1, step, owner);
            storage.upload(file.path(), Storage.child(home, name));
            StoredCheckpoint stored = new StoredCheckpoint(name, step, file.bytes(), file.sha256());
            checkpoints.add(stored);
            if (branchSteps.contains(step)) {
                states.add(stored);
            }
        }
        int kept = outcome.isPresent() ? 1 : KEPT_CHECKPOINTS;
        if (checkpoints.size() > kept) {
            checkpoints.subList(0, checkpoints.size() - kept).clear();
        }
        add(new CellManifest(
                current.sequence() + 1,
                current.cell(),
                attempt,
                current.generation(),
                owner,
                step,
                checkpoints,
                chunks,
                List.of(),
                outcome,
                new KeptTrunk(states, trunkChunks),
                shared));
        publish();
        tidy();
    }

    /** A checkpoint on local disk. */
    public record LocalCheckpoint(Path path, long bytes, String sha256) {}

    private <R extends Record> Optional<Chunk> write(Table<R> table, long lastStep, List<R> rows) throws IOException {
        if (rows.isEmpty()) {
            return Optional.empty();
        }
        long firstStep = current.step() + 1;
        long link = current.sequence() + 1;
        // The link's number makes the name unique even among lineages: a stray deletion never meets a newer file.
        String file = String.format(
                Locale.ROOT, "%s-%09d-%09d-%d%s", current.cell(), firstStep, lastStep, link, TableFile.SUFFIX);
        String pending = String.format(Locale.ROOT, "_%s-%06d-%s%s", table.name(), link, owner, TableFile.SUFFIX);
        TableFile.write(storage, Storage.child(home, pending), table, rows, Map.of());
        return Optional.of(new Chunk(table.name(), pending, file, firstStep, lastStep));
    }

    private <R extends Record> Optional<Chunk> copy(Table<R> table, long lastStep, List<R> rows) throws IOException {
        if (rows.isEmpty()) {
            return Optional.empty();
        }
        String name = String.format(
                Locale.ROOT, "trunk-%s-%06d-%s%s", table.name(), current.sequence() + 1, owner, TableFile.SUFFIX);
        TableFile.write(storage, Storage.child(home, name), table, rows, Map.of());
        return Optional.of(new Chunk(table.name(), name, "", current.step() + 1, lastStep));
    }

    /** Adds a link that says: this attempt goes on from here. */
    private void claim(
            int generation,
            long step,
            List<StoredCheckpoint> checkpoints,
            List<Chunk> chunks,
            KeptTrunk trunk,
            Optional<SharedSteps> shared)
            throws IOException {
        Set<Chunk> kept = new HashSet<>(chunks);
        List<Chunk> dropped = Stream.concat(current.dropped().stream(), current.chunks().stream())
                .filter(chunk -> !kept.contains(chunk))
                .toList();
        add(new CellManifest(
                current.sequence() + 1,
                current.cell(),
                attempt,
                generation,
                owner,
                step,
                checkpoints,
                chunks,
                dropped,
                Optional.empty(),
                trunk,
                shared));
        publish();
        tidy();
    }

    private void add(CellManifest next) throws IOException {
        try {
            storage.createNew(manifest(home, next.sequence()), LedgerJson.bytes(next));
        } catch (FileAlreadyExistsException e) {
            throw new FencedException(current.cell(), attempt);
        }
        // Links are deleted when they are old, so that a name being free does not yet mean that it is the next.
        if (newestSequence(storage, home) != next.sequence()) {
            storage.delete(manifest(home, next.sequence()));
            throw new FencedException(current.cell(), attempt);
        }
        current = next;
    }

    /** Makes the tables hold what the current link says; may be repeated. */
    private void publish() throws IOException {
        for (Chunk chunk : current.dropped()) {
            // In this order, so that a stopped attempt that wakes up between the two cannot publish it again.
            storage.delete(Storage.child(home, chunk.pending()));
            storage.delete(published(chunk));
        }
        for (Chunk chunk : current.chunks()) {
            org.apache.hadoop.fs.Path pending = Storage.child(home, chunk.pending());
            if (storage.exists(pending)) {
                storage.makeDirectory(directory.table(chunk.table()));
                try {
                    storage.publishNew(pending, published(chunk));
                } catch (FileAlreadyExistsException e) {
                    // Published by an attempt that was killed between giving the new name and taking the old one.
                    storage.delete(pending);
                }
            }
        }
    }

    private org.apache.hadoop.fs.Path published(Chunk chunk) {
        return Storage.child(directory.table(chunk.table()), chunk.file());
    }

    /**
     * Deletes what no link that counts refers to, up to this attempt's own link: files of later links belong to
     * attempts that have replaced it.
     */
    private void tidy() throws IOException {
        Set<String> needed = new HashSet<>();
        current.checkpoints().forEach(checkpoint -> needed.add(checkpoint.file()));
        current.trunk().states().forEach(state -> needed.add(state.file()));
        current.trunk().chunks().forEach(chunk -> needed.add(chunk.pending()));
        for (Storage.Entry entry : storage.list(home)) {
            Matcher numbered = NUMBERED.matcher(entry.name());
            if (!numbered.matches() || needed.contains(entry.name())) {
                continue;
            }
            int kept = MANIFEST.matcher(entry.name()).matches() ? KEPT_MANIFESTS : 0;
            if (Long.parseLong(numbered.group(1)) <= current.sequence() - kept) {
                storage.delete(entry.path());
            }
        }
    }

    private static long newestSequence(Storage storage, org.apache.hadoop.fs.Path home) throws IOException {
        long newest = 0;
        for (Storage.Entry entry : storage.list(home)) {
            Matcher manifest = MANIFEST.matcher(entry.name());
            if (manifest.matches()) {
                newest = Math.max(newest, Long.parseLong(manifest.group(1)));
            }
        }
        return newest;
    }

    private static org.apache.hadoop.fs.Path manifest(org.apache.hadoop.fs.Path home, long sequence) {
        return new org.apache.hadoop.fs.Path(home, String.format(Locale.ROOT, "manifest-%06d.json", sequence));
    }
}
