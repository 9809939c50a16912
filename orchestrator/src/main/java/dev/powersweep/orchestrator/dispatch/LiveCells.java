package dev.powersweep.orchestrator.dispatch;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The cells in training with the newest that was heard of each. Updates travel on their own and may come late, twice and
 * out of order; only the ledger's events say which attempts run.
 *
 * @param <U> what is heard of a running attempt
 */
public final class LiveCells<U extends LiveCells.Update> {

    /** What an update says of itself. */
    public interface Update {
        String cell();

        int attempt();

        /** Optimiser steps done. */
        long step();

        /** Optimiser steps whose results are stored. */
        long storedStep();

        /** Of late; 0 where that is not known. */
        double tokensPerSecond();
    }

    private static final class Running<U> {
        private final int attempt;
        private Optional<U> newest = Optional.empty();

        Running(int attempt) {
            this.attempt = attempt;
        }
    }

    private final Map<String, Running<U>> running = new HashMap<>();

    /** Takes one more event in. */
    public void apply(LedgerEvent event) {
        if (event instanceof LedgerEvent.Running begun) {
            running.put(begun.cell(), new Running<>(begun.attempt()));
        } else if (event instanceof LedgerEvent.Ended ended) {
            running.remove(ended.report().cell());
        }
    }

    /** Takes an update in; says whether it is news of an attempt that runs. */
    public boolean heard(U update) {
        Running<U> cell = running.get(update.cell());
        if (cell == null || cell.attempt != update.attempt()) {
            return false;
        }
        boolean news = cell.newest
                .map(before -> update.step() >= before.step() && update.storedStep() >= before.storedStep())
                .orElse(true);
        if (news) {
            cell.newest = Optional.of(update);
        }
        return news;
    }

    /** The newest update of each running cell of which anything was heard. */
    public List<U> newest() {
        List<U> all = new ArrayList<>();
        running.values().forEach(cell -> cell.newest.ifPresent(all::add));
        return all;
    }

    /** The newest update of a running cell. */
    public Optional<U> newest(String cell) {
        return Optional.ofNullable(running.get(cell)).flatMap(known -> known.newest);
    }
}
