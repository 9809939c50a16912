package dev.powersweep.orchestrator.runtable;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.Predicate;

/** Rows that a column of the table's own says are no result: runs that did not end, failed, or measured training text. */
final class LeftOutRows {
    private static final Set<String> STATES =
            Set.of("state", "status", "runstate", "runstatus", "jobstate", "jobstatus");

    /** States of run trackers in which a run has come to its end, without regard to case, blanks and hyphens. */
    private static final Set<String> ENDED =
            Set.of("finished", "completed", "complete", "success", "successful", "succeeded", "done", "ok", "ended");

    /** And those in which it has not. */
    private static final Set<String> UNFINISHED = Set.of(
            "crashed",
            "crash",
            "failed",
            "failure",
            "killed",
            "running",
            "preempted",
            "preempting",
            "pending",
            "error",
            "cancelled",
            "canceled",
            "diverged",
            "planned",
            "interrupted",
            "queued",
            "timeout",
            "timedout",
            "oom",
            "outofmemory",
            "aborted",
            "stopped",
            "nan",
            "incomplete",
            "unfinished",
            "nodefail");

    private static final Set<String> FAILURES = Set.of(
            "diverged", "failed", "crashed", "oom", "isdiverged", "hasdiverged", "isfailed", "nan", "isnan", "killed");
    private static final Set<String> STATUSES = Set.of("exitcode", "exitstatus", "returncode", "rc");
    static final Set<String> YES = Set.of("true", "yes", "1");
    /** An empty cell, too: trackers write such a column where something happened. */
    static final Set<String> NO = Set.of("false", "no", "0", "");

    private static final Set<String> SPLITS = Set.of("split", "set", "subset", "phase", "mode", "evalset", "datasplit");
    private static final Set<String> TRAINING = Set.of("train", "training", "trainset");
    /** The first that a table has is kept. */
    private static final List<Set<String>> EVALUATION = List.of(
            Set.of("val", "valid", "validation"),
            Set.of("eval", "evaluation"),
            Set.of("dev", "heldout"),
            Set.of("test"));

    private LeftOutRows() {}

    /**
     * The table without them.
     *
     * @param where what the user chose: a column named there decides nothing here
     * @param remarks told what was left out, and how to keep it
     */
    static RawTable of(RawTable table, Map<String, String> where, List<String> remarks) {
        RawTable left = table;
        for (int column = 0; column < table.header().size(); column++) {
            String name = table.header().get(column);
            if (!where.containsKey(name)) {
                left = without(left, column, HeaderName.normal(name), remarks);
            }
        }
        return left;
    }

    private static RawTable without(RawTable table, int column, String name, List<String> remarks) {
        List<String> words =
                table.column(column).stream().map(LeftOutRows::plain).distinct().toList();
        if (STATES.contains(name)
                && words.stream().allMatch(word -> ENDED.contains(word) || UNFINISHED.contains(word))) {
            return keep(table, column, orDiverged(ENDED::contains), "other than an end", remarks);
        }
        if (FAILURES.contains(name) && words.stream().allMatch(word -> YES.contains(word) || NO.contains(word))) {
            return keep(table, column, orDiverged(NO::contains), "that says so", remarks);
        }
        if (STATUSES.contains(name) && words.stream().allMatch(word -> word.matches("-?\\d{1,4}"))) {
            return keep(table, column, orDiverged("0"::equals), "other than 0", remarks);
        }
        if (SPLITS.contains(name) && known(words)) {
            for (Set<String> kind : EVALUATION) {
                Optional<String> first = words.stream().filter(kind::contains).findFirst();
                if (first.isPresent()) {
                    return keep(
                            table, column, (row, word) -> kind.contains(word), "other than " + first.get(), remarks);
                }
            }
        }
        return table;
    }

    private static boolean known(List<String> words) {
        return words.stream()
                .allMatch(word -> TRAINING.contains(word) || EVALUATION.stream().anyMatch(kind -> kind.contains(word)));
    }

    /** What is sound, and the branches that are known to have diverged, which are results however they ended. */
    private static BiPredicate<RawRow, String> orDiverged(Predicate<String> sound) {
        return (row, word) -> row.diverged() || sound.test(word);
    }

    private static RawTable keep(
            RawTable table, int column, BiPredicate<RawRow, String> sound, String what, List<String> remarks) {
        List<RawRow> kept = new ArrayList<>();
        for (RawRow row : table.rows()) {
            if (sound.test(row, plain(row.textAt(column)))) {
                kept.add(row);
            }
        }
        if (kept.isEmpty() || kept.size() == table.rows().size()) {
            return table;
        }
        String name = table.header().get(column);
        remarks.add((table.rows().size() - kept.size()) + " of " + table.rows().size() + " rows have a " + name + " "
                + what + " and are left out; --where " + Typed.word(name) + "=… keeps rows of one.");
        return table.with(kept);
    }

    /** A cell's word without regard to case, blanks, hyphens and zeros before a number. */
    static String plain(String text) {
        return text.toLowerCase(Locale.ROOT).replaceAll("[\\s_-]+", "").replaceAll("^-?0+(?=\\d)", "");
    }
}
