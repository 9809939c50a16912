package dev.powersweep.orchestrator.driver;

import dev.powersweep.orchestrator.cellstore.CellManifest;
import dev.powersweep.orchestrator.cellstore.CellStore;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.publish.SweepProgress;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.tables.EvalRow;
import dev.powersweep.orchestrator.tables.Merge;
import dev.powersweep.orchestrator.tables.RowBudget;
import dev.powersweep.orchestrator.tables.StepRow;
import dev.powersweep.orchestrator.tables.Table;
import dev.powersweep.orchestrator.tables.TableFile;
import dev.powersweep.worker.cell.CellState;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.hadoop.fs.Path;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Merges the small files of cells that have a result into large ones, on a thread of its own.
 *
 * <p>The order of a merge, each step of which may be the last one before a crash: the merged file is written beside the
 * table; a record of what it stands for is written beside it under a name that readers skip; an event in the ledger
 * says that it counts, if this driver still may say so; the record gets its name; the sources are deleted; the merged
 * file gets its place in the table. Whoever takes the sweep over completes what the ledger says has been merged and
 * deletes what it does not know of.
 *
 * <p>Guarantees: a reader of {@link dev.powersweep.orchestrator.tables.TableFiles} sees each row once at every moment;
 * one that takes whatever files lie in the table's directory never sees a row twice, and may for the moment between two
 * of the steps not see rows that are being merged. Assumes that nobody writes files of a cell whose outcome is stored.
 */
final class Compactor implements SweepProgress, AutoCloseable {
    private static final Logger LOG = LogManager.getLogger(Compactor.class);

    /** Small files of a table that are worth a merge. */
    static final int FILES = 256;

    private static final long LARGEST_BYTES = 128L << 20;
    private static final List<Table<?>> TABLES = List.of(Table.STEPS, Table.EVALS);

    private record Waiting(Merge.Member member, List<String> files) {}

