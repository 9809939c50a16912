package dev.powersweep.worker.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** One cell on the CPU: steps are made when they are drained. It closes its session. */
public final class CpuEngine implements Engine {

    private static final int MOST_QUEUED = 16;

    private final TrainingSession session;
    private int queued;
    private boolean ended;

    public CpuEngine(TrainingSession session) {
        this.session = session;
    }

    @Override
    public int cells() {
        return 1;
    }

    @Override
    public int mostQueued() {
        return MOST_QUEUED;
    }

    @Override
    public void enqueue(int steps) {
        if (steps < 1 || queued + steps > MOST_QUEUED) {
            throw new IllegalArgumentException(
                    steps + " steps cannot be queued behind " + queued + "; at most " + MOST_QUEUED + " may wait");
        }
        queued += steps;
    }

    /** @throws ListenerException when a listener of the network throws */
    @Override
    public List<Progress> drain() {
        List<StepRecord> records = new ArrayList<>();
        Optional<String> diverged = Optional.empty();
        while (queued > 0 && !ended) {
            queued--;
            try {
                records.add(session.step());
            } catch (DivergenceException e) {
                records.add(e.record());
                diverged = Optional.of(e.getMessage());
                ended = true;
            }
        }
        queued = 0;
        return List.of(new Progress(records, diverged));
    }

    @Override
    public List<EvaluationResult> evaluate(EvaluationSource evaluation, long maxTokens) {
        checkDrained();
        return List.of(session.evaluate(evaluation, maxTokens));
    }

    @Override
    public TrainingState state(int cell) {
        checkDrained();
        return session.state();
    }

    @Override
    public void restore(int cell, TrainingState state) {
        checkDrained();
        session.restore(state);
        ended = false;
    }

    @Override
    public String describe() {
        return session.kernels();
    }

    @Override
    public void close() {
        session.close();
    }

    private void checkDrained() {
        if (queued > 0) {
            throw new IllegalStateException("the records of " + queued + " queued steps are to be drained first");
        }
    }
}
