package dev.powersweep.orchestrator.tables;

import dev.powersweep.worker.cell.StoredName;
import java.util.List;

/**
 * What a merged file stands for. From the moment this record is published its sources do not count any more: readers
 * that heed it see the rows once at every moment, whatever of the merge is done yet.
 *
 * @param file name in the table's directory, and before it is there, in the directory of merges
 * @param cells whose rows it holds
 * @param sources names in the table's directory
 */
public record Merge(String file, List<Member> cells, List<String> sources) {
    public Merge {
        StoredName.file(file);
        cells = List.copyOf(cells);
        sources = List.copyOf(sources);
        sources.forEach(StoredName::file);
    }

    /** @param generation of the cell's results, see the ledger */
    public record Member(String cell, int generation) {
        public Member {
            StoredName.cell(cell);
        }
    }

    public boolean holds(String cell) {
        return cells.stream().anyMatch(member -> member.cell().equals(cell));
    }
}
