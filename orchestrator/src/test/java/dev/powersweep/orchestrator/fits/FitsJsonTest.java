package dev.powersweep.orchestrator.fits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
import dev.powersweep.fitting.uncertainty.Refits;
import dev.powersweep.orchestrator.budget.FitsFile;
import dev.powersweep.orchestrator.budget.StoredFit;
import dev.powersweep.orchestrator.runtable.ColumnChoice;
import dev.powersweep.orchestrator.runtable.RunsFile;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
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

    /** {@code fits-stored.json} is what {@code fit --runs fits-stored-runs.csv --profiles} wrote before records were bound. */
    @Test
    void aFileOfAnEarlierVersionIsReadAndWrittenBackUnchanged() throws Exception {
        String stored = resource("fits-stored.json");
        assertThat(new ObjectMapper().readTree(FitsJson.write(FitsJson.read(stored))))
                .isEqualTo(new ObjectMapper().readTree(stored));
        assertThat(Asked.of(stored)).hasValueSatisfying(asked -> {
            assertThat(asked.laws()).containsExactly("chinchilla", "kaplan-n", "muennighoff");
            assertThat(asked.options().bootstrap()).isEqualTo(12);
            assertThat(asked.options().extras()).isEqualTo(FitOptions.Extras.PROFILES);
        });
        assertThat(FitsFile.read("fits.json", stored))
                .extracting(StoredFit::law)
                .containsExactly("chinchilla", "kaplan-n");
        assertThat(FitsFile.read("fits.json", stored).get(0).made()).hasSize(12);
    }

    /** As over a grid whose losses hardly depend on N: alpha runs to the end of its range, and Nc out of the numbers. */
    @Test
    void aLawWithoutANumberIsLeftOutAndTheOthersStillPredict() throws Exception {
        ObjectNode stored = (ObjectNode) new ObjectMapper().readTree(resource("fits-stored.json"));
        for (JsonNode fit : stored.path("fits")) {
            if (fit.path("law").asText().equals("kaplan-n")) {
                ((ObjectNode) fit.at("/parameters/Nc")).putNull("value");
            }
        }
        assertThat(FitsFile.read("fits.json", stored.toString()))
                .extracting(StoredFit::law)
                .containsExactly("chinchilla");
    }

    @Test
    void everyKeyOfAnEarlierVersionIsWrittenToday() throws Exception {
        FitSet today = TableFitter.fit(
                RunsFile.read(
                        Path.of(FitsJsonTest.class
                                .getResource("fits-stored-runs.csv")
                                .toURI()),
                        ColumnChoice.parse(List.of()),
                        Map.of()),
                List.of("chinchilla", "kaplan-n", "muennighoff"),
                false,
                FitOptions.defaults().bootstrap(12).profiles(),
                Refits.Runner.HERE);
        ObjectMapper mapper = new ObjectMapper();
        assertThat(keys(mapper.readTree(FitsJson.write(today, FitsJson.Detail.FULL)), ""))
                .containsAll(keys(mapper.readTree(resource("fits-stored.json")), ""));
    }

    @Test
    void aFileOfAnotherShapeIsRefusedWithItsPlace() {
        for (String foreign : List.of(
                "[]",
                "{\"fits\": {\"law\": 1}}",
                "{\"fits\": [{\"law\": \"chinchilla\", \"parameters\": {\"E\": \"x\"}}]}",
                "{\"fits\": [{\"law\": \"chinchilla\"}]}",
                "{}",
                "not JSON")) {
            assertThatThrownBy(() -> FitsFile.read("DIR/fits.json", foreign))
                    .as(foreign)
                    .isInstanceOf(UserError.class)
                    .hasMessageStartingWith("DIR/fits.json: ");
            assertThat(Asked.of(foreign)).as(foreign).isEmpty();
        }
    }

    private static String resource(String name) throws Exception {
        try (InputStream stored = FitsJsonTest.class.getResourceAsStream(name)) {
            return new String(stored.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** Paths of every key; elements of one list share theirs. */
    private static Set<String> keys(JsonNode node, String path) {
        Set<String> keys = new TreeSet<>();
        if (node.isArray()) {
            node.forEach(element -> keys.addAll(keys(element, path + "[]")));
        } else {
            node.properties().forEach(entry -> {
                String key = path + "." + entry.getKey();
                keys.add(key);
                keys.addAll(keys(entry.getValue(), key));
            });
        }
        return keys;
    }

    @Test
    void theTextNamesParametersRefusalsAndTheReading() {
        assertThat(FitsText.write(fits()))
                .contains("240 runs from runs.csv", "E           1.8      1.7 … 1.9  nats/token", "75 % of 64 starts")
                .contains("muennighoff: It needs unique tokens.", "• Make it larger.", "A \"warning\".");
    }
}