    private final Storage storage;
    private final SweepDirectory directory;
    private final long epoch;
    private final Function<LedgerEvent, java.util.concurrent.CompletableFuture<Void>> ledger;
    private final int filesToMerge;
    private final ExecutorService worker = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "compactor");
        thread.setDaemon(true);
        thread.setPriority(Thread.MIN_PRIORITY);
        return thread;
    });
    private final Map<String, List<Waiting>> waiting = new HashMap<>();
    /** Rows that each table can have, as the plan was when the sweep was opened. */
    private final Map<String, Long> most = new ConcurrentHashMap<>();

    private Optional<SweepState> state = Optional.empty();
    private int sequence;
    private boolean broken;

    /**
     * @param epoch of the driver, part of every name it makes
     * @param ledger where merges are told
     * @param filesToMerge small files of a table that are worth a merge
     */
    Compactor(
            Storage storage,
            SweepDirectory directory,
            long epoch,
            Function<LedgerEvent, java.util.concurrent.CompletableFuture<Void>> ledger,
            int filesToMerge) {
        this.storage = storage;
        this.directory = directory;
        this.epoch = epoch;
        this.ledger = ledger;
        this.filesToMerge = filesToMerge;
        TABLES.forEach(table -> waiting.put(table.name(), new ArrayList<>()));
    }

    /**
     * Brings merged files into line with the ledger: completes what a former driver began, and takes out the rows of
     * cells that are to be trained afresh. To be called before any attempt begins.
     */
    void reconcile(SweepState sweep) throws IOException {
        bound(sweep);
        Set<String> known = sweep.merges().stream()
                .map(merged -> merged.table() + "/" + merged.number())
                .collect(Collectors.toSet());
        for (Table<?> table : TABLES) {
            Set<String> names = new HashSet<>();
            for (Storage.Entry entry : storage.list(directory.merges(table.name()))) {
                names.add(entry.name());
            }
            for (String name : names) {
                Optional<String> number = number(name);
                if (number.isEmpty() || !known.contains(table.name() + "/" + number.get())) {
                    storage.delete(new Path(directory.merges(table.name()), name));
                }
            }
            Set<String> lying = storage.list(directory.table(table.name())).stream()
                    .map(Storage.Entry::name)
                    .collect(Collectors.toSet());
            for (LedgerEvent.Merged merged : sweep.merges()) {
                if (merged.table().equals(table.name())) {
                    complete(table, merged.number(), names, lying);
                    withdraw(table, merged.number(), sweep);
                }
            }
        }
    }

    private void bound(SweepState sweep) {
        TABLES.forEach(table -> most.put(table.name(), RowBudget.most(sweep, table)));
    }

    private static Optional<String> number(String name) {
        java.util.regex.Matcher match = java.util.regex.Pattern.compile("_?merged?-(\\d+-\\d+)\\.(?:json|parquet)")
                .matcher(name);
        return match.matches() ? Optional.of(match.group(1)) : Optional.empty();
    }

    private Path record(Table<?> table, String number) {
        return Storage.child(directory.merges(table.name()), "merge-" + number + ".json");
    }

    private Path pendingRecord(Table<?> table, String number) {
        return Storage.child(directory.merges(table.name()), "_merge-" + number + ".json");
    }

    private Path staged(Table<?> table, Merge merge) {
        return Storage.child(directory.merges(table.name()), merge.file());
    }

    private Path published(Table<?> table, Merge merge) {
        return Storage.child(directory.table(table.name()), merge.file());
    }

    /** What follows once the ledger holds the merge; may be repeated, and done by two at once. */
    private void complete(Table<?> table, String number, Set<String> inMerges, Set<String> inTable) throws IOException {
        if (inMerges.contains(pendingRecord(table, number).getName())) {
            publish(pendingRecord(table, number), record(table, number));
        }
        Merge merge = LedgerJson.read(storage.read(record(table, number)), Merge.class);
        for (String source : merge.sources()) {
            if (inTable.contains(source)) {
                storage.delete(Storage.child(directory.table(table.name()), source));
            }
        }
        if (inMerges.contains(merge.file())) {
            publish(staged(table, merge), published(table, merge));
        }
    }

    /** Leaves the target as it is where another driver has published it. */
    private void publish(Path from, Path to) throws IOException {
        try {
            storage.publishNew(from, to);
        } catch (FileAlreadyExistsException e) {
            storage.delete(from);
        } catch (NoSuchFileException | java.io.FileNotFoundException e) {
            if (!storage.exists(to)) {
                throw e;
            }
        }
    }

    /** Takes the rows of cells out whose stored results are void. */
    private void withdraw(Table<?> table, String number, SweepState sweep) throws IOException {
        Merge merge = LedgerJson.read(storage.read(record(table, number)), Merge.class);
        Set<String> stale = merge.cells().stream()
                .filter(member -> !counts(sweep, member))
                .map(Merge.Member::cell)
                .collect(Collectors.toSet());
        if (stale.isEmpty()) {
            return;
        }
        Path rewritten = Storage.unfinished(record(table, number + "-rows"));
        write(table, List.of(published(table, merge)), rewritten, cell -> !stale.contains(cell));
        storage.publishOver(rewritten, published(table, merge));
        List<Merge.Member> left = merge.cells().stream()
                .filter(member -> !stale.contains(member.cell()))
                .toList();
        storage.replace(record(table, number), LedgerJson.bytes(new Merge(merge.file(), left, merge.sources())));
        LOG.info("took the rows of {} cells that are trained afresh out of {}", stale.size(), merge.file());
    }

    private static boolean counts(SweepState sweep, Merge.Member member) {
        return sweep.cell(member.cell())
                .filter(cell -> hasResult(cell) && cell.generation() == member.generation())
                .isPresent();
    }

    private static boolean hasResult(CellRecord cell) {
        return cell.state() == CellState.FINISHED || cell.state() == CellState.DIVERGED;
    }

    @Override
    public void opened(SweepState sweep, SweepDirectory ofSweep, int slots) {
        state = Optional.of(sweep);
        bound(sweep);
        List<Merge.Member> ended = sweep.cells().stream()
                .filter(Compactor::hasResult)
                .map(Compactor::member)
                .toList();
        worker.execute(() -> guarded(() -> {
            for (Table<?> table : TABLES) {
                Set<String> merged = merged(table);
                for (Merge.Member member : ended) {
                    if (!merged.contains(member.cell())) {
                        take(table, member);
                    }
                }
            }
        }));
    }

    private static Merge.Member member(CellRecord cell) {
        return new Merge.Member(cell.cell().id(), cell.generation());
    }

    private Set<String> merged(Table<?> table) throws IOException {
        Set<String> cells = new HashSet<>();
        for (Storage.Entry entry : storage.list(directory.merges(table.name()))) {
            if (entry.name().startsWith("merge-")) {
                LedgerJson.read(storage.read(entry.path()), Merge.class)
                        .cells()
                        .forEach(member -> cells.add(member.cell()));
            }
        }
        return cells;
    }

    @Override
    public void changed(LedgerEvent event) {
        if (event instanceof LedgerEvent.Ended ended) {
            CellRecord cell = state.orElseThrow().cell(ended.report().cell()).orElseThrow();
            if (hasResult(cell)) {
                Merge.Member member = member(cell);
                worker.execute(() -> guarded(() -> {
                    for (Table<?> table : TABLES) {
                        take(table, member);
                    }
                }));
            }
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    /** What cannot be merged stays as it is. */
    private void guarded(Work work) {
        if (broken) {
            return;
        }
        try {
            work.run();
        } catch (IOException | RuntimeException e) {
            broken = true;
            LOG.warn("small files of {} are not merged any more: {}", directory.root(), e.toString());
        }
    }

    private void take(Table<?> table, Merge.Member member) throws IOException {
        Optional<CellManifest> manifest = CellStore.newest(storage, directory, member.cell());
        if (manifest.isEmpty()
                || manifest.get().outcome().isEmpty()
                || manifest.get().generation() != member.generation()) {
            return;
        }
        List<String> files = manifest.get().chunks().stream()
                .filter(chunk -> chunk.table().equals(table.name()))
                .map(CellManifest.Chunk::file)
                .toList();
        List<Waiting> all = waiting.get(table.name());
        all.add(new Waiting(member, files));
        if (all.stream().mapToInt(cell -> cell.files().size()).sum() >= filesToMerge) {
            merge(table, all);
        }
    }

    private void merge(Table<?> table, List<Waiting> all) throws IOException {
        Map<String, Long> sizes = new HashMap<>();
        for (Storage.Entry entry : storage.list(directory.table(table.name()))) {
            sizes.put(entry.name(), entry.bytes());
        }
        while (!all.isEmpty()) {
            List<Merge.Member> members = new ArrayList<>();
            List<String> sources = new ArrayList<>();
            long bytes = 0;
            while (!all.isEmpty() && bytes < LARGEST_BYTES) {
                Waiting cell = all.remove(0);
                // Not in the table: not yet renamed into it, or lost. Such files are left alone.
                if (sizes.keySet().containsAll(cell.files()) && !cell.files().isEmpty()) {
                    members.add(cell.member());
                    sources.addAll(cell.files());
                    bytes += cell.files().stream().mapToLong(sizes::get).sum();
                }
            }
            if (sources.size() > 1) {
                merge(table, members, sources);
            }
        }
    }

    private void merge(Table<?> table, List<Merge.Member> members, List<String> sources) throws IOException {
        String number = String.format(Locale.ROOT, "%06d-%06d", epoch, ++sequence);
        Merge merge = new Merge("merged-" + number + TableFile.SUFFIX, members, sources);
        List<Path> files = sources.stream()
                .map(source -> Storage.child(directory.table(table.name()), source))
                .toList();
        write(table, files, staged(table, merge), cell -> true);
        storage.write(pendingRecord(table, number), LedgerJson.line(merge).getBytes(StandardCharsets.UTF_8));
        try {
            ledger.apply(new LedgerEvent.Merged(Instant.now(), table.name(), number))
                    .join();
        } catch (CompletionException e) {
            throw new IOException("the merge could not be told to the ledger", e.getCause());
        }
        complete(table, number, Set.of(pendingRecord(table, number).getName(), merge.file()), new HashSet<>(sources));
        LOG.info("merged {} files of {} cells into {}", sources.size(), members.size(), merge.file());
    }

    /** By way of a local file, which is stored as durably as what it stands for. */
    private void write(Table<?> table, List<Path> sources, Path target, Predicate<String> wanted) throws IOException {
        RowBudget budget = RowBudget.of(most.get(table.name()));
        java.nio.file.Path local = Files.createTempFile("powersweep-merge", TableFile.SUFFIX);
        try {
            Files.delete(local);
            if (table.equals(Table.STEPS)) {
                TableFile.concatenate(
                        storage, sources, local, Table.STEPS, budget, (StepRow row) -> wanted.test(row.cell()));
            } else {
                TableFile.concatenate(
                        storage, sources, local, Table.EVALS, budget, (EvalRow row) -> wanted.test(row.cell()));
            }
            storage.upload(local, target);
        } finally {
            Files.deleteIfExists(local);
        }
    }

    @Override
    public void now(Numbers numbers) {}

    @Override
    public void ended(String name, AttemptReport report, Numbers numbers) {}

    /** Completes what is begun; may be repeated. */
    @Override
    public void close() {
        if (worker.isShutdown()) {
            return;
        }
        try {
            // Not interrupted: a merge that the ledger counts should be completed by this driver.
            Future<?> last = worker.submit(() -> {});
            worker.shutdown();
            last.get(1, TimeUnit.HOURS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | java.util.concurrent.TimeoutException e) {
            LOG.warn("the last merge of {} did not end", directory.root(), e);
        }
    }
}
