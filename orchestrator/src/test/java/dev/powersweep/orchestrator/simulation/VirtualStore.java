package dev.powersweep.orchestrator.simulation;

import dev.powersweep.orchestrator.dispatch.Outcome;
import dev.powersweep.orchestrator.dispatch.SharedSteps;
import dev.powersweep.worker.cell.Frame;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What is stored of one cell, by the rules of the real store: of all attempts the one that claimed it last owns it; states
 * and rows of a trunk are kept for other cells.
 */
final class VirtualStore {
    private static final int KEPT_CHECKPOINTS = 2;

    /** Another attempt owns the cell now. */
    static final class Fenced extends Exception {
        private static final long serialVersionUID = 1L;
    }

    private final VirtualCell cell;
    /** Of steps from 1 on. */
    private final List<Double> losses = new ArrayList<>();

    private final TreeSet<Long> checkpoints = new TreeSet<>();
    private final TreeSet<Long> states = new TreeSet<>();
    private final NavigableMap<Long, Double> trunk = new TreeMap<>();
    private List<Long> branchSteps = List.of();
    private Optional<SharedSteps> shared = Optional.empty();
    private int generation;
    private int owner;
    private int claims;
    private long trained;
    private Optional<Outcome> outcome = Optional.empty();

    VirtualStore(VirtualCell cell) {
        this.cell = cell;
    }

    /** Claims the cell for an attempt; 0 where its outcome is stored already. */
    int claim(int wanted) throws Fenced {
        if (wanted < generation) {
            throw new Fenced();
        }
        if (wanted > generation) {
            generation = wanted;
            fallBackTo(0);
            states.clear();
            trunk.clear();
            shared = Optional.empty();
            outcome = Optional.empty();
        }
        if (outcome.isPresent()) {
            return 0;
        }
        branchSteps = List.of();
        owner = ++claims;
        return owner;
    }

    long step() {
        return losses.size();
    }

    Optional<Outcome> outcome() {
        return outcome;
    }

    Optional<SharedSteps> shared() {
        return shared;
    }

    /** Steps whose rows were not taken over from another cell, those trained again counted again. */
    long trained() {
        return trained;
    }

    /** The newest checkpoint is damaged, and given up. */
    void damage(int claim) throws Fenced {
        own(claim);
        checkpoints.pollLast();
        fallBackTo(checkpoints.isEmpty() ? 0 : checkpoints.last());
    }

    private void fallBackTo(long step) {
        losses.subList((int) step, losses.size()).clear();
        checkpoints.tailSet(step, false).clear();
        states.tailSet(step, false).clear();
        trunk.tailMap(step, false).clear();
        shared = shared.filter(each -> each.steps() <= step);
    }

    void keepTrunk(int claim, List<Long> steps) throws Fenced {
        own(claim);
        branchSteps = steps;
    }

    /** Steps up to which the cell's training may serve for another one. */
    Collection<Long> states() {
        return states;
    }

    /** Takes over what another cell has trained, where its rows are all there. */
    boolean adopt(int claim, VirtualStore parent, long step) throws Fenced {
        own(claim);
        List<Double> rows = List.copyOf(parent.trunk.headMap(step, true).values());
        if (rows.size() != step || !losses.isEmpty()) {
            return false;
        }
        for (Double loss : rows) {
            add(loss);
        }
        shared = Optional.of(new SharedSteps(parent.cell.id(), step));
        checkpoint(step);
        return true;
    }

    /** Gives up a state that nobody needs any more; the newest is where a larger D may go on. */
    void release(long step) {
        if (!states.isEmpty() && step != states.last() && !checkpoints.contains(step)) {
            states.remove(step);
        }
    }

    void commit(int claim, List<Frame> rows, long step, boolean checkpoint, Optional<Outcome> end) throws Fenced {
        own(claim);
        for (Frame frame : rows) {
            if (frame instanceof Frame.Steps more) {
                for (int i = 0; i < more.rows(); i++) {
                    if (more.firstStep() + i != losses.size() + 1) {
                        throw new AssertionError(
                                "step " + (more.firstStep() + i) + " is stored after step " + losses.size());
                    }
                    add(more.loss()[i]);
                    trained++;
                }
            }
        }
        if (step != losses.size()) {
            throw new AssertionError("a commit at step " + step + " has rows up to step " + losses.size());
        }
        if (checkpoint) {
            checkpoint(step);
        }
        outcome = end;
    }

    private void own(int claim) throws Fenced {
        if (claim != owner || outcome.isPresent()) {
            throw new Fenced();
        }
    }

    private void add(double loss) {
        losses.add(loss);
        long step = losses.size();
        if (loss != cell.loss(step)) {
            throw new AssertionError("step " + step + " of " + cell.id() + " is stored with another run's loss");
        }
        if (!branchSteps.isEmpty() && step <= branchSteps.get(branchSteps.size() - 1)) {
            trunk.put(step, loss);
        }
    }

    private void checkpoint(long step) {
        checkpoints.add(step);
        if (checkpoints.size() > KEPT_CHECKPOINTS) {
            checkpoints.pollFirst();
        }
        if (branchSteps.contains(step)) {
            states.add(step);
        }
    }
}
