package dev.powersweep.orchestrator.dispatch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.orchestrator.driver.StandInTrainer;
import dev.powersweep.orchestrator.driver.Sweeps;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class DispatcherTest {
    private static final Instant START = Instant.parse("2026-01-02T03:04:05Z");

    @Test
    void theLongestCellBeginsFirst() {
        SweepState state = state(List.of(3.0, 9.0, 5.0));
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
        List<Double> order = new ArrayList<>();
        for (Optional<AttemptOrder> next = dispatcher.next(START); next.isPresent(); next = dispatcher.next(START)) {
            order.add(state.cell(next.get().gridCell().cell().id())
                    .orElseThrow()
                    .planned()
                    .predictedSeconds());
        }
        assertThat(order).containsExactly(9.0, 5.0, 3.0);
    }

    @Test
    void aLostExecutorIsNobodysFaultAndWaitsLongerEachTimeUpToAMinuteAsLongAsTheCellGetsFurther() {
        SweepState state = state(List.of(1.0));
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
        Instant now = START;
        List<Long> pauses = new ArrayList<>();
        for (int attempt = 1; attempt <= 20; attempt++) {
            AttemptOrder order = dispatcher.next(now).orElseThrow();
            assertThat(order.attempt()).isEqualTo(attempt);
            LedgerEvent.Ended ended =
                    dispatcher.ended(Reports.failed(order, FailureClass.LOST_EXECUTOR, attempt, 8, "", START), now);
            assertThat(ended.report().state()).isEqualTo(CellState.INTERRUPTED);
            assertThat(dispatcher.next(now)).isEmpty();
            Instant end = dispatcher.nextPauseEnd().orElseThrow();
            pauses.add(Duration.between(now, end).toSeconds());
            now = end;
        }
        assertThat(pauses).startsWith(1L, 2L, 4L, 8L, 16L, 32L, 60L).endsWith(60L);
        assertThat(dispatcher.done()).isFalse();
    }

    @Test
    void memoryHalvesTheMicroBatchDownToOneSequence() {
        SweepState state = state(List.of(1.0));
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
        List<Integer> ordered = new ArrayList<>();
        int used = 8;
        while (!dispatcher.done()) {
            AttemptOrder order = dispatcher.next(START).orElseThrow();
            ordered.add(order.microBatchSequences());
            used = order.microBatchSequences() == 0 ? used : order.microBatchSequences();
            dispatcher.ended(failed(order, FailureClass.HOST_MEMORY, used), START);
        }
        assertThat(ordered).containsExactly(0, 4, 2, 1);
        assertThat(state.count(CellState.FAILED)).isEqualTo(1);
    }

    /** They have its room now, and need not have it for long. */
    @Test
    void aCellWithoutRoomBesideOthersWaitsAndIsNotMadeSmaller() {
        SweepState state = state(List.of(1.0));
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT.sharing(4), ids(state));
        Instant now = START;
        for (long pause : List.of(1, 2, 4)) {
            AttemptOrder order = dispatcher.next(now).orElseThrow();
            assertThat(order.microBatchSequences()).isZero();
            assertThat(order.company()).isEqualTo(AttemptOrder.Company.ANY);
            dispatcher.ended(beside("2", failed(order, FailureClass.GPU_MEMORY, 8)), now);
            assertThat(dispatcher.nextPauseEnd()).contains(now.plusSeconds(pause));
            now = now.plusSeconds(pause);
        }
        AttemptOrder alone = dispatcher.next(now).orElseThrow();
        dispatcher.ended(beside("0", failed(alone, FailureClass.GPU_MEMORY, 8)), now);
        assertThat(dispatcher.next(now).orElseThrow().microBatchSequences()).isEqualTo(4);
    }

    /** A process of its own has no neighbours, and the card that it shares may be full of another's cells. */
    @Test
    void aCellInAProcessOfItsOwnWaitsForRoomOnASharedCardAndSoDoItsNeighbours() {
        SweepState state = state(List.of(2.0, 1.0));
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT.sharing(4), ids(state));
        AttemptOrder crashing = dispatcher.next(START).orElseThrow();
        AttemptOrder other = dispatcher.next(START).orElseThrow();
        dispatcher.ended(beside("1", failed(crashing, FailureClass.NATIVE_CRASH, 8)), START);
        Instant now = START.plusSeconds(1);
        AttemptOrder alone = dispatcher.next(now).orElseThrow();
        assertThat(alone.company()).isEqualTo(AttemptOrder.Company.NONE);
        dispatcher.ended(beside("0", failed(other, FailureClass.GPU_MEMORY, 8)), now);
        dispatcher.ended(failed(alone, FailureClass.GPU_MEMORY, 8), now);
        now = now.plusSeconds(1);
        for (int cell = 0; cell < 2; cell++) {
            assertThat(dispatcher.next(now).orElseThrow().microBatchSequences()).isZero();
        }
    }

    /** Their numbers stay, too: smaller micro-batches add up in another order. */
    @Test
    void whatANeighbourMayHaveDoneIsTriedAloneAsItWasHoweverFewAttemptsThereAre() {
        RunPolicy once = new RunPolicy(1, 0, 1, 60, 1, 0, 300, 1, 10, Optional.empty()).sharing(4);
        for (FailureClass failure :
                List.of(FailureClass.NATIVE_CRASH, FailureClass.TIMEOUT, FailureClass.HOST_MEMORY)) {
            SweepState state = state(List.of(1.0));
            Dispatcher dispatcher = new Dispatcher(state, once, ids(state));
            dispatcher.ended(beside("3", failed(dispatcher.next(START).orElseThrow(), failure, 8)), START);
            AttemptOrder alone = dispatcher.next(START.plusSeconds(1)).orElseThrow();
            assertThat(alone.company()).isEqualTo(AttemptOrder.Company.NONE);
            assertThat(alone.microBatchSequences()).isZero();
            dispatcher.ended(failed(alone, failure, 1), START.plusSeconds(1));
            assertThat(state.count(CellState.FAILED)).as(failure.name()).isEqualTo(1);
        }
    }

    @Test
    void aCrashOfATrainerOfManyCellsStopsNoSweep() {
        SweepState state = state(Collections.nCopies(12, 1.0));
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT.sharing(12), ids(state));
        List<AttemptOrder> all = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            all.add(dispatcher.next(START).orElseThrow());
        }
        all.forEach(order -> dispatcher.ended(beside("11", failed(order, FailureClass.NATIVE_CRASH, 8)), START));
        assertThat(dispatcher.stopped()).isEmpty();
        for (int i = 0; i < 10; i++) {
            assertThat(dispatcher.stopped()).isEmpty();
            AttemptOrder alone = dispatcher.next(START.plusSeconds(1)).orElseThrow();
            dispatcher.ended(failed(alone, FailureClass.NATIVE_CRASH, 8), START.plusSeconds(1));
        }
        assertThat(dispatcher.stopped().orElseThrow()).contains("10 attempts in a row failed alike");
    }

    private static AttemptReport beside(String neighbours, AttemptReport report) {
        return new AttemptReport(
                report.cell(),
                report.attempt(),
                report.outcome(),
                report.work(),
                report.startedAt(),
                report.endedAt(),
                report.place(),
                Optional.of(new Frame.Ready(1, "cuda", "", "", 1, Map.of(AttemptReport.MOST_NEIGHBOURS, neighbours))),
                report.log());
    }

    @Test
    void crashesTimeOutsAndStorageShareOneBudgetAndOthersHaveNone() {
        for (FailureClass failure : FailureClass.values()) {
            SweepState state = state(List.of(1.0));
            Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
            int attempts = 0;
            Instant now = START;
            while (!dispatcher.done() && attempts < 10) {
                Optional<AttemptOrder> order = dispatcher.next(now);
                now = now.plusSeconds(60);
                if (order.isPresent()) {
                    attempts++;
                    dispatcher.ended(failed(order.get(), failure, 1), now);
                }
            }
            assertThat(attempts)
                    .as(failure.name())
                    .isEqualTo(
                            switch (failure) {
                                case LOST_EXECUTOR -> Losses.ALONE;
                                case NATIVE_CRASH, TIMEOUT, IO, BAD_NODE -> RunPolicy.DEFAULT.maxAttempts();
                                case HOST_MEMORY, GPU_MEMORY, UNSUPPORTED_DEVICE, BAD_INPUT, PROGRAM, BUG -> 1;
                            });
        }
    }

    /** A crash or a hang of one cell ends or holds up all that share its trainer. */
    @Test
    void aCellThatMayHaveHarmedItsNeighboursGetsNoneAnyMore() {
        for (FailureClass failure : FailureClass.values()) {
            SweepState state = state(List.of(1.0));
            Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
            AttemptOrder first = dispatcher.next(START).orElseThrow();
            assertThat(first.company()).isEqualTo(AttemptOrder.Company.ANY);
            dispatcher.ended(failed(first, failure, 8), START);
            dispatcher.next(START.plusSeconds(60)).ifPresent(again -> assertThat(again.company())
                    .as(failure.name())
                    .isEqualTo(
                            switch (failure) {
                                case NATIVE_CRASH, TIMEOUT, HOST_MEMORY -> AttemptOrder.Company.NONE;
                                default -> AttemptOrder.Company.ANY;
                            }));
        }
    }

    @Test
    void cellsThatShareAGpuAreGivenTheTimeThatTakingTurnsTakes() {
        SweepState state = state(List.of(100.0));
        RunPolicy policy = RunPolicy.DEFAULT.sharing(4);
        assertThat(new Dispatcher(state, RunPolicy.DEFAULT, ids(state))
                        .next(START)
                        .orElseThrow()
                        .timeoutSeconds())
                .isEqualTo(1000);
        assertThat(new Dispatcher(state(List.of(100.0)), policy, ids(state))
                        .next(START)
                        .orElseThrow()
                        .timeoutSeconds())
                .isEqualTo(4000);
    }

    @Test
    void aHostThatCannotStartTrainersIsAvoidedAtOnceByItsCellAndSoonByAll() {
        SweepState state = state(List.of(3.0, 2.0, 1.0));
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
        AttemptOrder first = dispatcher.next(START).orElseThrow();
        AttemptReport failed = failed(first, FailureClass.BAD_NODE, "bad-host");
        LedgerEvent.Ended ended = dispatcher.ended(failed, START);
        assertThat(dispatcher.judgeHost(ended.report(), START)).isEmpty();
        AttemptOrder second = dispatcher.next(START).orElseThrow();
        assertThat(second.avoidHosts()).isEmpty();
        // Longest first, so the one that has paused comes before the third, which has no reason to avoid it yet.
        AttemptOrder again = dispatcher.next(START.plusSeconds(1)).orElseThrow();
        assertThat(again.gridCell()).isEqualTo(first.gridCell());
        assertThat(again.avoidHosts()).containsExactly("bad-host");
        ended = dispatcher.ended(failed(second, FailureClass.BAD_NODE, "bad-host"), START);
        assertThat(dispatcher.judgeHost(ended.report(), START))
                .map(LedgerEvent.HostExcluded::host)
                .contains("bad-host");
        assertThat(dispatcher.excludedHosts()).containsExactly("bad-host");
        assertThat(state.excludedHosts()).containsOnlyKeys("bad-host");
        assertThat(dispatcher.next(START).orElseThrow().avoidHosts()).containsExactly("bad-host");
        state.apply(new LedgerEvent.DriverStarted(START, 2, Map.of(), "", 1, "", ""));
        assertThat(state.excludedHosts()).isEmpty();
    }

    @Test
    void aFailureOfStorageIsTriedAgainOnAnotherHostAndExcludesNone() {
        SweepState state = state(List.of(2.0, 1.0));
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
        AttemptOrder first = dispatcher.next(START).orElseThrow();
        for (int i = 0; i < 2; i++) {
            LedgerEvent.Ended ended = dispatcher.ended(failed(first, FailureClass.IO, "host-" + i), START);
            assertThat(dispatcher.judgeHost(ended.report(), START)).isEmpty();
            AttemptOrder again = dispatcher.next(START.plusSeconds(60)).orElseThrow();
            assertThat(again.gridCell()).isEqualTo(first.gridCell());
            assertThat(again.avoidHosts()).hasSize(i + 1).contains("host-" + i);
            first = again;
        }
        assertThat(dispatcher.excludedHosts()).isEmpty();
    }

    /** It is always free, and would fail one cell after the other while the well hosts train. */
    @Test
    void aHostWithoutTheDeviceFailsNoCellThatAnotherHostCanTrain() {
        SweepState state = state(Collections.nCopies(40, 1.0));
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
        dispatcher.hosts(Set.of("bare", "bare-too", "well"));
        while (!dispatcher.done()) {
            AttemptOrder order = dispatcher.next(START).orElseThrow();
            String host = Stream.of("bare", "bare-too", "well")
                    .filter(each -> !order.avoidHosts().contains(each))
                    .findFirst()
                    .orElseThrow();
            AttemptReport report =
                    host.equals("well") ? finished(order) : failed(order, FailureClass.UNSUPPORTED_DEVICE, host);
            dispatcher.judgeHost(dispatcher.ended(report, START).report(), START);
        }
        assertThat(dispatcher.stopped()).isEmpty();
        assertThat(state.count(CellState.FINISHED)).isEqualTo(40);
    }

    @Test
    void aDeviceThatNoHostHasFailsTheCellOnceEachHostWasAsked() {
        SweepState state = state(List.of(1.0));
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
        dispatcher.hosts(Set.of("a", "b"));
        AttemptOrder first = dispatcher.next(START).orElseThrow();
        assertThat(dispatcher
                        .ended(failed(first, FailureClass.UNSUPPORTED_DEVICE, "a"), START)
                        .report()
                        .state())
                .isEqualTo(CellState.INTERRUPTED);
        AttemptOrder second = dispatcher.next(START).orElseThrow();
        assertThat(second.avoidHosts()).containsExactly("a");
        assertThat(dispatcher
                        .ended(failed(second, FailureClass.UNSUPPORTED_DEVICE, "b"), START)
                        .report()
                        .state())
                .isEqualTo(CellState.FAILED);
        assertThat(dispatcher.done()).isTrue();
    }

    @Test
    void oneHostThatFailsAllItIsGivenDoesNotStopTheSweepWhileThereIsAnother() {
        for (int hosts = 1; hosts <= 2; hosts++) {
            SweepState state = state(Collections.nCopies(12, 1.0));
            Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
            dispatcher.hosts(hosts == 1 ? Set.of("sick") : Set.of("sick", "well"));
            for (int i = 0; i < 11 && dispatcher.stopped().isEmpty(); i++) {
                dispatcher.ended(failed(dispatcher.next(START).orElseThrow(), FailureClass.BUG, "sick"), START);
            }
            assertThat(dispatcher.stopped().isPresent()).isEqualTo(hosts == 1);
            if (hosts == 2) {
                dispatcher.ended(failed(dispatcher.next(START).orElseThrow(), FailureClass.BUG, "well"), START);
                assertThat(dispatcher.stopped().orElseThrow()).contains("12 attempts in a row failed alike");
            }
        }
    }

    @Test
    void largeCellsThatAllNeedASmallerMicroBatchStopNothingUntilTheyFailWithIt() {
        SweepState state = state(Collections.nCopies(12, 1.0));
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
        dispatcher.hosts(Set.of("host-a", "host-b"));
        for (int used = 8; used > 0; used /= 2) {
            assertThat(dispatcher.stopped()).isEmpty();
            List<AttemptOrder> all = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                all.add(dispatcher.next(START).orElseThrow());
            }
            for (AttemptOrder order : all) {
                String host = all.indexOf(order) % 2 == 0 ? "host-a" : "host-b";
                AttemptReport failed = Reports.failed(order, FailureClass.HOST_MEMORY, 0, used, host, START)
                        .with(Outcome.failed(FailureClass.HOST_MEMORY, "killed after step 0", ""));
                dispatcher.ended(failed, START);
            }
        }
        assertThat(state.count(CellState.FAILED)).isEqualTo(12);
        assertThat(dispatcher.stopped().orElseThrow()).contains("10 attempts in a row failed alike");
    }

    @Test
    void aHostThatIsExcludedDoesNotKeepTheOtherFromStoppingTheSweep() {
        SweepState state = state(Collections.nCopies(20, 1.0));
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
        dispatcher.hosts(Set.of("sick", "well"));
        for (int i = 0; i < 2; i++) {
            LedgerEvent.Ended ended = dispatcher.ended(
                    failed(dispatcher.next(START).orElseThrow(), FailureClass.BAD_NODE, "sick"), START);
            dispatcher.judgeHost(ended.report(), START);
        }
        for (int i = 0; i < 10; i++) {
            dispatcher.ended(failed(dispatcher.next(START).orElseThrow(), FailureClass.BUG, "well"), START);
        }
        assertThat(dispatcher.stopped()).isPresent();
    }

    @Test
    void whereOnlyASickHostIsThereCellsAreTriedOneAtATimeAndNoneIsToBlame() {
        SweepState state = state(Collections.nCopies(12, 1.0));
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
        dispatcher.hosts(Set.of("sick"));
        List<AttemptOrder> begun = new ArrayList<>();
        for (int i = 0; i < 11; i++) {
            begun.add(dispatcher.next(START).orElseThrow());
        }
        // Eleven alike in a row, from as many slots as the host has.
        begun.forEach(order -> failOnHost(dispatcher, order, "sick", START));
        assertThat(dispatcher.stopped()).isEmpty();
        assertThat(state.count(CellState.INTERRUPTED)).isEqualTo(11);
        Instant now = START;
        for (int pause : List.of(15, 30, 60, 120)) {
            assertThat(dispatcher.stopped()).isEmpty();
            assertThat(dispatcher.hostPauseEnd()).contains(now.plusSeconds(pause));
            assertThat(dispatcher.nextPauseEnd()).contains(now.plusSeconds(pause));
            assertThat(dispatcher.next(now.plusSeconds(pause).minusMillis(1))).isEmpty();
            now = now.plusSeconds(pause);
            AttemptOrder order = dispatcher.next(now).orElseThrow();
            assertThat(order.avoidHosts()).isEmpty();
            assertThat(dispatcher.next(now.plusSeconds(600))).isEmpty();
            failOnHost(dispatcher, order, "sick", now);
        }
        assertThat(dispatcher.stopped()).contains("no host is left that cells can run on, the last failure: attempt 5");
        assertThat(dispatcher.next(now.plusSeconds(600))).isEmpty();
        assertThat(state.count(CellState.FAILED)).isZero();
    }

    @Test
    void aHostThatComesEndsThePauseAtOnceAndSoDoesOneThatWorksAgain() {
        SweepState state = state(Collections.nCopies(6, 1.0));
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
        dispatcher.hosts(Set.of("sick"));
        AttemptOrder first = dispatcher.next(START).orElseThrow();
        AttemptOrder second = dispatcher.next(START).orElseThrow();
        failOnHost(dispatcher, first, "sick", START);
        failOnHost(dispatcher, second, "sick", START);
        assertThat(dispatcher.next(START)).isEmpty();
        dispatcher.hosts(Set.of("sick", "well"));
        AttemptOrder third = dispatcher.next(START).orElseThrow();
        assertThat(third.avoidHosts()).containsExactly("sick");
        // The other one is gone again, and so the sick one has to do.
        dispatcher.hosts(Set.of("sick"));
        dispatcher.ended(finished(third), START);
        failOnHost(dispatcher, dispatcher.next(START).orElseThrow(), "sick", START);
        assertThat(dispatcher.next(START)).isEmpty();
        Instant later = START.plusSeconds(15);
        AttemptOrder trial = dispatcher.next(later).orElseThrow();
        dispatcher.stored(trial.gridCell().cell().id(), 0);
        assertThat(dispatcher.next(later)).isEmpty();
        dispatcher.stored(trial.gridCell().cell().id(), 4);
        assertThat(dispatcher.next(later)).isPresent();
        assertThat(dispatcher.hostPauseEnd()).isEmpty();
    }

    @Test
    void aFailureOfTheHostCountsOnlyWhereTheCellCouldHaveRunElsewhere() {
        for (int hosts = 1; hosts <= 4; hosts++) {
            SweepState state = state(List.of(1.0));
            Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
            List<String> names = List.of("a", "b", "c", "d").subList(0, hosts);
            dispatcher.hosts(Set.copyOf(names));
            Instant now = START;
            for (int i = 0; i < names.size() && !dispatcher.done(); i++) {
                failOnHost(dispatcher, dispatcher.next(now).orElseThrow(), names.get(i), now);
                now = now.plusSeconds(60);
            }
            assertThat(state.count(CellState.FAILED)).isEqualTo(hosts > 3 ? 1 : 0);
        }
    }

    @Test
    void onAMachineThatStandsAloneNobodyIsWaitedForLong() {
        SweepState state = state(List.of(1.0));
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state), 0, false);
        dispatcher.hosts(Set.of("laptop"));
        Instant now = START;
        int attempts = 0;
        while (!dispatcher.done()) {
            AttemptOrder order = dispatcher.next(now).orElseThrow();
            failOnHost(dispatcher, order, "laptop", now);
            attempts++;
            now = dispatcher.nextPauseEnd().filter(any -> !dispatcher.done()).orElse(now);
        }
        assertThat(attempts).isEqualTo(4);
        assertThat(now).isEqualTo(START.plusSeconds(1 + 5 + 10));
        assertThat(dispatcher.stopped()).isPresent();
    }

    private static void failOnHost(Dispatcher dispatcher, AttemptOrder order, String host, Instant now) {
        LedgerEvent.Ended ended = dispatcher.ended(failed(order, FailureClass.BAD_NODE, host), now);
        dispatcher.judgeHost(ended.report(), now);
    }

    @Test
    void aCellThatAloneKeepsLosingItsExecutorsIsGivenUpAndSaysSo() {
        SweepState state = state(List.of(3.0, 2.0, 1.0));
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
        AttemptOrder poison = dispatcher.next(START).orElseThrow();
        AttemptOrder other = dispatcher.next(START).orElseThrow();
        Instant now = START;
        LedgerEvent.Ended end = dispatcher.ended(lost(poison), now);
        dispatcher.ended(finished(other), now);
        for (int losses = 2; losses <= Losses.ALONE; losses++) {
            assertThat(end.report().state()).isEqualTo(CellState.INTERRUPTED);
            now = now.plusSeconds(60);
            end = dispatcher.ended(lost(dispatcher.next(now).orElseThrow()), now);
        }
        assertThat(end.report().state()).isEqualTo(CellState.FAILED);
        assertThat(end.report().message())
                .isEqualTo("its executor was lost 5 times in a row and the cell got no further, while others did; the"
                        + " last time: the executor of this attempt was lost");
        assertThat(dispatcher.next(now).orElseThrow().gridCell()).isNotEqualTo(poison.gridCell());
    }

    @Test
    void lossesThatAllCellsSufferAreTheClustersAndEndNoCellForLong() {
        SweepState state = state(List.of(2.0, 1.0));
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
        Instant now = START;
        for (int losses = 1; losses < Losses.MOST; losses++) {
            for (int cell = 0; cell < 2; cell++) {
                LedgerEvent.Ended ended =
                        dispatcher.ended(lost(dispatcher.next(now).orElseThrow()), now);
                assertThat(ended.report().state()).isEqualTo(CellState.INTERRUPTED);
            }
            now = now.plusSeconds(60);
        }
        dispatcher.ended(lost(dispatcher.next(now).orElseThrow()), now);
        dispatcher.ended(lost(dispatcher.next(now).orElseThrow()), now);
        assertThat(state.count(CellState.FAILED)).isEqualTo(2);
        assertThat(dispatcher.done()).isTrue();
    }

    @Test
    void whatALostAttemptHadStoredIsKnownFromItsUpdates() {
        SweepState state = state(List.of(1.0));
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
        Instant now = START;
        for (int attempt = 1; attempt <= 2; attempt++) {
            AttemptOrder order = dispatcher.next(now).orElseThrow();
            dispatcher.stored(order.gridCell().cell().id(), 4 * attempt);
            AttemptReport report = dispatcher.ended(lost(order), now).report();
            assertThat(report.step()).isEqualTo(4 * attempt);
            assertThat(report.resumedFromStep()).isEqualTo(4 * (attempt - 1));
            now = now.plusSeconds(60);
        }
    }

    private static AttemptReport lost(AttemptOrder order) {
        return AttemptReport.untrained(
                order.gridCell().cell().id(),
                order.attempt(),
                Endings.executorLost(),
                AttemptReport.Place.UNKNOWN,
                START,
                START);
    }

    @Test
    void cellsThatHaveEndedAreLeftAlone() {
        SweepState state = state(List.of(1.0, 2.0));
        Dispatcher first = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
        first.ended(finished(first.next(START).orElseThrow()), START);
        Dispatcher second = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
        assertThat(second.next(START)).isPresent();
        assertThat(second.next(START)).isEmpty();
    }

    @Test
    void aThousandCellsOnFiftySlotsWithFailuresEndNearTheLowerBound() {
        Random random = new Random(Long.getLong("test.seed", 1));
        List<Double> predicted = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            predicted.add(Math.exp(random.nextGaussian()) * 60);
        }
        SweepState state = state(predicted);
        int slots = 50;
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
        record Running(AttemptOrder order, Instant end, boolean lost) {}
        PriorityQueue<Running> running = new PriorityQueue<>(Comparator.comparing(Running::end));
        Instant now = START;
        double work = 0;
        while (!dispatcher.done()) {
            while (running.size() < slots) {
                Optional<AttemptOrder> next = dispatcher.next(now);
                if (next.isEmpty()) {
                    break;
                }
                boolean lost = random.nextInt(50) == 0;
                double seconds = state.cell(next.get().gridCell().cell().id())
                                .orElseThrow()
                                .planned()
                                .predictedSeconds()
                        * (lost ? random.nextDouble() : 1);
                work += seconds;
                running.add(new Running(next.get(), now.plusMillis(Math.round(seconds * 1000)), lost));
            }
            Running first = running.poll();
            now = first == null ? dispatcher.nextPauseEnd().orElseThrow() : first.end();
            if (first != null) {
                dispatcher.ended(
                        first.lost() ? failed(first.order(), FailureClass.LOST_EXECUTOR, 8) : finished(first.order()),
                        now);
            }
        }
        double longest =
                predicted.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
        double makespan = Duration.between(START, now).toMillis() / 1000.0;
        assertThat(state.count(CellState.FINISHED)).isEqualTo(1000);
        assertThat(makespan).isLessThan(1.05 * Math.max(work / slots, longest));
    }

    @Test
    void finishedCellsRefineWhatIsExpectedOfTheirKind() {
        SweepState state = new SweepState();
        Cell slow = Sweeps.cell(1, 10, StandInTrainer.Trouble.NONE);
        Cell alike = Sweeps.cell(1, 11, StandInTrainer.Trouble.NONE);
        Cell other = Sweeps.cell(2, 10, StandInTrainer.Trouble.NONE);
        Cell otherAlike = Sweeps.cell(2, 11, StandInTrainer.Trouble.NONE);
        state.apply(new LedgerEvent.Planned(START, "slow", slow, 9, 1));
        state.apply(new LedgerEvent.Planned(START, "alike", alike, 5, 1));
        state.apply(new LedgerEvent.Planned(START, "other", other, 8, 1));
        state.apply(new LedgerEvent.Planned(START, "other-alike", otherAlike, 6, 1));
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
        AttemptOrder first = dispatcher.next(START).orElseThrow();
        AttemptOrder second = dispatcher.next(START).orElseThrow();
        assertThat(List.of(first.gridCell().name(), second.gridCell().name())).containsExactly("slow", "other");
        dispatcher.ended(finished(second, 8), START);
        dispatcher.ended(finished(first, 18), START);
        // Twice as long as planned: ten seconds, before the six of the kind that keeps its word.
        assertThat(dispatcher.waitingSeconds()).isCloseTo(16, within(1e-9));
        assertThat(dispatcher.next(START).orElseThrow().gridCell().name()).isEqualTo("alike");
    }

    @Test
    void branchesWaitUntilTheirTrunkHasComeToThem() {
        SweepState state = new SweepState();
        Cell small = Sweeps.branch(20, StandInTrainer.Trouble.NONE);
        Cell middle = Sweeps.branch(30, StandInTrainer.Trouble.NONE);
        Cell large = Sweeps.branch(40, StandInTrainer.Trouble.NONE);
        for (Cell cell : List.of(small, middle, large)) {
            state.apply(new LedgerEvent.Planned(
                    START, "d" + cell.tokens(), cell, cell.data().steps(), 1));
        }
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state));
        AttemptOrder trunk = dispatcher.next(START).orElseThrow();
        assertThat(trunk.gridCell().cell()).isEqualTo(large);
        assertThat(trunk.branchSteps()).containsExactly(16L, 24L, 32L);
        assertThat(trunk.parents()).isEmpty();
        assertThat(dispatcher.next(START)).isEmpty();
        assertThat(dispatcher.done()).isFalse();
        assertThat(dispatcher.waitingSeconds()).isEqualTo(50);

        dispatcher.stored(large.id(), 15);
        assertThat(dispatcher.next(START)).isEmpty();
        dispatcher.stored(large.id(), 16);
        AttemptOrder branch = dispatcher.next(START).orElseThrow();
        assertThat(branch.gridCell().cell()).isEqualTo(small);
        assertThat(branch.parents()).containsExactly(large.id());
        assertThat(branch.branchSteps()).isEmpty();

        // A pause of the trunk does not let the others go; its failure does.
        dispatcher.ended(failed(trunk, FailureClass.LOST_EXECUTOR, 8), START);
        assertThat(dispatcher.next(START)).isEmpty();
        AttemptOrder again = dispatcher.next(START.plusSeconds(60)).orElseThrow();
        assertThat(again.branchSteps()).isEqualTo(trunk.branchSteps());
        dispatcher.ended(failed(again, FailureClass.BUG, 8), START);
        assertThat(dispatcher.next(START).orElseThrow().gridCell().cell()).isEqualTo(middle);
    }

    @Test
    void cellsAreNotPlacedBesideEachOtherBeyondTheMemoryAndLargeOnesAreNotStarved() {
        SweepState state = new SweepState();
        Cell large = Sweeps.cell(2, 10, StandInTrainer.Trouble.NONE);
        state.apply(new LedgerEvent.Planned(START, "large", large, 100, 80));
        for (int i = 0; i < 40; i++) {
            Cell cell = Sweeps.cell(1, 10 + i, StandInTrainer.Trouble.NONE);
            state.apply(new LedgerEvent.Planned(START, "cell-" + i, cell, 10, 30));
        }
        Dispatcher dispatcher = new Dispatcher(state, RunPolicy.DEFAULT, ids(state), 100, true);
        AttemptOrder first = dispatcher.next(START).orElseThrow();
        assertThat(first.gridCell().cell()).isEqualTo(large);
        assertThat(dispatcher.next(START)).isEmpty();
        // While it pauses, small ones begin; when it comes back, there is no room.
        dispatcher.ended(failed(first, FailureClass.LOST_EXECUTOR, 8), START);
        List<AttemptOrder> running = new ArrayList<>();
        int begun = 0;
        int begunBeforeLarge = 0;
        Instant now = START;
        while (!dispatcher.done()) {
            for (Optional<AttemptOrder> next = dispatcher.next(now); next.isPresent(); next = dispatcher.next(now)) {
                if (next.get().gridCell().cell().equals(large)) {
                    begunBeforeLarge = begun;
                }
                begun++;
                running.add(next.get());
                assertThat(running.stream()
                                .mapToLong(order -> state.cell(
                                                order.gridCell().cell().id())
                                        .orElseThrow()
                                        .planned()
                                        .memoryBytes())
                                .sum())
                        .isLessThanOrEqualTo(100);
            }
            now = now.plusSeconds(2);
            dispatcher.ended(finished(running.remove(0)), now);
        }
        assertThat(begun).isEqualTo(41);
        assertThat(begunBeforeLarge).isBetween(3, 15);
    }

    private static SweepState state(List<Double> predictedSeconds) {
        SweepState state = new SweepState();
        for (int i = 0; i < predictedSeconds.size(); i++) {
            Cell base = Sweeps.cell(1, 10, StandInTrainer.Trouble.NONE);
            Cell cell = new Cell(
                    base.model(), new DataRule("c0ffee", 10 + i, 8, 10_000), base.training(), base.evaluation(), 0);
            state.apply(new LedgerEvent.Planned(START, "cell-" + i, cell, predictedSeconds.get(i), 1));
        }
        return state;
    }

    private static List<String> ids(SweepState state) {
        return state.cells().stream().map(cell -> cell.cell().id()).toList();
    }

    private static AttemptReport finished(AttemptOrder order) {
        return finished(order, 1);
    }

    private static AttemptReport finished(AttemptOrder order, double seconds) {
        return Reports.finished(order.gridCell().cell().id(), order.attempt(), 10, seconds, START);
    }

    private static AttemptReport failed(AttemptOrder order, FailureClass failure, int microBatch) {
        return Reports.failed(order, failure, 0, microBatch, "", START);
    }

    private static AttemptReport failed(AttemptOrder order, FailureClass failure, String host) {
        return Reports.failed(order, failure, 0, 8, host, START);
    }
}
