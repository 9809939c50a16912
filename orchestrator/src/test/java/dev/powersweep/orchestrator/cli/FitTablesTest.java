package dev.powersweep.orchestrator.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayOutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvFileSource;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tables as people have them, through fit --runs: the right value, or a sentence. */
class FitTablesTest extends PlantedRuns {
    /** As pandas' to_csv writes over its index, and others over what they leave empty. */
    @ParameterizedTest
    @ValueSource(strings = {"", "#", "---", "*", "()", "\uD83D\uDE42"})
    void aHeaderWithoutALetterStandsForNothing(String header) throws Exception {
        assertPlanted(fit(
                file("index.csv", grid(header + ",params,tokens,loss", (i, n, d, l) -> f("%d,%s,%s,%s", i, n, d, l)))));
        assertPlanted(
                fit(file("last.csv", grid("params,tokens,loss," + header, (i, n, d, l) -> f("%s,%s,%s,", n, d, l)))));
    }

    /** Every planted row, and beside it one that is better or worse and says that it is another thing. */
    private String beside(String column, String planted, String other, double offset) {
        return grid(
                "params,tokens,loss," + column,
                (i, n, d, l) -> f("%s,%s,%s,%s\n%s,%s,%s,%s", n, d, l, planted, n, d, l + offset, other));
    }

    @ParameterizedTest
    @CsvSource({
        "split,val,train,-0.1",
        "phase,eval,training,-0.1",
        "split,validation,test,0.2",
        "optimizer,adamw,muon,0.1",
        "schedule,cosine,wsd,0.05",
        "mup,True,False,0.05",
        "status,COMPLETED,TIMEOUT,5",
        "status,finished,OOM,4",
        "state,Done,Timed out,4",
        "diverged,False,True,6",
        "failed,0,1,6",
        "exit_code,0,137,6"
    })
    void rowsThatAColumnTellsApartAreNotPooled(String column, String planted, String other, double offset)
            throws Exception {
        Answer answer = fit(file("two.csv", beside(column, planted, other, offset)));
        assertPlanted(answer);
        assertThat(answer.notes()).contains(column);
    }

    @ParameterizedTest
    @ValueSource(strings = {"dataset", "corpus", "Training data"})
    void everyTextHasALawOfItsOwn(String column) throws Exception {
        Path file = file("texts.csv", beside(column, "c4", "pile", -0.3));
        Answer answer = fit(file);
        assertThat(answer.status()).isEqualTo(1);
        assertThat(answer.err())
                .contains("rows differ in " + column + ", and every text has a law of its own")
                .contains("--where " + (column.contains(" ") ? "'" + column + "=c4'" : column + "=c4"));
        assertPlanted(fit(file, "--where", column + "=c4"));
        assertThat(fit(file, "--every-row").status()).isZero();
    }

    @Test
    void rowsOfOneSizeThatContradictEachOtherAreToldOf() throws Exception {
        String twice = grid(
                "params,tokens,loss",
                (i, n, d, l) -> i < 6 ? f("%s,%s,%s\n%s,%s,%s", n, d, l, n, d, l + 1) : f("%s,%s,%s", n, d, l));
        assertThat(fit(file("twice.csv", twice)).notes())
                .contains("6 of ")
                .contains("stand more than once, with losses up to")
                .contains("more than seeds differ");
        String seeds = grid("params,tokens,loss", (i, n, d, l) -> f("%s,%s,%s\n%s,%s,%s", n, d, l, n, d, l * 1.002));
        assertThat(fit(file("seeds.csv", seeds)).notes()).doesNotContain("more than once");
    }

    @Test
    void textThatWasSeenMoreThanOnceIsToldAndTellsRowsApart() throws Exception {
        String repeated = grid(
                "params,tokens,unique_tokens,loss",
                (i, n, d, l) -> f("%s,%s,%s,%s\n%s,%s,%s,%s", n, d, d, l, n, d, d / 8, l + 1));
        assertThat(fit(file("repeated.csv", repeated)).notes())
                .contains("25 of 50 runs saw their text more than once, up to 8 times", "muennighoff-joint")
                .doesNotContain("no column tells their rows apart");
        String once = grid("params,tokens,unique_tokens,loss", (i, n, d, l) -> f("%s,%s,%s,%s", n, d, d, l));
        assertThat(fit(file("once.csv", once)).notes()).doesNotContain("more than once");
    }

    @Test
    void aMissingColumnNamesTheLawThatNeedsIt() throws Exception {
        Path file = file("runs.csv", grid("params,tokens,loss", (i, n, d, l) -> f("%s,%s,%s", n, d, l)));
        assertThat(fit(file, "--law", "three-term").err())
                .contains("there is no column for b (tokens/step), which three-term needs; the header has");
        assertThat(fit(file, "--law", "lr-surface").err())
                .contains("there is no column for lr, which lr-surface needs");
    }

    @Test
    void aTableWithoutAHeaderIsRefusedAsOne() throws Exception {
        String text = grid("params,tokens,loss", (i, n, d, l) -> f("%s,%s,%s", n, d, l));
        assertThat(fit(file("bare.csv", text.substring(text.indexOf('\n') + 1))).err())
                .contains("holds nothing but numbers", "write a line of headers before it");
    }

