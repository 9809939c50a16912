package dev.powersweep.orchestrator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Branches of one's own runs, through fit --runs: which of them diverged is said by the table. */
class FitBranchesTest extends PlantedRuns {
    private static final String HEADER = "trunk,params,from,batch_tokens,loss,se";
    private static final String COLUMNS = "branch=from,run=trunk,loss_error=se";
    private static final int[] BATCHES = {1024, 2048, 4096, 8192, 16_384};
    private static final String PLACE = "[N=1.000e+06,t=1.000e+06]";

    /**
     * Two trunks whose loss hardly grows with the batch, so that no bound from above is seen unless one diverged.
     *
     * @param column a further header with a comma before it, or nothing
     * @param sound what stands in it
     * @param loss of the branch of 8,192 tokens of the first trunk
     * @param diverged what stands in the further column of that one
     */
    private static String table(String column, String sound, String loss, String diverged) {
        StringBuilder text = new StringBuilder(HEADER + column + "\n");
        for (String trunk : List.of("a", "b")) {
            for (int batch : BATCHES) {
                boolean other = trunk.equals("a") && batch == 8192;
                String usual = String.format(Locale.ROOT, "%.6f", 3 + 1e-7 * batch + (trunk.equals("b") ? 1e-4 : 0));
                text.append(String.format(
                        Locale.ROOT,
                        "%s,1000000,1000000,%d,%s,%s%s%n",
                        trunk,
                        batch,
                        other ? loss : usual,
                        other && loss.isEmpty() ? "" : ".0005",
                        other ? diverged : sound));
            }
        }
        return text.toString();
    }

    private Answer branches(String text, String... further) throws Exception {
        List<String> arguments = new java.util.ArrayList<>(List.of(
                "fit",
                "--bootstrap",
                "0",
                "--json",
                "--runs",
                file("branches.csv", text).toString()));
        arguments.addAll(List.of("--columns", COLUMNS));
        arguments.addAll(List.of(further));
        return execute(arguments.toArray(String[]::new));
    }

    private static double derived(Answer answer, String name) throws Exception {
        return answer.json()
                .at("/fits/0/derived")
                .path(name + PLACE)
                .path("value")
                .asDouble();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "-",
            value = {
                "-         | -         | inf  | -",
                ",state    | ,finished | nan  | ,diverged",
                ",Status   | ,done     | ''   | ,Diverged",
                ",diverged | ,false    | ''   | ,true",
                ",diverged | ,0        | nan  | ,1",
                ",is_nan   | ,         | 11.2 | ,yes",
                // A run tracker calls it crashed, and the trainer's own column says why.
                ",state;diverged | ,finished;no | nan | ,crashed;yes"
            })
    void aBranchThatItsRowSaysDivergedIsTooLargeABatch(String column, String sound, String loss, String diverged)
            throws Exception {
        Answer answer = branches(table(text(column), text(sound), loss, text(diverged)));

        assertThat(answer.status()).as(answer.err()).isZero();
        assertThat(answer.notes()).contains("1 of 10 branches diverged").doesNotContain("fitted together");
        assertThat(derived(answer, "B_diverged")).isEqualTo(8192);
        assertThat(derived(answer, "B_crit")).isBetween(4096.0, 8192.0);
    }

    private static String text(String cell) {
        return cell == null ? "" : cell.replace(';', ',');
    }

    @Test
    void withoutItTheLargestBatchIsABoundFromBelow() throws Exception {
        assertThat(derived(branches(table("", "", "3.0009", "")), "B_crit_at_least"))
                .isEqualTo(16_384);
        // A branch that was killed is no result.
        Answer killed = branches(table(",state", ",finished", "nan", ",killed"));
        assertThat(derived(killed, "B_crit_at_least")).as(killed.err()).isEqualTo(16_384);
        assertThat(killed.notes()).contains("1 of 10 rows have a state other than an end and are left out");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "-",
            value = {
                "-         | -      | nan    | -       | line 5: column 'loss' (nats/token) holds 'nan' | write inf, or true in a column named diverged",
                ",diverged | ,false | 3.0009 | ,perhaps | line 5: column 'diverged' holds 'perhaps'      | write true or false",
                ",diverged;state | ,no;done | nan | ,no;diverged | line 5: column 'diverged' says 'no'  | mend one of them"
            })
    void whatMayOrMayNotBeADivergedBranchIsRefused(
            String column, String sound, String loss, String diverged, String place, String remedy) throws Exception {
        Answer answer = branches(table(text(column), text(sound), loss, text(diverged)));

        assertThat(answer.status()).isEqualTo(1);
        assertThat(answer.err()).contains("branches.csv, " + place).contains(remedy);
    }

    @Test
    void infiniteLossesOfWholeRunsAreStillRefused() throws Exception {
        String runs = table("", "", "inf", "");
        assertThat(fit(file("runs.csv", runs)).err()).contains("line 5: column 'loss' (nats/token) holds 'inf'");
    }

    @Test
    void aBranchThatStandsTwiceIsRefused() throws Exception {
        String[] lines = table("", "", "3.0009", "").split("\\R");
        String twice = String.join("\n", lines) + "\n" + lines[4].replace("3.0009", "3.0010") + "\n";

        assertThat(branches(twice).err())
                .contains("line 12: the branch of line 5 again")
                .contains("--columns run=…");
    }

    /** Steps and tokens of a branch are its trunk's as well: they order no rows along a run, and 6·N·D is not its compute. */
    @Test
    void stepsAndTokensBesideBranchesDecideNothing() throws Exception {
        String text = table(",step,tokens,steps", ",100,1500000,7", "inf", ",100,1500000,7");
        assertThat(derived(branches(text), "B_diverged")).isEqualTo(8192);
        assertThat(branches(text, "--columns", "d=tokens").err()).contains("leave d=… or branch=… out");
    }

    @ParameterizedTest
    @ValueSource(strings = {"kaplan-n", "critical-batch"})
    void noLawOfWholeRunsIsFittedToBranches(String law) throws Exception {
        Answer answer = branches(table("", "", "inf", ""), "--law", law);
        assertThat(answer.status()).isEqualTo(1);
        assertThat(answer.err()).contains("--law " + law).contains("ask for --law branched-critical-batch");
    }

    @Test
    void theTerminalHasTheBatchOfEachPoint() throws Exception {
        Answer answer = execute(
                "fit",
                "--bootstrap",
                "0",
                "--columns",
                COLUMNS,
                "--runs",
                file("branches.csv", table("", "", "inf", "")).toString());
        assertThat(answer.out()).contains("→ B_crit" + PLACE).contains("→ B_diverged" + PLACE);
    }
}
