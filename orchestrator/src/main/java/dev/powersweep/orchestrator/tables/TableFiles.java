package dev.powersweep.orchestrator.tables;

import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The files of a table that count, while a driver may be merging small ones into larger ones.
 *
 * <p>Layout of DIR/merges/TABLE: {@code merge-NUMBER.json}, one {@link Merge} each, and merged files on their way into
 * the table. Guarantees: the files of one listing hold every published row once. Does not guarantee that they are still
 * there when they are opened; then list again.
 */
public final class TableFiles {
    static final String RECORD = "merge-";
    static final String RECORD_SUFFIX = ".json";
    private static final int TRIES = 20;

    /**
     * @param entries by name
     * @param merges all that are published
     * @param plain whether the entries are just what lies in the table's directory
     */
    public record Listing(List<Storage.Entry> entries, List<Merge> merges, boolean plain) {}

    private TableFiles() {}

    public static Listing list(Storage storage, SweepDirectory directory, Table<?> table) throws IOException {
        IOException last = null;
        Set<Storage.Entry> before = Set.of();
        for (int i = 0; i < TRIES; i++) {
            try {
                return tryList(storage, directory, table);
            } catch (FileNotFoundException | NoSuchFileException e) {
                last = e;
                // Where nothing has moved, what is missing will not come; the records may be large.
                Set<Storage.Entry> now = new HashSet<>(storage.list(directory.table(table.name())));
                now.addAll(storage.list(directory.merges(table.name())));
                if (now.equals(before)) {
                    break;
                }
                before = now;
            }
        }
        throw last;
    }

    private static Listing tryList(Storage storage, SweepDirectory directory, Table<?> table) throws IOException {
        // The table is listed before the records: a merge that is published in between then appears in the records.
        List<Storage.Entry> lying = storage.list(directory.table(table.name())).stream()
                .filter(entry -> entry.kind() == Storage.Kind.FILE
                        && !Storage.unfinished(entry.name())
                        && entry.name().endsWith(TableFile.SUFFIX))
                .toList();
        List<Merge> merges = new ArrayList<>();
        Map<String, Storage.Entry> staged = new HashMap<>();
        for (Storage.Entry entry : storage.list(directory.merges(table.name()))) {
            if (entry.name().startsWith(RECORD) && entry.name().endsWith(RECORD_SUFFIX)) {
                merges.add(LedgerJson.read(storage.read(entry.path()), Merge.class));
            } else if (entry.name().endsWith(TableFile.SUFFIX)) {
                staged.put(entry.name(), entry);
            }
        }
        Set<String> gone = new HashSet<>();
        merges.forEach(merge -> gone.addAll(merge.sources()));
        List<Storage.Entry> counting = new ArrayList<>(lying);
        boolean plain = !counting.removeIf(entry -> gone.contains(entry.name()));
        Set<String> names = new HashSet<>();
        counting.forEach(entry -> names.add(entry.name()));
        for (Merge merge : merges) {
            if (!names.contains(merge.file())) {
                Storage.Entry entry = staged.get(merge.file());
                if (entry == null) {
                    throw new NoSuchFileException(merge.file() + ", which was moved while it was looked for");
                }
                counting.add(entry);
                plain = false;
            }
        }
        counting.sort(Comparator.comparing(Storage.Entry::name));
        return new Listing(counting, merges, plain);
    }
}
