package dev.powersweep.orchestrator.tables;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class TablesPageTest {
    private static final Path PAGE = Path.of("..", "docs", "tables.md");

    @Test
    void thePageDocumentsTheTablesAsTheyAre() throws Exception {
        if (Boolean.getBoolean("docs.write")) {
            Files.writeString(PAGE, TablesPage.text());
        }
        assertThat(PAGE)
                .as("write it anew: ./mvnw test -pl orchestrator -am -Dtest=TablesPageTest -Ddocs.write=true")
                .content()
                .isEqualTo(TablesPage.text());
    }

    @Test
    void everyNumberHasAUnitAndEveryColumnAMeaning() {
        for (Table<?> table : Table.ALL) {
            for (Table.ColumnInfo column : table.columns()) {
                String name = table.name() + "." + column.name();
                assertThat(column.meaning()).as(name).isNotBlank();
                if (column.type().equals("int")
                        || column.type().equals("long")
                        || column.type().equals("double")) {
                    assertThat(column.unit()).as(name).isNotBlank();
                }
            }
        }
    }
}
