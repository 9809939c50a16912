package dev.powersweep.worker.trainer;

import dev.powersweep.worker.model.ParameterLayout;
import dev.powersweep.worker.train.Engine.Progress;
import dev.powersweep.worker.train.EvaluationResult;
import dev.powersweep.worker.train.EvaluationSource;
import dev.powersweep.worker.train.TrainingState;
import java.util.List;
import java.util.Optional;

/** A cell in training, on whatever device. */
interface CellTraining extends AutoCloseable {

    /** Lets listeners of Deeplearning4j's kind see every step. */
    void listen(List<String> classes);

    /** Sequences of one forward pass. */
    int microBatchSequences();

    /** What computes, for the log. */
    String describe();

    ParameterLayout layout();

    TrainingState state();

    void restore(TrainingState state);

    /** Makes at least one step and at most {@code most}; no more once the cell has diverged. */
    Progress train(int most);

    EvaluationResult evaluate(EvaluationSource evaluation, long maxTokens);

    /** Why a run that ends with this evaluation loss has diverged, if it has. */
    Optional<String> divergedAtEnd(double evaluationLoss);

    @Override
    void close();
}