    @ParameterizedTest
    @CsvSource({"kaplan-cmin,C_min,c", "kaplan-ns,S_min,s"})
    void aLawOfAMinimumSaysWhatItTakesForIt(String law, String minimum, String column) throws Exception {
        Path file = file(
                "runs.csv", grid("params,tokens,batch_tokens,loss", (i, n, d, l) -> f("%s,%s,%s,%s", n, d, 262144, l)));
        assertThat(fit(file, "--law", law).notes())
                .contains(law + " is a law of " + minimum, "takes " + column + " for it, as it stands in the table");
    }

    /** expected.csv is by scipy_fits.py beside it. */
    @ParameterizedTest
    @CsvFileSource(resources = TABLES + "expected.csv", useHeadersInDisplayName = true)
    void everyTableGivesWhatScipyGives(String table, int rows, double e, double alpha, double beta) throws Exception {
        Answer answer = fit(resource(table));

        assertThat(answer.err()).isEmpty();
        assertThat(answer.json()
                        .at("/fits/0/rows")
                        .asInt(answer.json().at("/fits/0/residuals").size()))
                .isIn(rows, 0);
        assertThat(answer.parameter("E")).isCloseTo(e, within(1e-4 * e));
        assertThat(answer.parameter("alpha")).isCloseTo(alpha, within(1e-4));
        assertThat(answer.parameter("beta")).isCloseTo(beta, within(1e-4));
    }

