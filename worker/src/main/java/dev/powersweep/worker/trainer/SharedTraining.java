package dev.powersweep.worker.trainer;

import dev.powersweep.worker.gpu.CellGroup;
import dev.powersweep.worker.model.ParameterLayout;
import dev.powersweep.worker.train.Engine.Progress;
import dev.powersweep.worker.train.EvaluationResult;
import dev.powersweep.worker.train.EvaluationSource;
import dev.powersweep.worker.train.TrainingState;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** One of several cells on a {@link SharedCard}, in the hands of its run's thread. */
final class SharedTraining implements CellTraining {

    private final SharedCard card;
    private final SharedGroup group;
    private final SharedGroup.Seat seat;

    SharedTraining(SharedCard card, SharedGroup group, SharedGroup.Seat seat) {
        this.card = card;
        this.group = group;
        this.seat = seat;
    }

    private <T> T call(SharedGroup.Work<T> work) {
        return card.call(() -> group.with(seat, work));
    }

    @Override
    public void listen(List<String> classes) {
        CardTraining.refuse(classes);
    }

    @Override
    public int microBatchSequences() {
        return call((cells, cell) -> cells.passSequences());
    }

    @Override
    public String describe() {
        return call((cells, cell) -> cells.describe());
    }

    @Override
    public ParameterLayout layout() {
        return new ParameterLayout(seat.cell().shape());
    }

    @Override
    public TrainingState state() {
        return call(CellGroup::state);
    }

    @Override
    public void restore(TrainingState state) {
        call((cells, cell) -> {
            cells.restore(cell, state);
            return null;
        });
    }

    @Override
    public Progress train(int most) {
        CompletableFuture<Progress> answer = new CompletableFuture<>();
        card.call(() -> {
            group.ask(seat, most, answer);
            return null;
        });
        return SharedCard.await(answer);
    }

    @Override
    public EvaluationResult evaluate(EvaluationSource evaluation, long maxTokens) {
        return call((cells, cell) -> cells.evaluate(cell, evaluation, maxTokens));
    }

    @Override
    public Optional<String> divergedAtEnd(double evaluationLoss) {
        return CardTraining.divergence(seat.cell()).atEnd(evaluationLoss);
    }

    @Override
    public void close() {
        card.leave(group, seat);
    }
}
