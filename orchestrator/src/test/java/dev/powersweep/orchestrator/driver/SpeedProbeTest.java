package dev.powersweep.orchestrator.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.orchestrator.plan.StepKind;
import dev.powersweep.orchestrator.plan.StepRate;
import dev.powersweep.worker.cell.ModelShape;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SpeedProbeTest {
    private static StepRate rate(int layers, double seconds) {
        return new StepRate(
                new StepKind(ModelShape.gpt(layers, 32, 2, 64, 256), 8, Optional.empty()), seconds, seconds / 100);
    }

    @Test
    void whatIsNotMeasuredAgainFollowsTheMachinesPace() {
        List<StepRate> adjusted = SpeedProbe.adjusted(
                List.of(rate(1, 1), rate(2, 2), rate(3, 3)), List.of(rate(1, 2), rate(2, 4), rate(4, 9)));
        assertThat(adjusted).hasSize(1);
        assertThat(adjusted.get(0).kind()).isEqualTo(rate(3, 0).kind());
        assertThat(adjusted.get(0).stepSeconds()).isCloseTo(6, within(1e-9));
        assertThat(adjusted.get(0).evaluationTokenSeconds()).isCloseTo(0.06, within(1e-9));
        assertThat(SpeedProbe.adjusted(List.of(rate(1, 1)), List.of())).containsExactly(rate(1, 1));
    }

    @Test
    void oneSlotThatWasFrozenForAMomentDoesNotDecide() {
        List<StepRate> rates =
                SpeedProbe.ofEachKindOne(List.of(rate(1, 2), rate(2, 5), rate(1, 1), rate(1, 90), rate(2, 7)));
        assertThat(rates)
                .extracting(StepRate::kind)
                .containsExactly(rate(1, 0).kind(), rate(2, 0).kind());
        assertThat(rates).extracting(StepRate::stepSeconds).containsExactly(2.0, 6.0);
    }
}