    @Test
    void aMarkdownTableIsRead() throws Exception {
        Answer answer = fit(resource("table.md"));
        assertThat(answer.parameter("E")).isCloseTo(1.825593, within(1e-4));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "params,D/N,tokens,loss                                | %2$.0f,%5$.4f,%3$.0f,%4$.9f",
                "params,tokens/s,tokens,steps/sec,loss                 | %2$.0f,9e5,%3$.0f,1.5,%4$.9f",
                "params,throughput/tokens,tokens,loss                  | %2$.0f,577000,%3$.0f,%4$.9f",
                "params,tokens,tflops,TFLOPs/GPU,flops_per_token,loss  | %2$.0f,%3$.0f,312,39,3e8,%4$.9f",
                "params,tokens,achieved_tflops,perf/tflops,loss        | %2$.0f,%3$.0f,312,300,%4$.9f",
                "params,tokens,loss/token,loss                         | %2$.0f,%3$.0f,0.1,%4$.9f",
                "params,tokens,time/step,ms/iter,loss                  | %2$.0f,%3$.0f,0.7,700,%4$.9f",
                "params,tokens,w,l,s,d,n,loss                          | %2$.0f,%3$.0f,512,8,3,64,2,%4$.9f",
                "params,tokens,w,val_loss                              | %2$.0f,%3$.0f,%1$d,%4$.9f",
                "N_params,D_tokens,L_val,L_train                       | %2$.0f,%3$.0f,%4$.9f,9.5",
                "N (non-embedding),D (tokens),Loss (nats)              | %2$.0f,%3$.0f,%4$.9f",
                "Name,ID,params,tokens,_step,val_loss                  | base,x%1$d,%2$.0f,%3$.0f,1000,%4$.9f",
                "N,D,L,w                                               | %2$.0f,%3$.0f,%4$.9f,0.5",
                "params,tokens,eval/tokens,loss                        | %2$.0f,%3$.0f,1e6,%4$.9f",
                "embedding_params,params,tokens,loss                   | 4e7,%2$.0f,%3$.0f,%4$.9f",
                "params/1e6,tokens (1e9),loss                          | %6$.0f,%7$.3f,%4$.9f",
                "paramsM,tokens_in_billions,loss                       | %6$.0f,%7$.3f,%4$.9f",
                "params,tokens,loss_std,final_loss                     | %2$.0f,%3$.0f,0.01,%4$.9f",
                "params,tokens,aux_loss,lm_loss                        | %2$.0f,%3$.0f,0.01,%4$.9f",
                "params,tokens,loss,val_loss                           | %2$.0f,%3$.0f,9.5,%4$.9f",
                "params,tokens,train_loss,loss                         | %2$.0f,%3$.0f,9.5,%4$.9f",
                "params,tokens,train/loss,eval/loss                    | %2$.0f,%3$.0f,9.5,%4$.9f",
                "params,tokens,Loss (train),Loss (val)                 | %2$.0f,%3$.0f,9.5,%4$.9f",
                "params,tokens,trainLoss,valLoss                       | %2$.0f,%3$.0f,9.5,%4$.9f",
                "params,tokens,val_loss.min,val_loss                   | %2$.0f,%3$.0f,1.5,%4$.9f",
                "num_params_M,train_tokens_B,val_ppl                   | %6$.0f,%7$.3f,%8$.9f",
                "N(non-emb),tokens_seen,loss/eval                      | %2$.0f,%3$.0f,%4$.9f",
                "N (M - non-embedding),D (B tokens),L (nats/token)     | %6$.0f,%7$.3f,%4$.9f",
                "$N$ ($10^6$),$D$,$L_{\\text{val}}$                     | %6$.0f,%3$.0f,%4$.9f",
                "$\\mathrm{params}$,tokens,$L$                         | %2$.0f,%3$.0f,%4$.9f",
                "params,tokens,flops_e18,accuracy_%,val_loss           | %2$.0f,%3$.0f,1.5,31.2,%4$.9f",
                "params,tokens,train_loss,lm loss validation PPL       | %2$.0f,%3$.0f,9.5,%8$.9f",
                "params,tokens,val_loss,val_ppl                        | %2$.0f,%3$.0f,%4$.9f,%8$.5f",
                "params,tokens,bits_per_token                          | %2$.0f,%3$.0f,%9$.9f",
                "params,tokens,val_loss (bits/token)                   | %2$.0f,%3$.0f,%9$.9f",
                "params,tokens,val_bpb,val_loss                        | %2$.0f,%3$.0f,1.1,%4$.9f",
                "params,tokens,loss_pct,loss*100,log_loss,loss         | %2$.0f,%3$.0f,1.2,250,0.9,%4$.9f",
                "params,tokens,loss - E,delta_loss,loss_tokens,loss    | %2$.0f,%3$.0f,1.2,0.1,5,%4$.9f",
                "embedding.params,model.params,1/tokens,tokens,loss    | 4e7,%2$.0f,1e-9,%3$.0f,%4$.9f",
                "params,warmup.tokens,data.tokens,eval.steps,loss      | %2$.0f,1e8,%3$.0f,500,%4$.9f",
                "params,num_input_tokens_seen,epoch,eval_loss          | %2$.0f,%3$.0f,1,%4$.9f",
                "created_at,_timestamp,params,tokens,seed,loss         | 2024-03-01T12:00:00Z,171%1$d.5,%2$.0f,%3$.0f,1,%4$.9f"
            })
    void aHeaderIsBelievedInWhole(String header, String row) throws Exception {
        String text = grid(
                header.strip(),
                (number, n, d, loss) -> f(
                        row.strip(), number, n, d, loss, d / n, n / 1e6, d / 1e9, Math.exp(loss), loss / Math.log(2)));

        assertPlanted(fit(file("runs.csv", text)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "n,d,l",
                "params,tokens,l",
                "params,tokens,a_loss,b_loss",
                "params,tokens,val/loss,val_loss",
                "params,tokens,loss_std",
                "params,d,loss",
                "n,tokens,loss",
                "params,tokens,loss_bits",
                "params,tokens,loss (bits)",
                "params,tokens,log_loss",
                "params,tokens,loss_pct",
                "params,tokens,loss - E",
                "params,warmup/tokens,loss",
                "embedding.params,tokens,loss",
                "1/params,tokens,loss"
            })
    void whatMayHaveTwoReadingsIsRefused(String header) throws Exception {
        String[] names = header.split(",");
        String text = grid(header, (number, n, d, loss) -> Arrays.stream(names)
                .map(name -> switch (name) {
                    case "params" -> f("%.0f", n);
                    case "tokens" -> f("%.0f", d);
                    case "n" -> "2";
                    case "d" -> "512";
                    case "a_loss", "val/loss" -> f("%.9f", loss * 1.01);
                    default -> f("%.9f", loss);
                })
                .collect(Collectors.joining(",")));

        Answer answer = fit(file("runs.csv", text));

        assertThat(answer.status()).isEqualTo(1);
        assertThat(answer.err()).hasLineCount(1).contains("runs.csv", "--columns");
    }

    @Test
    void perplexitiesAreFittedByTheirLogarithm() throws Exception {
        Path named = file(
                "ppl.csv",
                grid(
                        "params,tokens,test_perplexity",
                        (number, n, d, loss) -> f("%.0f,%.0f,%.9f", n, d, Math.exp(loss))));
        Path unnamed = file(
                "loss.csv",
                grid("params,tokens,loss", (number, n, d, loss) -> f("%.0f,%.0f,%.9f", n, d, Math.exp(loss))));

        Answer answer = fit(named);

        assertPlanted(answer);
        assertThat(answer.notes())
                .contains("loss ← ln(test_perplexity)", "The loss is the logarithm of test_perplexity, a perplexity");
        assertThat(fit(named, "--columns", "loss=test_perplexity").err())
                .hasLineCount(1)
                .contains("'test_perplexity' holds perplexities", "--columns 'loss=ln(test_perplexity)'");
        assertThat(fit(unnamed).err())
                .hasLineCount(1)
                .contains("'loss' holds numbers about", "--columns 'loss=ln(loss)' where they are perplexities");
        assertPlanted(fit(unnamed, "--columns", "loss=ln(loss)"));
    }

    @ParameterizedTest
    @CsvSource({
        "val_bpb, bits per byte",
        "loss (bits/byte), bits per byte",
        "val_bpc, bits per character",
        "nll_per_word, nats per word",
        "byte_perplexity, nats per byte"
    })
    void aLossThatIsNotPerTokenIsFittedAsItStandsAndTold(String header, String unit) throws Exception {
        boolean perplexity = header.contains("perplexity");
        Answer answer = fit(file(
                "runs.csv",
                grid(
                        "params,tokens," + header,
                        (number, n, d, loss) -> f("%.0f,%.0f,%.9f", n, d, perplexity ? Math.exp(loss) : loss))));

        assertPlanted(answer);
        assertThat(answer.notes()).contains("The loss is in " + unit + ", as " + header + " says");
    }

    @Test
    void bitsThatDoNotSayOfWhatAreAskedAbout() throws Exception {
        Path file = file(
                "runs.csv",
                grid(
                        "params,tokens,val_loss_bits",
                        (number, n, d, loss) -> f("%.0f,%.0f,%.9f", n, d, loss / Math.log(2))));

        assertThat(fit(file).err())
                .hasLineCount(1)
                .contains("'val_loss_bits' counts bits and does not say of what", "loss=val_loss_bits*0.693147");
        assertPlanted(fit(file, "--columns", "loss=val_loss_bits*0.693147"));
    }

    @Test
    void cellsThatTellTheirUnitUnderAHeaderThatDoesAreRefused() throws Exception {
        Path file = file(
                "runs.csv",
                grid("params_M,tokens,loss", (number, n, d, loss) -> f("%.0fM,%.0f,%.9f", n / 1e6, d, loss)));

        assertThat(fit(file).err())
                .hasLineCount(1)
                .contains("line 2: column 'params_M'", "'50M', which tells its unit", "--columns n=params_M where");
        assertPlanted(fit(file, "--columns", "n=params_M"));
    }

    /** Decimal commas between commas, and R's names of rows, move every column without a word. */
    @Test
    void rowsLongerThanTheHeaderAreRefused() throws Exception {
        String commas = grid(
                "params,tokens,loss",
                (number, n, d, loss) -> f("%.0f,%.0f,", n, d) + f("%.9f", loss).replace('.', ','));
        String names = grid(
                "\"params\",\"tokens\",\"loss\"",
                (number, n, d, loss) -> f("\"%d\",%.0f,%.0f,%.9f", number + 1, n, d, loss));
        for (String text : List.of(commas, names)) {
            Answer answer = fit(file("runs.csv", text));
            assertThat(answer.status()).isEqualTo(1);
            assertThat(answer.err())
                    .hasLineCount(1)
                    .contains("runs.csv, line 2: the row has 4 cells and the header 3", "in quotes");
        }
        assertPlanted(fit(file(
                "runs.csv", grid("params,tokens,loss", (number, n, d, loss) -> f("%.0f,%.0f,%.9f,,", n, d, loss)))));
    }

    @Test
    void tokensOfTextSeenSeveralTimesAreAskedAbout() throws Exception {
        Row once = (number, n, d, loss) -> f("%.0f,%.9g,%d,%.9f", n, d / 4 * 1e-9, 4, loss);
        Path told = file("told.csv", grid("params,Tokens (B),epochs,val_loss", once));
        StringBuilder text = new StringBuilder("params,tokens,epochs,val_loss\n");
        for (double n : SIZES) {
            for (double d : DATA) {
                for (int epochs : new int[] {1, 4}) {
                    text.append(f("%.0f,%.0f,%d,%.9f\n", n, d, epochs, loss(n, d * epochs)));
                }
            }
        }
        Path asked = file("asked.csv", text.toString());

        assertThat(fit(told).notes()).contains("Epochs go up to 4: Tokens (B)*1E+9 are taken for those seen");
        assertPlanted(fit(told, "--columns", "d=Tokens (B)*1E+9*epochs"));
        assertThat(fit(asked).err())
                .hasLineCount(1)
                .contains("lines 2 and 3 have the same tokens and epochs of 1 and 4", "--columns d=tokens*epochs");
        assertPlanted(fit(asked, "--columns", "d=tokens*epochs"));
        assertThat(fit(asked, "--columns", "d=tokens").status()).isZero();
    }

    @Test
    void aBatchBelowTheContextCountsSequences() throws Exception {
        Path file = file(
                "runs.csv",
                grid(
                        "params,batch_size,seq_len,steps,val_loss",
                        (number, n, d, loss) -> f("%.0f,64,512,%.0f,%.9f", n / 1e4, d / 1e4 / 64 / 512, loss)));

        assertThat(fit(file).err())
                .hasLineCount(1)
                .contains("'batch_size' holds up to 64 and does not say of what", "b=batch_size*seq_len");
    }

    @Test
    void everyChoiceThatCouldHaveBeenAnotherIsTold() throws Exception {
        String text = grid(
                "run,params,total_params,tokens,loss,val_loss,test_loss",
                (number, n, d, loss) -> f("r%d,%.0f,%.0f,%.0f,3.1,%.9f,%.9f", number, n, n + 4e7, d, loss, loss + 0.1));

        Answer answer = fit(file("runs.csv", text));

        assertPlanted(answer);
        assertThat(answer.notes())
                .contains("n ← params, d ← tokens, loss ← val_loss, run ← run")
                .contains("n is read from params, not from total_params; --columns n=total_params")
                .contains("loss is read from val_loss, none of test_loss, loss");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "1     | 1     | 1e-18 | c=flops*1e18",
                "1e-9  | 1e-9  | 1     | n=params*1e9,d=tokens*1e9",
                "1e-6  | 1e-9  | 1     | n=params*1e6,d=tokens*1e9",
                "1     | 1e-9  | 1     | d=tokens*1e9",
                "1     | 4.8828125e-4 | 1 | d=tokens*2048"
            })
    void computeThatContradictsSizeAndDataIsAskedAbout(double un, double ud, double uc, String remedy)
            throws Exception {
        Path file = file(
                "runs.csv",
                grid(
                        "params,tokens,flops,val_loss",
                        (number, n, d, loss) -> f("%.6g,%.9g,%.9g,%.9f", n * un, d * ud, 6 * n * d * uc, loss)));

        Answer answer = fit(file);

        assertThat(answer.status()).isEqualTo(1);
        assertThat(answer.err()).hasLineCount(1).contains("times 6·params·tokens in every row", remedy, "c=none");
        assertPlanted(fit(file, "--columns", remedy));
        assertThat(fit(file, "--columns", "c=none").status()).isZero();
    }

    @Test
    void computeByAnotherAccountIsTakenAndTold() throws Exception {
        Answer answer = fit(file(
                "runs.csv",
                grid(
                        "params,tokens,flops,val_loss",
                        (number, n, d, loss) -> f("%.0f,%.0f,%.9g,%.9f", n, d, 7.5 * n * d, loss))));

        assertPlanted(answer);
        assertThat(answer.notes()).contains("Flops is 1.25 times 6·params·tokens in every row");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "2     | 2·N·D, the forward pass alone | c=flops*3",
                "3     | a multiplication and its addition counted as one | c=flops*2",
                "4     | 4·N·D, the backward pass alone | c=flops*1.5",
                "24    | tokens are seen 4 times | d=tokens*4",
                "10    | flops is 1.667 times | c=flops*0.6",
                "4.5   | flops is 0.75 times | c=flops*1.33333"
            })
    void computeByAConstantFactorIsAskedAboutWithWhatWouldSaySo(double perToken, String why, String remedy)
            throws Exception {
        Path file = file(
                "runs.csv",
                grid(
                        "params,tokens,flops,val_loss",
                        (number, n, d, loss) -> f(
                                "%.0f,%.0f,%.9g,%.9f",
                                n,
                                remedy.startsWith("d=") ? d / 4 : d,
                                (remedy.startsWith("d=") ? 6 : perToken) * n * d,
                                loss)));

        Answer answer = fit(file);

        assertThat(answer.status()).isEqualTo(1);
        assertThat(answer.err()).hasLineCount(1).contains(why, remedy, "c=flops where it is meant", "c=none");
        assertPlanted(fit(file, "--columns", remedy));
        Answer meant = fit(file, "--columns", "c=flops");
        assertThat(meant.status()).isZero();
        assertThat(meant.notes()).contains("taken as it is, as --columns says");
    }

    /** As in tables that count embeddings among the parameters: the quotient goes from 0.33 to 0.91. */
    @Test
    void computeWithoutTheEmbeddingsThatParametersHoldIsTakenAndTold() throws Exception {
        Answer answer = fit(file(
                "runs.csv",
                grid(
                        "params,tokens,flops,val_loss",
                        (number, n, d, loss) -> f("%.0f,%.0f,%.9g,%.9f", n, d, 6 * d * n * n / (n + 1e8), loss))));

        assertPlanted(answer);
        assertThat(answer.notes()).contains("(0.3333 to 0.9091) and nears one as params grows");
    }

    @Test
    void computeThatContradictsSomeRowsNamesTheFirst() throws Exception {
        Path file = file(
                "runs.csv",
                grid(
                        "params,tokens,flops,val_loss",
                        (number, n, d, loss) ->
                                f("%.0f,%.0f,%.9g,%.9f", n, d, (number % 5 == 2 ? 2 : 6) * n * d, loss)));

        Answer answer = fit(file);

        assertThat(answer.status()).isEqualTo(1);
        assertThat(answer.err())
                .hasLineCount(1)
                .contains("flops is not 6·params·tokens in 5 of 25 rows (line 4: 0.3333 times)", "c=none");
        assertPlanted(fit(file, "--columns", "c=none"));
    }

    @Test
    void computeIsComparedWithBatchTimesStepsWhereTokensFollowFromThem() throws Exception {
        Path file = file(
                "runs.csv",
                grid(
                        "params,batch_tokens,steps,flops,val_loss",
                        (number, n, d, loss) -> f("%.0f,%d,%.0f,%.9g,%.9f", n, 1000, d / 1000, 2 * n * d, loss)));

        Answer answer = fit(file);

        assertThat(answer.status()).isEqualTo(1);
        assertThat(answer.err()).hasLineCount(1).contains("6·params·batch_tokens·steps", "c=flops*3");
        assertPlanted(fit(file, "--columns", "c=flops*3"));
    }

    @Test
    void aRampOfTheBatchIsTold() throws Exception {
        Answer answer = fit(file(
                "runs.csv",
                grid(
                        "params,tokens,batch_tokens,steps,val_loss",
                        (number, n, d, loss) -> f("%.0f,%.0f,%d,%.0f,%.9f", n, d, 1000, d / 850, loss))));

        assertPlanted(answer);
        assertThat(answer.notes()).contains("tokens is 0.85 times batch_tokens·steps in every row, as after a ramp");
    }

    @Test
    void aBatchInSequencesIsExplainedByTheFactorFound() throws Exception {
        Row row = (number, n, d, loss) ->
                f("%.0f,%.0f,%d,%.0f,%.9f", n, d, 256 << number % 2, d / 1024 / (256 << number % 2), loss);
        Path vague = file("vague.csv", grid("params,tokens,batch_size,steps,val_loss", row));

        Answer answer = fit(vague);

        assertPlanted(answer);
        assertThat(answer.notes())
                .contains(
                        "tokens is 1024 times batch_size·steps", "1024 = the context?", "--columns b=batch_size*1024");
        assertThat(fit(vague, "--columns", "b=batch_size*1024").notes()).contains("b ← batch_size*1024");
        Answer surely = fit(file("sure.csv", grid("params,tokens,batch_tokens,steps,val_loss", row)));
        assertThat(surely.status()).isEqualTo(1);
        assertThat(surely.err()).hasLineCount(1).contains("1024 times batch_tokens·steps", "b=batch_tokens*1024");
    }

    @Test
    void aBatchThatAloneGivesTheDataMustSayWhatItCounts() throws Exception {
        Answer answer = fit(resource("22-bs.csv"));

        assertThat(answer.status()).isEqualTo(1);
        assertThat(answer.err()).hasLineCount(1).contains("'batch' holds up to 1024", "b=batch*2048", "b=batch where");
        assertThat(fit(resource("22-bs.csv"), "--columns", "b=batch*1024").status())
                .isZero();
    }

    @Test
    void billionsBesideFlopsAreAskedAboutWithTheRemedy() throws Exception {
        Answer answer = fit(resource("08-bill.csv"));
        assertThat(answer.status()).isEqualTo(1);
        assertThat(answer.err()).hasLineCount(1).contains("n=params*1e9,d=tokens*1e9");
    }

    /** A run of five points, one every tenth of its steps, whose batch is a million tokens. */
    private static String curves(String label, double drift) {
        StringBuilder text = new StringBuilder(label + ",step,params,tokens,train_loss,val_loss\n");
        int run = 0;
        for (double n : SIZES) {
            for (double d : DATA) {
                for (int point = 1; point <= 10; point++) {
                    double step = Math.rint(d / 1e6 * point / 10);
                    text.append(f(
                            "run-%d,%.0f,%.0f,%.0f,%.9f,%s\n",
                            run,
                            step,
                            n,
                            step * 1e6 * (1 + drift * point),
                            loss(n, step * 1e6) + 1,
                            point % 5 == 0 ? f("%.9f", loss(n, step * 1e6)) : ""));
                }
                run++;
            }
        }
        return text.toString();
    }

    @ParameterizedTest
    @ValueSource(strings = {"run", "name", "Name"})
    void curvesAreFittedByTheirEndsOnTheEvaluationLoss(String label) throws Exception {
        Answer answer = fit(file("runs.csv", curves(label, 0)));

        assertPlanted(answer);
        assertThat(answer.notes())
                .contains("loss ← val_loss", "run ← " + label)
                .contains("200 of 250 rows hold no val_loss (first line 2) and are left out")
                .contains("50 rows belong to 25 runs");
    }

    @Test
    void rowsOfOneRunThatAreNoCurveAreRefused() throws Exception {
        Path file = file("runs.csv", curves("run", 0.1));

        Answer answer = fit(file);

        assertThat(answer.status()).isEqualTo(1);
        assertThat(answer.err())
                .hasLineCount(1)
                .contains("rows of one 'run' do not look like one run: tokens per step go from", "--columns run=none");
        assertThat(fit(file, "--columns", "run=run").status()).isZero();
    }

    @Test
    void labelsOfSizesUnderTheNameRunAreRefused() throws Exception {
        String text = grid(
                "run,params,tokens,step,val_loss",
                (number, n, d, loss) -> f("gpt-%.0fM,%.0f,%.0f,%.0f,%.9f", n / 1e6, n, d, d / 1048576, loss));
        Path file = file("runs.csv", text);

        assertThat(fit(file).err()).hasLineCount(1).contains("'run' names the model's size");
        assertPlanted(fit(file, "--columns", "run=none"));
        assertPlanted(fit(file("name.csv", text.replaceFirst("run", "name"))));
        assertPlanted(fit(file("id.csv", text.replaceFirst("run", "id").replace("gpt-50M", "tiny"))));
    }

    /** Every loss at its best rate among others that did worse, as in the public grids of rates and batches. */
    @ParameterizedTest
    @ValueSource(strings = {"tokens", "steps"})
    void lawsOfTheBatchAreFittedAtTheBestRateOfEachBatch(String length) throws Exception {
        StringBuilder tuned = new StringBuilder("params,batch_tokens," + length + ",lr,loss\n");
        StringBuilder all = new StringBuilder(tuned);
        for (double n : SIZES) {
            for (double d : DATA) {
                for (double b : new double[] {65_536, 524_288, 4_194_304}) {
                    double loss = E + 400 / Math.pow(n, ALPHA) + 30 / Math.pow(d / b, .4) + 20 / Math.pow(b, .3);
                    for (double factor : new double[] {.5, 1, 2, 16}) {
                        String row = f(
                                "%.0f,%.0f,%.6f,%.5f,%.9f%n",
                                n,
                                b,
                                length.equals("steps") ? d / b : d,
                                .002 * factor,
                                loss + .1 * Math.abs(Math.log(factor)));
                        all.append(row);
                        tuned.append(factor == 1 ? row : "");
                    }
                }
            }
        }
        Answer expected = fit(file("tuned.csv", tuned.toString()), "--law", "steps-batch");
        Answer answer = fit(file("rates.csv", all.toString()), "--law", "steps-batch");

        assertThat(answer.notes())
                .contains("differ in lr: of each of the 75 the best is fitted (75 rows) by laws of the batch");
        for (String name : List.of("alpha", "beta", "gamma")) {
            assertThat(answer.json().at("/fits/1/parameters/" + name + "/value").asDouble())
                    .isCloseTo(
                            expected.json()
                                    .at("/fits/1/parameters/" + name + "/value")
                                    .asDouble(),
                            within(1e-9));
        }
        assertThat(answer.notes()).contains("of each of the 25 sizes the best is fitted (25 rows)");
        assertThat(fit(file("rates.csv", all.toString()), "--law", "steps-batch", "--every-row")
                        .notes())
                .doesNotContain("the best is fitted");
    }

    @Test
    void ofHyperparametersTheBestOfEachSizeIsFittedAndTold() throws Exception {
        StringBuilder text = new StringBuilder("params,tokens,lr,weight_decay,seed,runtime,val_loss\n");
        for (double n : SIZES) {
            for (double d : DATA) {
                for (int rate = 0; rate < 3; rate++) {
                    for (int decay = 0; decay < 2; decay++) {
                        for (int seed = 0; seed < 2; seed++) {
                            text.append(f(
                                    "%.0f,%.0f,%s,%s,%d,%d,%.9f\n",
                                    n,
                                    d,
                                    List.of("1e-4", "3e-4", "1e-3").get(rate),
                                    List.of("0.1", "0.01").get(decay),
                                    seed,
                                    text.length(),
                                    loss(n, d) + 0.1 * Math.abs(rate - 1) + 0.05 * decay + (seed == 0 ? 1e-4 : -1e-4)));
                        }
                    }
                }
            }
        }
        Path file = file("runs.csv", text.toString());

        Answer answer = fit(file);

        assertPlanted(answer);
        assertThat(answer.notes())
                .contains(
                        "differ in lr, weight_decay: of each of the 25 sizes the best is fitted (50 rows)",
                        "--every-row");
        assertThat(fit(file, "--every-row").parameter("E")).isGreaterThan(E + 0.02);
    }

    private static List<String[]> planted() {
        List<String[]> rows = new ArrayList<>();
        for (double n : SIZES) {
            for (double d : DATA) {
                rows.add(new String[] {f("%.0f", n), f("%.0f", d), f("%.9f", loss(n, d))});
            }
        }
        return rows;
    }

    private static String joined(String pattern, String between) {
        return planted().stream().map(row -> f(pattern, (Object[]) row)).collect(Collectors.joining(between));
    }

    @Test
    void jsonIsReadInEveryUsualShape() throws Exception {
        String object =
                "{\"config\": {\"params\": %s, \"lr\": {\"value\": 1e-3}}, \"summary\": {\"tokens\": %s, \"eval\":"
                        + " {\"loss\": %s}, \"history\": [1, 2]}}";
        assertPlanted(fit(file("a.jsonl", joined(object, "\n"))));
        assertPlanted(fit(file("b.json", "[" + joined(object, ",\n") + "]")));
        assertPlanted(fit(file("c.json", "{\"made\": \"by hand\", \"runs\": [" + joined(object, ",") + "]}")));
        assertPlanted(fit(file(
                "d.json",
                "{\"columns\":[\"params\",\"tokens\",\"val_loss\"],\"index\":[0],\"data\":[" + joined("[%s,%s,%s]", ",")
                        + "]}")));
        StringBuilder columns = new StringBuilder("{");
        StringBuilder lists = new StringBuilder("{");
        String[] names = {"params", "tokens", "val_loss"};
        for (int i = 0; i < names.length; i++) {
            int at = i;
            List<String[]> rows = planted();
            List<String> cells = new ArrayList<>();
            for (int row = 0; row < rows.size(); row++) {
                cells.add("\"" + row + "\":" + rows.get(row)[at]);
            }
            columns.append(i == 0 ? "" : ",").append("\"" + names[i] + "\":{" + String.join(",", cells) + "}");
            lists.append(i == 0 ? "" : ",")
                    .append("\"" + names[i] + "\":["
                            + rows.stream().map(row -> row[at]).collect(Collectors.joining(",")) + "]");
        }
        assertPlanted(fit(file("e.json", columns + "}")));
        assertPlanted(fit(file("f.json", lists + "}")));
    }

    @Test
    void aMistakeInJsonLinesIsNamedByItsLine() throws Exception {
        String lines = joined("{\"params\": %s, \"tokens\": %s, \"loss\": %s}", "\n");
        Path nan = file("nan.jsonl", lines + "\n{\"params\": 1e9, \"tokens\": 2e9, \"loss\": NaN}\n");
        Path broken = file("broken.jsonl", lines + "\n{\"params\": 1e9,\n");

        assertThat(fit(nan).err()).hasLineCount(1).contains("nan.jsonl, line 26: column 'loss'", "'NaN'");
        assertThat(fit(broken).err()).hasLineCount(1).contains("broken.jsonl, line", "not JSON");
    }

    @Test
    void headersOfSeveralLinesAreJoined() throws Exception {
        String rows = joined("%s,%s,%s,0.01", "\n");
        assertPlanted(fit(file("a.csv", "params,tokens,val_loss,val_loss\n,,mean,std\n" + rows)));
        assertPlanted(fit(file("b.csv", ",,val_loss,val_loss\n,,mean,std\nparams,tokens,,\n" + rows)));
        assertPlanted(fit(file("c.csv", "params,tokens,val_loss,\n,,mean,std\n" + rows)));
        String units = planted().stream()
                .map(row -> f("%s,%s,%s", Double.parseDouble(row[0]) / 1e6, Double.parseDouble(row[1]) / 1e9, row[2]))
                .collect(Collectors.joining("\n"));
        assertPlanted(fit(file("d.csv", "params,tokens,loss\n(M),(B),(nats)\n" + units)));
    }

    @Test
    void thePanelOfATrackerIsTurned() throws Exception {
        StringBuilder header = new StringBuilder("\"tokens\"");
        for (double n : SIZES) {
            for (String suffix : List.of("", "__MIN", "__MAX")) {
                header.append(f(",\"gpt-%.0fM - eval/loss%s\"", n / 1e6, suffix));
            }
        }
        StringBuilder text = new StringBuilder(header).append('\n');
        for (double d : DATA) {
            text.append(f("\"%.0f\"", d));
            for (double n : SIZES) {
                text.append(f(",\"%1$.9f\",\"%1$.9f\",\"%1$.9f\"", loss(n, d)));
            }
            text.append('\n');
        }

        Answer answer = fit(file("panel.csv", text.toString()));

        assertPlanted(answer);
        assertThat(answer.notes())
                .contains("export of a panel: 5 runs with eval/loss along tokens", "size in each run's name");
    }

    @Test
    void spreadsheetsTextIsReadByItsMarks() throws Exception {
        String semicolons =
                "sep=;\r\nparams;tokens;loss\r\n" + joined("%s;%s;%s", "\r\n").replace('.', ',') + "\r\n";
        assertPlanted(fit(file("a.csv", semicolons)));
        for (String name : List.of("UTF-16LE", "UTF-16BE")) {
            Path file = folder.resolve(name + ".csv");
            Files.write(file, ("\uFEFF" + semicolons.replace(';', '\t')).getBytes(Charset.forName(name)));
            assertPlanted(fit(file));
        }
        String broken = semicolons.replaceFirst("(?s)(.*\r\n)([^;]*;[^;]*;)[^;]*\r\n$", "$1$2many\r\n");
        assertThat(fit(file("b.csv", broken)).err()).contains("line 27: column 'loss'");
    }

    @Test
    void parquetIsReadWithItsStructs() throws Exception {
        MessageType schema = MessageTypeParser.parseMessageType(
                "message run { required binary name (STRING); required group config { required int64 params; optional"
                        + " double lr; } required int64 tokens; repeated float history; required double val_loss; }");
        Path file = folder.resolve("runs.parquet");
        try (var writer = ExampleParquetWriter.builder(new LocalOutputFile(file))
                .withType(schema)
                .build()) {
            for (String[] row : planted()) {
                Group group = new SimpleGroup(schema);
                group.add("name", "r" + row[0] + "-" + row[1]);
                group.addGroup("config").add("params", Long.parseLong(row[0]));
                group.add("tokens", Long.parseLong(row[1]));
                group.add("history", 1f);
                group.add("val_loss", Double.parseDouble(row[2]));
                writer.write(group);
            }
        }

        Answer answer = fit(file);

        assertPlanted(answer);
        assertThat(answer.notes()).contains("n ← config.params", "run ← name");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "504b0304 | an Excel workbook",
                "d0cf11e0 | an old Excel workbook",
                "934e554d5059 | a NumPy file",
                "4152524f5731 | an Arrow or Feather file",
                "fd377a585a00 | packed by xz"
            })
    void whatIsNoTableIsNamed(String magic, String what) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = 0; i < magic.strip().length(); i += 2) {
            bytes.write(Integer.parseInt(magic.strip().substring(i, i + 2), 16));
        }
        bytes.write("rest".getBytes(StandardCharsets.UTF_8));
        Path file = Files.write(folder.resolve("runs.xlsx"), bytes.toByteArray());

        Answer answer = fit(file);

        assertThat(answer.status()).isEqualTo(1);
        assertThat(answer.err()).hasLineCount(1).contains("runs.xlsx", "this is " + what);
    }

    @Test
    void refusalsOfTheDataNameLinesOfTheFile() throws Exception {
        String text = "# made by hand\n"
                + grid("params,tokens,loss", (number, n, d, loss) -> f("%.0f,%.0f,%.9f", n, d, loss));
        assertThat(fit(file("a.csv", text + "\n\n5e7,6e9,-1\n")).err()).contains("Line 30 has loss = -1");
        assertThat(fit(file("b.csv", text + "5e7,6e9,3\n5e7,6e9,3\n")).err()).contains("Lines 28 and 29 are equal");
    }

    @Test
    void oneSizeAndComputeAloneAreFittedByTheirLaws() throws Exception {
        StringBuilder one = new StringBuilder("params,tokens,loss\n");
        StringBuilder work = new StringBuilder("flops,loss\n");
        for (int i = 0; i < 10; i++) {
            double d = 1e9 * Math.pow(2, i);
            one.append(f("1e8,%.0f,%.9f\n", d, loss(1e8, d)));
            work.append(f("%.0f,%.9f\n", 6e8 * d, 1.5 + 400 * Math.pow(6e8 * d, -0.15)));
        }
        Answer data = execute(
                "fit",
                "--bootstrap",
                "0",
                "--json",
                "--runs",
                file("one.csv", one.toString()).toString());
        Answer compute = execute(
                "fit",
                "--bootstrap",
                "0",
                "--json",
                "--runs",
                file("c.csv", work.toString()).toString());

        assertThat(data.json().at("/fits").findValuesAsText("law")).contains("kaplan-d-irreducible");
        assertThat(compute.json().at("/fits").findValuesAsText("law")).contains("kaplan-c-irreducible");
    }

    @Test
    void aPlanSaysWhatItsFitSaidOfUnits() throws Exception {
        Path file = file(
                "runs.csv",
                grid("params,tokens,loss", (number, n, d, loss) -> f("%.6g,%.6g,%.9f", n / 1e9, d / 1e9, loss)));
        execute(
                "fit",
                "--law",
                "chinchilla",
                "--bootstrap",
                "20",
                "--runs",
                file.toString(),
                "--output",
                folder.toString());

        Answer plan = execute("plan", folder.resolve("fits.json").toString(), "--flops", "1e20", "--extrapolate");

        assertThat(plan.status()).isZero();
        assertThat(plan.out()).contains("n seems to be counted in millions or billions", "d seems to be counted");
        Answer missing = execute("plan", folder.resolve("none.json").toString(), "--flops", "1e20");
        assertThat(missing.status()).isEqualTo(1);
        assertThat(missing.err()).hasLineCount(1).contains("none.json: there is no such file");
        Answer nowhere = execute("plan", folder.resolve("nowhere").toString(), "--flops", "1e20");
        assertThat(nowhere.status()).isEqualTo(1);
        assertThat(nowhere.err()).hasLineCount(1).contains("nowhere: there is no such file or directory");
    }
}
