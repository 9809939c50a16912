package dev.powersweep.orchestrator.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the build's import rule cannot see: clocks, chance and threads that need no import. */
class PurityTest {
    private static final Path SOURCES = Path.of("src/main/java/dev/powersweep/orchestrator/dispatch");
    private static final Pattern IMPURE = Pattern.compile("\\.now\\(|System\\.|\\bThread\\b|synchronized|volatile"
            + "|new Random\\(\\)|Math\\.random|java\\.(io|net|nio)\\.|org\\.apache|Logger");

    @Test
    void nothingIsTakenFromOutside() throws IOException {
        List<Path> files;
        try (Stream<Path> walk = Files.walk(SOURCES)) {
            files = walk.filter(file -> file.toString().endsWith(".java")).toList();
        }
        assertThat(files).hasSizeGreaterThan(20);
        for (Path file : files) {
            assertThat(Files.readAllLines(file))
                    .as(file.toString())
                    .filteredOn(line ->
                            !line.strip().startsWith("*") && !line.strip().startsWith("/*"))
                    .noneMatch(line -> IMPURE.matcher(line).find());
        }
    }
}
