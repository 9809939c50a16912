package dev.powersweep.orchestrator.tables;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.driver.StoredSweep;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.DelegateToFileSystem;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Questions to a directory that this machine cannot read as files. */
class CopiedTablesTest {
    /** A local folder under a scheme of its own. */
    public static final class Elsewhere extends RawLocalFileSystem {
        @Override
        public URI getUri() {
            return URI.create("elsewhere:///");
        }
    }

    /** The same for Hadoop's newer interface. */
    public static final class ElsewhereContext extends DelegateToFileSystem {
        public ElsewhereContext(URI uri, Configuration configuration) throws IOException, URISyntaxException {
            super(uri, new Elsewhere(), configuration, "elsewhere", false);
        }
    }

    @TempDir
    Path folder;

    private Path steps;
    private EmbeddedSql engine;

    @BeforeEach
    void open() throws Exception {
        StoredSweep.write(folder);
        try (Stream<Path> files = Files.list(folder.resolve("tables/steps"))) {
            steps = files.findFirst().orElseThrow();
        }
        Configuration configuration = new Configuration();
        configuration.set("fs.elsewhere.impl", Elsewhere.class.getName());
        configuration.set("fs.AbstractFileSystem.elsewhere.impl", ElsewhereContext.class.getName());
        SweepDirectory directory = SweepDirectory.at("elsewhere:" + folder, configuration);
        engine = EmbeddedSql.open(
                directory, LedgerCells.of(directory, configuration), configuration, SqlEngine.Guard.ON);
    }

    @AfterEach
    void close() {
        engine.close();
    }

    private List<List<Optional<Object>>> count(String table) {
        return engine.ask("select count(*) from " + table).rows();
    }

    private static List<List<Optional<Object>>> rows(long count) {
        return List.of(List.of(Optional.of(count)));
    }

    @Test
    void aTableIsCopiedOnceAQueryNamesIt() throws Exception {
        assertThat(count("steps")).isEqualTo(rows(2));
        Files.delete(steps);

        assertThat(count("steps")).isEqualTo(rows(2));
        assertThat(count("evals")).isEqualTo(rows(1));
    }

    @Test
    void noOtherTableIsCopied() throws Exception {
        Files.delete(steps);

        assertThat(count("cells")).isEqualTo(rows(3));
        assertThat(count("steps")).isEqualTo(rows(0));
    }

    @Test
    void aFileThatADriverHasMergedIntoAnotherSinceIsReadThere() throws Exception {
        Files.move(steps, steps.resolveSibling("merged.parquet"));

        assertThat(count("steps")).isEqualTo(rows(2));
    }

    @Test
    void noOtherFileIsRead() {
        assertThatThrownBy(() -> count("read_parquet('" + steps + "')"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("--unsafe lifts that");
    }
}
