package dev.powersweep.orchestrator.cli;

import static dev.powersweep.orchestrator.cli.InProcess.powersweep;
import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.cli.InProcess.Answer;
import dev.powersweep.orchestrator.driver.SweepOfAllKinds;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The commands of docs/cookbook.md, each as it stands there, by the words that a shell makes of it; that Spark SQL answers the
 * same is shown in {@link QueryCommandTest}.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CookbookTest {
    private static final Path PAGE = Path.of("../docs/cookbook.md");
    private static final Pattern QUESTION = Pattern.compile("(?m)^\\*\\*(\\d+)\\. ([^*]+)\\*\\*");
    private static final Pattern BLOCK = Pattern.compile("(?ms)^```\n(.*?)^```\n");

    @TempDir
    static Path folder;

    private Path sweep;

    /** One of the page, with the blocks of code below it. */
    record Question(int number, String words, List<String> blocks) {
        @Override
        public String toString() {
            return number + ". " + words;
        }
    }

    @BeforeAll
    void write() throws Exception {
        sweep = folder.resolve("it's a sweep");
        SweepOfAllKinds.write(sweep);
        Answer fit = powersweep("fit", sweep, "--law", "chinchilla", "--bootstrap", "20");
        assertThat(fit.exitCode()).as(fit.err()).isZero();
    }

    static List<Question> questions() throws IOException {
        String page = Files.readString(PAGE);
        List<Question> questions = new ArrayList<>();
        List<Integer> begins = new ArrayList<>();
        Matcher heading = QUESTION.matcher(page);
        while (heading.find()) {
            begins.add(heading.end());
            questions.add(new Question(Integer.parseInt(heading.group(1)), heading.group(2), new ArrayList<>()));
        }
        Matcher block = BLOCK.matcher(page);
        while (block.find()) {
            int at = block.start();
            long before = begins.stream().filter(begin -> begin < at).count();
            assertThat(before).as(block.group()).isPositive();
            questions.get((int) before - 1).blocks().add(block.group(1));
        }
        return questions;
    }

    @Test
    void thereAreTwentyQuestionsWithOneCommandEach() throws IOException {
        List<Question> questions = questions();
        assertThat(questions).hasSize(20);
        for (int i = 0; i < questions.size(); i++) {
            Question question = questions.get(i);
            assertThat(question.number()).isEqualTo(i + 1);
            assertThat(question.blocks())
                    .as("%s", question)
                    .singleElement()
                    .asString()
                    .containsOnlyOnce("powersweep ")
                    .startsWith("powersweep ");
        }
    }

    @ParameterizedTest
    @MethodSource("questions")
    void theCommandAnswersTheQuestion(Question question) throws Exception {
        List<String> words = words(question.blocks().get(0));
        assertThat(words).containsOnlyOnce("DIR");
        words.replaceAll(word -> word.equals("DIR") ? sweep.toString() : word);
        int output = words.indexOf("--output") + 1;
        if (output > 0) {
            words.set(output, folder.resolve(words.get(output)).toString());
        }

        Answer answer = powersweep(words.toArray());

        assertThat(answer.exitCode()).as(answer.err()).isZero();
        assertThat(answer.err()).isEmpty();
        if (output > 0) {
            assertThat(answer.out()).isEmpty();
            Path written = Path.of(words.get(output));
            assertThat(rows(written)).as("rows in %s", written).isPositive();
        } else {
            int headings = words.contains("markdown") ? 2 : 1;
            assertThat(answer.out().lines().count()).as(answer.out()).isGreaterThan(headings);
        }
    }

    private static long rows(Path written) throws IOException {
        if (written.toString().endsWith(".parquet")) {
            Answer count = powersweep(
                    "query",
                    folder.resolve("it's a sweep"),
                    "select count(*) as n from '" + written + "'",
                    "--unsafe",
                    "--format",
                    "csv");
            return Long.parseLong(count.out().lines().skip(1).findFirst().orElseThrow());
        }
        return Files.readAllLines(written).size() - 1;
    }

    /** What a shell gives to a program of that name. */
    private static List<String> words(String command) throws Exception {
        Process bash = new ProcessBuilder("bash", "-c", "powersweep() { printf '%s\\0' \"$@\"; }\n" + command)
                .redirectErrorStream(true)
                .start();
        String said = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(bash.waitFor()).as(said).isZero();
        return new ArrayList<>(List.of(said.split("\0")));
    }
}
