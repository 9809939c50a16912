package dev.powersweep.orchestrator.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TimeZone;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A corpus is the same wherever it is prepared. */
class CorpusPlaceTest {
    @TempDir
    private Path folder;

    private record Place(String master, int parallelism, Locale locale, String zone) {}

    @Test
    void theBundledCorpusDependsNeitherOnCoresNorOnLocaleNorOnTimeZone() throws Exception {
        List<Place> places = List.of(
                new Place("local[1]", 1, Locale.ROOT, "UTC"),
                new Place("local[3]", 3, Locale.forLanguageTag("tr-TR"), "Asia/Kathmandu"),
                new Place("local[2]", 16, Locale.forLanguageTag("hi-IN-u-nu-deva"), "America/St_Johns"));
        List<PreparedCorpus> corpora = new ArrayList<>();
        List<byte[]> tokens = new ArrayList<>();
        Locale locale = Locale.getDefault();
        TimeZone zone = TimeZone.getDefault();
        try {
            for (Place place : places) {
                Locale.setDefault(place.locale());
                TimeZone.setDefault(TimeZone.getTimeZone(place.zone()));
                PreparedCorpus corpus = prepare(place, folder.resolve("corpus-" + corpora.size()));
                corpora.add(corpus);
                tokens.add(Files.readAllBytes(Path.of(corpus.directory().toUri())
                        .resolve(corpus.manifest().train().file())));
            }
        } finally {
            Locale.setDefault(locale);
            TimeZone.setDefault(zone);
        }
        assertThat(corpora)
                .extracting(PreparedCorpus::manifest)
                .containsOnly(corpora.get(0).manifest());
        assertThat(tokens).allSatisfy(each -> assertThat(each).isEqualTo(tokens.get(0)));
        // Golden: stored corpora and cells are found again by this value.
        assertThat(corpora.get(0).manifest().corpusHash()).isEqualTo("c1ee4d10a1e3ffa5");
    }

    private static PreparedCorpus prepare(Place place, Path output) {
        SparkSession session = SparkSession.builder()
                .master(place.master())
                .appName("corpus")
                .config("spark.ui.enabled", false)
                .config("spark.driver.host", "127.0.0.1")
                .config("spark.driver.bindAddress", "127.0.0.1")
                .config("spark.default.parallelism", place.parallelism())
                .getOrCreate();
        try {
            SweepSpec spec = SweepSpecReader.read("{grid: {modelSizes: 25k, dataSizes: 1k}}", "sweep.yaml", List.of());
            return CorpusPreparer.prepare(
                    session, spec, new SweepDirectory(new org.apache.hadoop.fs.Path(output.toUri())));
        } finally {
            session.stop();
        }
    }
}
