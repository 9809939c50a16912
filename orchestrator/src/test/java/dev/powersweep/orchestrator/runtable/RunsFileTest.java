package dev.powersweep.orchestrator.runtable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.storage.UserError;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RunsFileTest {
    private static final Set<Quantity> NDL = EnumSet.of(Quantity.N, Quantity.D, Quantity.LOSS);

    @ParameterizedTest
    @ValueSource(
            strings = {
                "N,D,loss",
                "params,tokens,val_loss",
                "PARAMS,TOKENS,VALIDATION_LOSS",
                "Num Params, Training Tokens ,Final Loss",
                "model_size;n_tokens;eval-loss",
                "parameters\ttokens_seen\tLoss",
                "\uFEFFN,D,L",
                "eff_params,tokens,final_loss",
                "non_embedding_params,Total Tokens,Final Val Loss",
                "num_parameters,train_tokens,goal_c4_val_loss",
                "parameter_count,throughput/total_tokens,eval/paloma/macro_loss",
                "N (params),D (tokens),Loss (nats)",
                "model.params,data.consumed_tokens,eval/loss",
                "Model Size,Training Tokens,loss_c4_val"
            })
    void commonHeadersAreFoundWhateverTheirCase(String header) {
        String separator = header.contains(";") ? ";" : header.contains("\t") ? "\t" : ",";
        String row = String.join(separator, "1e6", "2E7", "3.25");
        Observations runs = parse(header + "\n" + row + "\n", List.of()).observations(NDL);
        assertThat(runs.at(Quantity.N, 0)).isEqualTo(1e6);
        assertThat(runs.at(Quantity.D, 0)).isEqualTo(2e7);
        assertThat(runs.at(Quantity.LOSS, 0)).isEqualTo(3.25);
    }

    @Test
    void theScriptedNameIsPreferredToAColumnThatMerelySoundsLikeIt() {
        RunTable table = parse("param_count,n,tokens,loss\nkaplan,5,6,7\n", List.of());
        assertThat(table.observations(NDL).at(Quantity.N, 0)).isEqualTo(5);
    }

    @Test
    void namedColumnsMayCarryAFactorForTheirUnit() {
        RunTable table = parse(
                "size in M,seqs,ctx,goal\n85,64,512,3.4\n", List.of("n=size in M*1e6", "b=seqs*512", "loss=goal"));
        assertThat(table.numbers().get(Quantity.N)).containsExactly(85e6);
        assertThat(table.numbers().get(Quantity.B)).containsExactly(64 * 512.0);
    }

    @Test
    void namedColumnsMayCarryAFactorAndAnotherColumn() {
        RunTable table = parse("n,tokens_B,epochs,loss\n85,2,4,3.4\n", List.of("d=tokens_B*1e9*epochs"));
        assertThat(table.numbers().get(Quantity.D)).containsExactly(8e9);
        assertThat(table.mapping()).contains("d ← tokens_B*epochs*1E+9");
        assertThat(parse("n,tokens_B,epochs,loss\n85,2,4,3.4\n", List.of("d=tokens_B*epochs*1e9"))
                        .numbers()
                        .get(Quantity.D))
                .containsExactly(8e9);
        assertThatThrownBy(() -> ColumnChoice.parse(List.of("d=tokens*epochs*seeds")))
                .isInstanceOf(UserError.class);
    }

    /** Perplexities that two seeds left, taken together: the mean loss is the logarithm of their geometric mean. */
    @Test
    void duplicatesOfPerplexitiesAreMeansOfLosses(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("ppl.csv"), "n,d,seed,ppl\n1e6,2e7,0,16\n1e6,2e7,1,25\n");
        RunTable table = RunsFile.read(file, ColumnChoice.BY_HEADER, Map.of(), Duplicates.MEAN);
        assertThat(table.numbers().get(Quantity.LOSS)[0]).isCloseTo(Math.log(20), within(1e-12));
    }

    @ParameterizedTest
    @CsvSource({
        "warmup/steps, S",
        "eval.steps, S",
        "embedding/params, N",
        "teacher.params, N",
        "1/tokens, D",
        "loss (%), LOSS",
        "loss %, LOSS",
        "tokens (% of all), D",
        "params [%], N",
        "loss_percent, LOSS",
        "loss_log10, LOSS",
        "logLoss, LOSS",
        "loss^2, LOSS",
        "loss-1.69, LOSS",
        "loss_tokens, LOSS",
        "ref_loss, LOSS",
        "ppl_std, LOSS",
        "max_ppl, LOSS",
        "params (B x T), N"
    })
    void aHeaderOfAnotherThingIsNone(String header, Quantity quantity) {
        assertThat(parse(header + ",x\n2.5,3\n", List.of()).numbers()).doesNotContainKey(quantity);
    }

    @ParameterizedTest
    @CsvSource({
        "N(non-emb), N, 1",
        "N (w/o embeddings), -, 0",
        "'N (M, non-embedding)', N, 1e6",
        "params (millions of parameters), N, 1e6",
        "$D$ ($\\times 10^{9}$), D, 1e9",
        "tokens in billions, D, 1e9",
        "num_input_tokens_seen, D, 1",
        "total_flos, C, 1",
        "batch (M tokens), B, 1e6",
        "loss (per token), LOSS, 1",
        "bits/token, LOSS, 0.6931471805599453",
        "exp-3/val_loss, LOSS, 1",
        "log/loss, LOSS, 1",
        "c4_val_loss, LOSS, 1"
    })
    void headersOfManyHandsAreCountedInTheirUnit(String header, String quantity, double unit) {
        RunTable table = parse("\"" + header + "\",x\n2.5,3\n", List.of());
        if (quantity.equals("-")) {
            assertThat(table.numbers()).isEmpty();
        } else {
            assertThat(table.numbers().get(Quantity.valueOf(quantity))).containsExactly(2.5 * unit);
        }
    }

    @Test
    void headersThatTellTheirUnitAreCountedInIt() {
        RunTable table = parse("params_M,Tokens (B),unique_tokens_b,loss\n85,2.5,1,3.4\n", List.of());
        assertThat(table.numbers().get(Quantity.N)).containsExactly(85e6);
        assertThat(table.numbers().get(Quantity.D)).containsExactly(2.5e9);
        assertThat(table.numbers().get(Quantity.U)).containsExactly(1e9);
        assertThat(table.mapping()).contains("n ← params_M*1E+6");
    }

    @ParameterizedTest
    @CsvSource({
        "Training FLOP, 1",
        "throughput/total_gflops, 1e9",
        "Compute (PF-days), 8.64e19",
        "train_eflops, 1e18",
        "flop_budget, 1",
        "C [EFLOPs], 1e18"
    })
    void computeIsFoundInTheUnitOfItsHeader(String header, double unit) {
        RunTable table = parse("n,loss," + header + "\n85,3.4,2\n", List.of());
        assertThat(table.numbers().get(Quantity.C)).containsExactly(2 * unit);
    }

    @ParameterizedTest
    @CsvSource({"N (M), 1e6", "params [billions], 1e9", "model size (in millions), 1e6", "total params (B), 1e9"})
    void aUnitInBracketsIsTaken(String header, double unit) {
        RunTable table = parse(header + ",d,loss\n85,64,3.4\n", List.of());
        assertThat(table.numbers().get(Quantity.N)).containsExactly(85 * unit);
    }

    @Test
    void aUnitThatNobodyKnowsIsNotGuessed() {
        assertThatThrownBy(() -> parse("n,d,loss (bits)\n1,2,3\n", List.of()).observations(NDL))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("there is no column for loss");
    }

    @Test
    void ofSeveralLossesTheOnlyValidationLossIsTaken() {
        RunTable table = parse("n,d,c4_train_loss,c4_valid_loss\n1,2,3,4\n", List.of());
        assertThat(table.numbers().get(Quantity.LOSS)).containsExactly(4);
        assertThat(parse("n,d,a_loss,b_loss\n1,2,3,4\n", List.of()).numbers()).doesNotContainKey(Quantity.LOSS);
    }

    @Test
    void sizeAndDataFollowFromCompute() {
        Observations data = parse("Model Size,Training FLOP,loss\n1e6,12e13,3.4\n", List.of())
                .observations(NDL);
        assertThat(data.at(Quantity.D, 0)).isEqualTo(2e7);
        assertThat(data.derived(Quantity.D)).isTrue();
        Observations size =
                parse("tokens,flops,loss\n2e7,12e13,3.4\n", List.of()).observations(NDL);
        assertThat(size.at(Quantity.N, 0)).isEqualTo(1e6);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "7B | 7e9",
                "300M | 3e8",
                "1.4 T | 1.4e12",
                "125k | 125000",
                "2.5bn | 2.5e9",
                "20 billion tokens | 2e10",
                "1_000_000 | 1e6",
                "12 345 678 | 12345678",
                "1.5e3M | 1.5e9"
            })
    void countsAreReadAsPeopleWriteThem(String text, double count) {
        RunTable table = parse("n,tokens,loss\n1e9,\"" + text + "\",3.4\n", List.of());
        assertThat(table.numbers().get(Quantity.D)[0]).isCloseTo(count, within(1e-12 * count));
    }

    @ParameterizedTest
    @ValueSource(strings = {"7d", "0x1p3", "3.1f", "3M", "3.4%", "1e400", "--3", "3 4"})
    void aLossThatOnlyAComputerWouldReadIsNone(String loss) {
        assertThatThrownBy(() -> parse("n,d,loss\n1e9,2e9," + loss + "\n", List.of()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("'" + loss + "' instead of a finite number");
    }

    @Test
    void decimalCommasAreReadWhereNothingElseIsPossible() {
        Observations runs = parse("n;d;loss\n1.000.000;2E7;3,25\n2000000;2E7;3,104\n", List.of())
                .observations(NDL);
        assertThat(runs.at(Quantity.N, 0)).isEqualTo(1e6);
        assertThat(runs.at(Quantity.LOSS, 0)).isEqualTo(3.25);
        assertThat(runs.at(Quantity.LOSS, 1)).isEqualTo(3.104);
    }

    @Test
    void commentsBeforeTheHeaderAreLeftOutAndAHeaderAmongThemIsRead() {
        assertThat(parse("# made by hand, in 2024\n# again\nn,d,loss\n1,2,3\n", List.of())
                        .rows())
                .isEqualTo(1);
        assertThat(parse("# n,d,loss\n1,2,3\n", List.of()).numbers().get(Quantity.N))
                .containsExactly(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-", "N/A", "null", "None", "\u2014"})
    void rowsWithoutALossAreLeftOutAndToldAlongCurvesAndElsewhere(String absent) {
        RunTable curves = parse("run,step,n,d,val_loss\na,1,1,1," + absent + "\na,2,1,2,3\nb,1,2,1,5\n", List.of());
        assertThat(curves.rows()).isEqualTo(2);
        assertThat(curves.remarks()).containsExactly("1 of 3 rows holds no val_loss (line 2) and is left out.");
        RunTable ends = parse("n,d,val_loss\n1,1,4\n1,2," + absent + "\n2,1," + absent + "\n", List.of());
        assertThat(ends.rows()).isEqualTo(1);
        assertThat(ends.remarks()).containsExactly("2 of 3 rows hold no val_loss (first line 3) and are left out.");
        assertThatThrownBy(() -> parse("n,d,loss\n1,1," + absent + "\n", List.of()))
                .hasMessageContaining("line 2: column 'loss' (nats/token) holds ");
    }

    @Test
    void aNameThatSpansModelSizesTellsNoRunsApart() {
        String text = "experiment,n,d,loss\na,1,1,4\na,2,2,3\n";
        RunTable table = parse(text, List.of());
        assertThat(table.observations(NDL).runs()).isEqualTo(2);
        assertThat(table.remarks()).hasSize(1).first().asString().contains("rows of one 'experiment'");
        assertThat(parse(text, List.of("run=experiment")).observations(NDL).runs())
                .isEqualTo(1);
    }

    @Test
    void whatGzipCompressedIsRead(@TempDir Path folder) throws Exception {
        Path packed = folder.resolve("runs.csv.gz");
        try (GZIPOutputStream out = new GZIPOutputStream(Files.newOutputStream(packed))) {
            out.write("n,d,loss\n1,2,3\n".getBytes(StandardCharsets.UTF_8));
        }
        assertThat(read(packed).numbers().get(Quantity.LOSS)).containsExactly(3);
    }

    @Test
    void aBatchInSequencesIsCountedInTokens() {
        String text = "n,ctx_len,batch_size_seqs,steps,loss\n1e6,512,64,10,3.4\n";
        assertThat(parse(text, List.of()).numbers().get(Quantity.B)).containsExactly(512.0 * 64);
        assertThat(parse(text, List.of("b=batch_size_seqs*ctx_len")).numbers().get(Quantity.B))
                .containsExactly(512.0 * 64);
        assertThatThrownBy(() -> parse(text, List.of("b=batch_size_seqs*width")))
                .hasMessageContaining("there is no column 'width' for b");
    }

    @Test
    void rowsOfOneRunAreGroupedByTheRunColumn() {
        RunTable table = parse("run,step,n,d,loss\na,1,1,1,4\na,2,1,2,3\nb,1,2,1,5\n", List.of());
        assertThat(table.observations(NDL).runs()).isEqualTo(2);
    }

    @Test
    void rowsAreKeptByTheValueOfAColumn() {
        RunTable table = RunsFile.parse(
                "runs.csv", "set,n,d,loss\na,1,2,3\nb,4,5,6\n", ColumnChoice.BY_HEADER, Map.of("set", "b"));
        assertThat(table.numbers().get(Quantity.N)).containsExactly(4);
    }

    @Test
    void aMissingColumnIsNamedWithTheHeaderThereIs() {
        assertThatThrownBy(() -> parse("n,loss\n1,2\n", List.of()).observations(NDL))
                .isInstanceOf(UserError.class)
                .hasMessage(
                        "runs.csv: there is no column for d (tokens), nor are there both b and s, or n and c that it"
                                + " follows from; the header has n, loss; name the one that holds it with --columns d=…");
    }

    @Test
    void dataAreTakenFromBatchAndStepsWhereTheyAreNotGiven() {
        Observations runs = parse("n,b,steps,loss\n1,100,7,3\n", List.of()).observations(NDL);
        assertThat(runs.at(Quantity.D, 0)).isEqualTo(700);
    }

    @ParameterizedTest
    @ValueSource(strings = {"abc", "NaN", "Infinity", "1,5"})
    void aCellThatIsNoNumberIsNamedWithLineColumnAndValue(String value) {
        String row = value.contains(",") ? "1,2,\"" + value + "\"" : "1,2," + value;
        assertThatThrownBy(() -> parse("n,d,loss\n1,2,3\n" + row + "\n", List.of()))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("runs.csv, line 3: column 'loss' (nats/token) holds '" + value
                        + "' instead of a finite number");
    }

    @Test
    void aColumnThatOnlyBearsAUsualNameMattersOnlyToALawThatNeedsIt() {
        RunTable table = parse("n,d,loss,c\n1,2,3,unknown\n2,3,4,unknown\n", List.of());
        assertThat(table.observations(NDL).size()).isEqualTo(2);
        RunTable withoutData = parse("n,loss,c\n1,3,unknown\n", List.of());
        assertThatThrownBy(() -> withoutData.observations(EnumSet.of(Quantity.C)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("'unknown' instead of a finite number");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "n,d,loss\r\n1e6,2e7,3.25\r\n",
                "\uFEFFn,d,loss\n1e6,2e7,3.25",
                "n,d,loss\n1e6,2e7,3.25\n\n\n",
                "n,d,loss\n1e6,2e7,3.25\n,,\n , ,\n",
                "n,d,loss\n\"1,000,000\",\"20,000,000\",3.25\n",
                "n,d,loss\n1000000.0,0.2E+8,325e-2\n",
                "loss,d,n,comment\n3.25,2e7,1e6,\"two\nlines, and a comma\"\n"
            })
    void whatEditorsAndSpreadsheetsWriteIsRead(String text) {
        Observations runs = parse(text, List.of()).observations(NDL);

        assertThat(runs.size()).isEqualTo(1);
        assertThat(runs.at(Quantity.N, 0)).isEqualTo(1e6);
        assertThat(runs.at(Quantity.D, 0)).isEqualTo(2e7);
        assertThat(runs.at(Quantity.LOSS, 0)).isEqualTo(3.25);
    }

    @Test
    void aSingleCommaInANumberIsRefusedBecauseItHasTwoReadings() {
        assertThatThrownBy(() -> parse("n;d;loss\n1000;2000;3,251\n", List.of()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("line 2: column 'loss'")
                .hasMessageContaining("write 1234 or 1.234");
    }

    @Test
    void aHeaderThatStandsTwiceIsRefusedWhereItIsRead() {
        assertThatThrownBy(() -> parse("n,d,loss,loss\n1,2,3,4\n", List.of()))
                .isInstanceOf(UserError.class)
                .hasMessage("runs.csv: the header has 'loss' twice, as columns 3 and 4, and loss is read from it;"
                        + " rename the one that is not meant");
        assertThat(parse("n,d,loss,note,note\n1,2,3,a,b\n", List.of())
                        .observations(NDL)
                        .size())
                .isEqualTo(1);
    }

    @Test
    void aTableOfSeveralKindsOfRunsSaysSo() {
        StringBuilder text = new StringBuilder("set,model,n,d,loss\n");
        for (String set : List.of("a", "b")) {
            for (int i = 1; i <= 6; i++) {
                text.append(
                        String.format(Locale.ROOT, "%s,m%d,%d,%d,3.%d\n", set, i % 2, 1000 * (1 + i % 2), 2000 * i, i));
            }
        }

        assertThat(parse(text.toString(), List.of()).mixture())
                .hasValue("Rows differ in set and are fitted together; keep one kind with --where set=a.");
        assertThat(parse("n,d,loss\n1,2,3\n", List.of()).mixture()).isEmpty();
    }

    @Test
    void emptyFilesHeadersAloneAndShortRowsAreRefused() {
        assertThatThrownBy(() -> parse("", List.of())).hasMessageContaining("the file is empty");
        assertThatThrownBy(() -> parse("n,d,loss\n", List.of())).hasMessageContaining("a header but no rows");
        assertThatThrownBy(() -> parse("n,d,loss\n1,2\n", List.of()))
                .hasMessage(
                        "runs.csv, line 2: the row has 2 of the header's 3 cells, 'loss' is missing; mend the row or"
                                + " leave it out");
    }

    @Test
    void refusalsOfTheDataNameTheFile() {
        assertThatThrownBy(() -> parse("n,d,loss\n1,2,-3\n", List.of()).observations(NDL))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("runs.csv: ");
    }

    @Test
    void filesThatAreNotCsvAreToldApart(@TempDir Path folder) throws Exception {
        Path parquet = Files.writeString(folder.resolve("runs.parquet"), "PAR1....PAR1");
        Path latin = Files.write(folder.resolve("latin.csv"), "n,d,lossé".getBytes(StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> read(folder.resolve("none.csv"))).hasMessageContaining("there is no such file");
        assertThatThrownBy(() -> read(folder)).hasMessageContaining("this is a directory");
        assertThatThrownBy(() -> read(parquet)).hasMessageContaining("cannot be read as Parquet");
        assertThatThrownBy(() -> read(latin)).hasMessageContaining("not UTF-8");
    }

    @ParameterizedTest
    @ValueSource(strings = {"n", "=x", "n=", "q=x", "n=x*0", "n=x*"})
    void assignmentsThatCannotBeReadAreRefused(String assignment) {
        assertThatThrownBy(() -> ColumnChoice.parse(List.of(assignment)))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("--columns: ");
    }

    private static RunTable read(Path file) {
        return RunsFile.read(file, ColumnChoice.BY_HEADER, Map.of());
    }

    private static RunTable parse(String text, List<String> columns) {
        return RunsFile.parse("runs.csv", text, ColumnChoice.parse(columns), Map.of());
    }
}
