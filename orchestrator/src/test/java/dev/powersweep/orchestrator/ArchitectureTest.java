package dev.powersweep.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * The packages and their arrows, from the code of all modules. The tables of {@code docs/architecture.md} are made from
 * it: after a change run {@code ARCHITECTURE_WRITE=true ./mvnw test -pl orchestrator -am -Dtest=ArchitectureTest
 * -Dsurefire.failIfNoSpecifiedTests=false} and commit what it writes. What a package knows is the first sentence of its
 * package-info.
 */
class ArchitectureTest {
    private static final Path PAGE = Path.of("../docs/architecture.md");
    private static final String BEGIN = "<!-- packages: generated, see ArchitectureTest -->\n";
    private static final String END = "<!-- end of packages -->\n";

    /** Arrows between modules; {@code orchestrator} sees no other package of the worker. */
    private static final Map<String, Set<String>> MODULES = Map.of(
            "fitting", Set.of(),
            "worker", Set.of(),
            "orchestrator", Set.of("fitting", "worker"));

    private static final Set<String> WORKER_SEEN = Set.of("dev.powersweep.worker.cell", "dev.powersweep.worker.shard");

    /** Names that two classes have, and why they may keep them for now. This list only shrinks. */
    private static final Map<String, String> SHARED_NAMES = Map.of();

    /** Circles of packages, and why they stand for now. This list only shrinks. */
    private static final Map<Set<String>, String> CIRCLES = Map.of();

    private final SourceTree code = SourceTree.read(Path.of(".."), List.of("fitting", "worker", "orchestrator"));

    @Test
    void noPackagesDependOnEachOtherInACircle() {
        List<Set<String>> circles = new ArrayList<>(code.circles());
        circles.removeAll(CIRCLES.keySet());
        assertThat(circles)
                .as("packages that import each other, directly or through others:%n%s", code.imports(circles))
                .isEmpty();
        assertThat(code.circles()).as("exceptions that are no longer needed").containsAll(CIRCLES.keySet());
    }

    @Test
    void arrowsBetweenModulesPointOneWay() {
        code.packages().forEach((name, from) -> from.imports().forEach(to -> {
            String target = code.module(to);
            if (!target.equals(from.module())) {
                assertThat(MODULES.get(from.module()))
                        .as("%s imports %s", name, to)
                        .contains(target);
                if (target.equals("worker")) {
                    assertThat(WORKER_SEEN).as("%s imports %s", name, to).contains(to);
                }
            }
        }));
    }

    @Test
    void decisionsAndTheirSimulationStandOnNoSpark() {
        Set<String> onSpark = code.standOn("org.apache.spark");
        assertThat(onSpark).as("packages that reach Spark").contains("dev.powersweep.orchestrator.driver");
        for (String name : List.of("spec", "grid", "plan", "dispatch", "simulation")) {
            assertThat(onSpark).doesNotContain("dev.powersweep.orchestrator." + name);
        }
    }

    @Test
    void everyPackageSaysWhatItKnows() {
        assertThat(code.packages().entrySet().stream()
                        .filter(entry -> entry.getValue().knows().isBlank())
                        .map(Map.Entry::getKey))
                .as("packages without a package-info.java")
                .isEmpty();
    }

    @Test
    void oneNameIsOneThing() {
        Map<String, Set<String>> packages = new TreeMap<>();
        code.packages()
                .forEach((name, of) -> of.types().forEach(type -> packages.computeIfAbsent(type, key -> new TreeSet<>())
                        .add(name)));
        packages.values().removeIf(of -> of.size() < 2);
        packages.keySet().removeAll(SHARED_NAMES.keySet());
        assertThat(packages).as("top-level types of one name").isEmpty();
    }

    @Test
    void thePageNamesEveryPackageAndItsArrows() throws IOException {
        String page = Files.readString(PAGE);
        assertThat(page).contains(BEGIN, END);
        String expected =
                page.substring(0, page.indexOf(BEGIN) + BEGIN.length()) + tables() + page.substring(page.indexOf(END));
        if (Boolean.parseBoolean(System.getenv("ARCHITECTURE_WRITE"))) {
            Files.writeString(PAGE, expected);
        }
        assertThat(Files.readString(PAGE))
                .as("%s is stale; run this test with ARCHITECTURE_WRITE=true in the environment", PAGE)
                .isEqualTo(expected);
    }

    /** One table a module; no package stands above one that it imports. */
    private String tables() {
        StringBuilder text = new StringBuilder();
        for (String module : List.of("fitting", "worker", "orchestrator")) {
            text.append("\n### `").append(module).append("`\n\n| package | knows | imports |\n|---|---|---|\n");
            for (String name : code.bottomUp(module)) {
                SourceTree.Package of = code.packages().get(name);
                text.append("| `")
                        .append(shortened(name))
                        .append("` | ")
                        .append(of.knows().replace("|", "\\|"))
                        .append(" | ")
                        .append(of.imports().stream()
                                .map(to -> (code.module(to).equals(module) ? "" : code.module(to) + " ") + "`"
                                        + shortened(to) + "`")
                                .collect(Collectors.joining(", ")))
                        .append(" |\n");
            }
        }
        return text.append('\n').toString();
    }

    /** Without the module's own prefix; the root by a full stop. */
    private String shortened(String name) {
        String root = "dev.powersweep." + code.module(name);
        return name.equals(root) ? "." : name.substring(root.length() + 1);
    }
}
