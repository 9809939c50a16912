package dev.powersweep.orchestrator.simulation;

import dev.powersweep.orchestrator.dispatch.Outcome;
import dev.powersweep.worker.cell.Frame;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What is stored of one cell, by the rules of the real store: of all attempts the one that claimed it last owns it. */
final class VirtualStore {
    /** Another attempt owns the cell now. */
    static final class Fenced extends Exception {
        private static final long serialVersionUID = 1L;
    }

    private final List<Long> steps = new ArrayList<>();
    private int generation;
    private int owner;
    private int claims;
    private Optional<Outcome> outcome = Optional.empty();

    /** Claims the cell for an attempt; 0 where its outcome is stored already. */
    int claim(int wanted) throws Fenced {
        if (wanted < generation) {
            throw new Fenced();
        }
        if (wanted > generation) {
            generation = wanted;
            steps.clear();
            outcome = Optional.empty();
        }
        if (outcome.isPresent()) {
            return 0;
        }
        owner = ++claims;
        return owner;
    }

    long step() {
        return steps.size();
    }

    Optional<Outcome> outcome() {
        return outcome;
    }

    void commit(int claim, List<Frame> rows, long step, Optional<Outcome> end) throws Fenced {
        if (claim != owner || outcome.isPresent()) {
            throw new Fenced();
        }
        for (Frame frame : rows) {
            if (frame instanceof Frame.Steps more) {
                for (int i = 0; i < more.rows(); i++) {
                    long next = more.firstStep() + i;
                    if (next != steps.size() + 1) {
                        throw new AssertionError("step " + next + " is stored after step " + steps.size());
                    }
                    steps.add(next);
                }
            }
        }
        if (step != steps.size()) {
            throw new AssertionError("a commit at step " + step + " has rows up to step " + steps.size());
        }
        outcome = end;
    }
}
