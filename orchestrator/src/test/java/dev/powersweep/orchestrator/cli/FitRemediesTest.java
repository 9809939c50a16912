package dev.powersweep.orchestrator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a refusal of {@code fit --runs} names as its remedy is typed as it stands, and works. */
class FitRemediesTest extends PlantedRuns {
    private static final Pattern OPTION =
            Pattern.compile("(--columns|--where|--duplicates) ('[^']*'|[^ ,;.]+(?:[.,][^ ,;.]+)*)");

    /** The options of a sentence as a shell would pass them on. */
    private static List<String> options(String sentence) {
        List<String> options = new ArrayList<>();
        Matcher found = OPTION.matcher(sentence);
        while (found.find()) {
            String value = found.group(2).replaceAll("^'|'$", "");
            if (!value.contains("…")) {
                options.add(found.group(1) + "\0" + value);
            }
        }
        if (sentence.contains("--every-row")) {
            options.add("--every-row");
        }
        return options;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                // Two losses of equal claim, headers with commas and blanks.
                "params,tokens,\"loss, val\",\"loss, dev\"  | %1$.0f,%2$.0f,%3$.9f,%4$.9f | 1",
                "params,tokens,a loss,b loss                 | %1$.0f,%2$.0f,%3$.9f,%4$.9f | 1",
                // Perplexities and bits that do not say so.
                "params,tokens,\"loss, final\"               | %1$.0f,%2$.0f,%5$.9f | 2",
                "params,tokens,val loss bits                 | %1$.0f,%2$.0f,%3$.9f | 2",
                // Batches that do not say what they count.
                "params,batch size,seq len,steps,loss        | %1$.0f,64,512,%6$.0f,%3$.9f | 1",
                "params,tokens,batch tokens,steps,loss       | %1$.0f,%2$.0f,1000,%7$.0f,%3$.9f | 2",
                // Compute by another account, units.
                "params,tokens,flops total,loss              | %1$.0f,%2$.0f,%8$.9g,%3$.9f | 0",
                "model size,\"tokens (B, seen)\",flops,loss  | %1$.0f,%9$.9g,%8$.9g,%3$.9f | 0",
                "params_M,tokens,loss                        | %10$.0fM,%2$.0f,%3$.9f | 1",
                // Kinds of rows.
                "params,tokens,Training data,loss            | %1$.0f,%2$.0f,%11$s,%3$.9f | 2",
                "params,tokens,a=corpus,corpus,loss          | %1$.0f,%2$.0f,x,%11$s,%3$.9f | 2",
                // Names of runs.
                "Run name,params,tokens,step,val loss        | gpt-%10$.0fM,%1$.0f,%2$.0f,%7$.0f,%3$.9f | 2",
                "\"run, name\",params,tokens,step,val loss   | gpt-%10$.0fM,%1$.0f,%2$.0f,%7$.0f,%3$.9f | 2"
            })
    void everyOptionThatARefusalNamesIsTakenAsItStands(String header, String cells, int most) throws Exception {
        Path file = file(
                "runs.csv",
                grid(
                        header.strip(),
                        (i, n, d, loss) -> f(
                                cells.strip(),
                                n,
                                d,
                                loss,
                                loss + 0.1,
                                Math.exp(loss),
                                d / 64 / 512,
                                d / 1e6,
                                2 * n * d,
                                d / 1e9,
                                n / 1e6,
                                i % 2 == 0 ? "c4 en" : "the pile")));
        Answer refused = fit(file);
        assertThat(refused.status()).isEqualTo(1);
        assertThat(refused.err()).hasLineCount(1);

        List<String> options = options(refused.err().replace("with --columns:", "with --columns"));
        assertThat(options.size()).as(refused.err()).isGreaterThanOrEqualTo(Math.max(1, most));
        for (String option : options) {
            Answer followed = fit(file, option.split("\0"));
            // Points along five runs are too few for the law, which is said then.
            assertThat(followed.err())
                    .as(refused.err() + option)
                    .matches("|.*chinchilla needs at least 3 different values of d .*\\R");
        }
    }

    @Test
    void equalRowsAreKeptApartOrTakenTogetherAsTheRefusalSays() throws Exception {
        String twice = grid("params,tokens,loss", (i, n, d, l) -> f("%.0f,%.0f,%.9f\n%1$.0f,%2$.0f,%3$.9f", n, d, l));
        Path file = file("runs.csv", twice);
        List<String> options = options(fit(file).err());
        assertThat(options).hasSize(2);
        for (String option : options) {
            assertPlanted(fit(file, option.split("\0")));
        }
        assertPlanted(fit(file(
                "named.csv",
                grid(
                        "run,params,tokens,loss",
                        (i, n, d, l) -> f("a%d,%.0f,%.0f,%.9f\nb%1$d,%2$.0f,%3$.0f,%4$.9f", i, n, d, l)))));
    }

    @Test
    void aColumnWhoseNameHoldsAnEqualsSignIsChosenByWhere() throws Exception {
        Path file = file(
                "runs.csv",
                grid(
                        "params,tokens,a=b,loss",
                        (i, n, d, l) -> f("%.0f,%.0f,x,%.9f\n%1$.0f,%2$.0f,y,%4$.9f", n, d, l, l + 0.3)));

        assertPlanted(fit(file, "--where", "a=b=x"));
        assertThat(fit(file, "--where", "a=c=x").err()).contains("--where names the column 'a'");
    }

    /** Decimal commas in a table that commas part: quotes do not help, and the sentence does not say so. */
    @Test
    void numbersWithCommasAreWrittenAsTheRefusalSays() throws Exception {
        Row commas = (i, n, d, l) -> f("%.0f,%.0f,", n, d) + f("%.9f", l).replace('.', ',');
        assertThat(fit(file("runs.csv", grid("params,tokens,loss", commas))).err())
                .hasLineCount(1)
                .contains("write 3.25 for 3,25", "1,400,000 in quotes", "separate cells by semicolons");
        assertPlanted(fit(file("semicolons.csv", grid("params;tokens;loss", (i, n, d, l) -> f("%.0f;%.0f;%.9f", n, d, l)
                .replace('.', ',')))));
        assertPlanted(
                fit(file("quoted.csv", grid("params,tokens,loss", (i, n, d, l) -> f("%.0f,\"%,.0f\",%.9f", n, d, l)))));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "<!DOCTYPE html>\\n<html><table></table></html>           | this is a web page",
                "<!-- saved -->\\n<HTML>                                  | this is a web page",
                "<table><tr><td>params</td></tr></table>                  | this is a web page",
                "<?xml version=\"1.0\"?><rows/>                           | this is markup such as XML",
                "version https://git-lfs.github.com/spec/v1\\noid x        | git lfs pull",
                "A text that someone wrote.\\nWith commas, in it.\\n        | no table: the first line, 'A text that someone wrote.'",
                "runs:\\n  - params: 1e9\\n                                 | no table: the first line, 'runs:'",
                "params tokens loss\\n1e8 2e9 3.1\\n                        | no comma, semicolon, tab or bar",
                "{}                                                       | line 1: the object holds no values of a run",
                "a\\0b,c                                                   | bytes of zero",
                "p\\0a\\0r\\0a\\0m\\0s\\0,\\0d\\0                                  | UTF-16 without its mark"
            })
    void whatIsNoTableIsNamedInASentence(String text, String sentence) throws Exception {
        Path file = folder.resolve("runs.csv");
        Files.writeString(file, text.strip().replace("\\n", "\n").replace("\\0", "\0"));

        Answer answer = fit(file);

        assertThat(answer.status()).isEqualTo(1);
        assertThat(answer.err()).hasLineCount(1).contains("runs.csv", sentence.strip());
    }

    @Test
    void aKeyThatStandsTwiceIsRefusedWhereverItStands() throws Exception {
        String row = "\"params\": 1e9, \"tokens\": 2e10, ";
        for (String text : List.of(
                "{" + row + "\"loss\": 3, \"loss\": 4}\n{" + row + "\"loss\": 3}",
                "[{" + row + "\"loss\": 3}, {" + row + "\"loss\": 3, \"loss\": 4}]",
                "{\"params\": [1e9], \"tokens\": [2e10], \"loss\": [3], \"loss\": [4]}",
                "{" + row + "\"eval\": {\"loss\": 3, \"loss\": 4}}",
                "{" + row + "\"eval\": {\"loss\": 3}, \"eval.loss\": 4}",
                "{\"columns\": [\"params\", \"loss\", \"loss\"], \"data\": [[1e9, 3, 4]]}")) {
            Answer answer = fit(file("runs.json", text));
            assertThat(answer.status()).as(text).isEqualTo(1);
            assertThat(answer.err())
                    .hasLineCount(1)
                    .contains("loss' ")
                    .contains("twice")
                    .contains("runs.json");
        }
    }

    @Test
    void twoRunsOfOneNameInAPanelAreRefused() throws Exception {
        String run = ",\"gpt-50M - eval/loss\",\"gpt-50M - eval/loss__MIN\",\"gpt-50M - eval/loss__MAX\"";
        assertThat(fit(file("panel.csv", "\"tokens\"" + run + run + "\n1e9,3,3,3,4,4,4\n"))
                        .err())
                .hasLineCount(1)
                .contains("the panel has two runs named 'gpt-50M', in columns 2 and 5");
    }
}
