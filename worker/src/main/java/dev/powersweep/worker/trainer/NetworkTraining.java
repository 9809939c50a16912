package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.model.ParameterLayout;
import dev.powersweep.worker.train.DivergenceException;
import dev.powersweep.worker.train.Engine.Progress;
import dev.powersweep.worker.train.EvaluationResult;
import dev.powersweep.worker.train.EvaluationSource;
import dev.powersweep.worker.train.TrainingSession;
import dev.powersweep.worker.train.TrainingState;
import java.util.List;
import java.util.Optional;

/** On the kernels of ND4J's backend, a step at a time. */
record NetworkTraining(Cell cell, TrainingSession session) implements CellTraining {

    @Override
    public void listen(List<String> classes) {
        Listeners.attach(classes, cell, session.network());
    }

    @Override
    public int microBatchSequences() {
        return session.microBatchSequences();
    }

    @Override
    public String describe() {
        return session.kernels();
    }

    @Override
    public ParameterLayout layout() {
        return session.layout();
    }

    @Override
    public TrainingState state() {
        return session.state();
    }

    @Override
    public void restore(TrainingState state) {
        session.restore(state);
    }

    @Override
    public Progress train(int most) {
        try {
            return new Progress(List.of(session.step()), Optional.empty());
        } catch (DivergenceException e) {
            return new Progress(List.of(e.record()), Optional.of(Failures.message(e)));
        }
    }

    @Override
    public EvaluationResult evaluate(EvaluationSource evaluation, long maxTokens) {
        return session.evaluate(evaluation, maxTokens);
    }

    @Override
    public Optional<String> divergedAtEnd(double evaluationLoss) {
        return session.divergedAtEnd(evaluationLoss);
    }

    @Override
    public void close() {
        session.close();
    }
}
