package dev.powersweep.orchestrator.program;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * The table of values in docs/any-trainer.md is made from {@link AssignmentValue}. After a change run
 * {@code DOCS_WRITE=true ./mvnw test -pl orchestrator -am -Dtest=AnyTrainerPageTest
 * -Dsurefire.failIfNoSpecifiedTests=false} and commit what it writes.
 */
class AnyTrainerPageTest {
    private static final Path PAGE = Path.of("../docs/any-trainer.md");
    private static final String BEGIN = "<!-- values: generated, see AnyTrainerPageTest -->\n";
    private static final String END = "<!-- end of values -->";

    @Test
    void thePageNamesEveryValue() throws IOException {
        String page = Files.readString(PAGE);
        assertThat(page).contains(BEGIN, END);
        String expected =
                page.substring(0, page.indexOf(BEGIN) + BEGIN.length()) + table() + page.substring(page.indexOf(END));
        if (Boolean.parseBoolean(System.getenv("DOCS_WRITE"))) {
            Files.writeString(PAGE, expected);
        }
        assertThat(Files.readString(PAGE))
                .as("%s is stale; run this test with DOCS_WRITE=true in the environment", PAGE)
                .isEqualTo(expected);
    }

    private static String table() {
        StringBuilder table =
                new StringBuilder("| variable | in the command | value | there with |\n|---|---|---|---|\n");
        for (AssignmentValue value : AssignmentValue.values()) {
            String there =
                    switch (value.needs()) {
                        case NOTHING -> "";
                        case SIZE -> "N in the grid";
                        case SHAPE -> "`grid.modelSizes`";
                        case VOCABULARY -> "a corpus, or `trainer.vocabulary`";
                        case CORPUS -> "a corpus";
                    };
            table.append(String.join(
                    " | ",
                    "| `" + value.variable() + "`",
                    "`${" + value.word() + "}`",
                    value.meaning(),
                    there + " |\n"));
        }
        return table.toString();
    }
}
