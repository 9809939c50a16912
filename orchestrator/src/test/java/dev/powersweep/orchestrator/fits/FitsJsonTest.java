package dev.powersweep.orchestrator.fits;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.powersweep.fitting.optimise.Objective;
import dev.powersweep.fitting.result.Convergence;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Identifiability;
import dev.powersweep.fitting.result.ObjectiveValue;
import dev.powersweep.fitting.result.Quality;
import dev.powersweep.fitting.result.Replicas;
import dev.powersweep.fitting.runs.FitRefusal;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FitsJsonTest {
    private static FitSet fits() {
        FitResult fit = FitResult.of("chinchilla", "L(N,D) = E + A/N^alpha + B/D^beta")
                .data(240, 240)
                .objective(new ObjectiveValue(Objective.HUBER_LOG, 1e-3, 0.25, 0.001))
                .parameter("E", new Estimate(1.8, 1.7, 1.9, "nats/token"))
                .parameter("alpha", Estimate.of(0.35, "1"))
                .derived("a", new Estimate(0.5, 0.45, 0.55, "1"))
                .convergence(new Convergence(64, 0.75, 1e-12, 12.5, 9, Convergence.Proof.CERTIFIED, "a search"))
                .identifiability(new Identifiability(
                        "Two minima are nearly equal.",
                        List.of(new Identifiability.Rival(Map.of("E", 1.2), 0.26, 0.04))))
                .quality(new Quality(-100, 6, 0.01, 0.99))
                .replicas(new Replicas(List.of("E", "alpha"), new double[][] {{1.7, 0.34}, {1.9, Double.NaN}}))
                .warn("A \"warning\".")
                .build();
        return new FitSet(
                "runs.csv",
                240,
                240,
                List.of("Columns: n ← N."),
                FitOptions.defaults().threads(1).bootstrap(2),
                List.of(
                        new FitSet.Fitted("Hoffmann et al. 2022", "every row", fit),
                        new FitSet.Refused(
                                "muennighoff",
                                "Muennighoff et al. 2023",
                                "every row",
                                FitRefusal.Reason.MISSING_COLUMN,
                                "It needs unique tokens.")),
                List.of(new Reading("Make it larger.", "chinchilla")));
    }

    @Test
    void theShapeIsTheOneThatScriptsReadToday() throws Exception {
        ObjectMapper mapper = new ObjectMapper();
        try (InputStream golden = FitsJsonTest.class.getResourceAsStream("fits-golden.json")) {
            assertThat(mapper.readTree(FitsJson.write(fits(), FitsJson.Detail.SUMMARY)))
                    .isEqualTo(mapper.readTree(new String(golden.readAllBytes(), StandardCharsets.UTF_8)));
        }
    }

    @Test
    void refitsAreKeptInTheFileAlone() throws Exception {
        JsonNode full = new ObjectMapper().readTree(FitsJson.write(fits(), FitsJson.Detail.FULL));
        JsonNode values = full.path("fits").path(0).path("replicas").path("values");
        assertThat(values.size()).isEqualTo(2);
        assertThat(values.path(1).path(1).isNull()).isTrue();
        assertThat(FitsJson.write(fits(), FitsJson.Detail.SUMMARY)).doesNotContain("replicas");
    }

    @Test
    void theTextNamesParametersRefusalsAndTheReading() {
        assertThat(FitsText.write(fits()))
                .contains("240 runs from runs.csv", "E           1.8      1.7 … 1.9  nats/token", "75 % of 64 starts")
                .contains("muennighoff: It needs unique tokens.", "• Make it larger.", "A \"warning\".");
    }
}
