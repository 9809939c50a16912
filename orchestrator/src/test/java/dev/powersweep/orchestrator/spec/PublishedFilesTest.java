package dev.powersweep.orchestrator.spec;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * The schema and the reference page are made from the table of keys. After a change of the table run
 * {@code SPEC_WRITE=true ./mvnw test -pl orchestrator -am -Dtest=PublishedFilesTest
 * -Dsurefire.failIfNoSpecifiedTests=false} and commit what it writes.
 */
class PublishedFilesTest {
    private static final Path SCHEMA = Path.of("src/main/resources/dev/powersweep/orchestrator/spec/sweep.schema.json");
    private static final Path PAGE = Path.of("../docs/spec.md");
    private static final String BEGIN = "<!-- keys: generated, see PublishedFilesTest -->\n";
    private static final String END = "<!-- end of keys -->\n";

    @Test
    void theSchemaIsTheTableOfKeys() throws IOException {
        assertUpToDate(SCHEMA, SpecSchema.json());
    }

    @Test
    void theReferencePageIsTheTableOfKeys() throws IOException {
        String page = Files.readString(PAGE);
        int begin = page.indexOf(BEGIN) + BEGIN.length();
        int end = page.indexOf(END);
        assertThat(page).contains(BEGIN, END);
        assertUpToDate(PAGE, page.substring(0, begin) + SpecReference.markdown() + "\n" + page.substring(end));
    }

    private static void assertUpToDate(Path file, String expected) throws IOException {
        if (Boolean.parseBoolean(System.getenv("SPEC_WRITE"))) {
            Files.createDirectories(file.getParent());
            Files.writeString(file, expected);
        }
        assertThat(Files.readString(file))
                .as("%s is stale; run this test with SPEC_WRITE=true in the environment", file)
                .isEqualTo(expected);
    }
}
