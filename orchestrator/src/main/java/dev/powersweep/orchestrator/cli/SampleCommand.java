package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.corpus.StoredTokenizer;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.executor.TrainerProbe;
import dev.powersweep.orchestrator.executor.host.HostCache;
import dev.powersweep.orchestrator.executor.host.HostScratch;
import dev.powersweep.orchestrator.executor.host.RunnableFolder;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.text.Shown;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.SampleRequest;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code powersweep sample}: what a trained cell writes, so that people see what its loss reads like; starts no Spark. */
@Command(
        name = "sample",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Lets a trained cell go on with a text. Needs no living driver.")
public final class SampleCommand implements Callable<Integer> {
    /** Of the trainer's jar. */
    static final String SAMPLER = "dev.powersweep.worker.trainer.SampleMain";

    /** Longer ones would be a mistake: a token costs a pass over the whole context. */
    private static final int MOST_TOKENS = 100_000;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Mixin
    private CellChoice choice = new CellChoice();

    @Option(names = "--prompt", paramLabel = "TEXT", description = "Text to go on from (default: a new line).")
    private String prompt = "\n";

    @Option(
            names = "--prompt-tokens",
            paramLabel = "IDS",
            split = ",",
            description = "Token ids to go on from, separated by commas, in place of a text.")
    private List<Integer> promptTokens = List.of();

    @Option(names = "--tokens", paramLabel = "N", description = "Tokens to draw (default: ${DEFAULT-VALUE}).")
    private int tokens = 200;

    @Option(names = "--seed", paramLabel = "S", description = "Of the draws (default: ${DEFAULT-VALUE}).")
    private long seed = 1;

    @Option(
            names = "--temperature",
            paramLabel = "T",
            description = "1 draws from what the model expects, less prefers the likelier, 0 takes the likeliest"
                    + " (default: ${DEFAULT-VALUE}).")
    private double temperature = 1;

    @Option(names = "--top-k", paramLabel = "K", description = "Draw from the K likeliest alone (default: from all).")
    private int topK;

    @Option(
            names = "--tokenizer",
            paramLabel = "FILE",
            description = "The tokenizer.json that the corpus was tokenised with, where one was.")
    private Optional<String> tokenizerFile = Optional.empty();

    @Option(names = "--json", description = "Prompt, text and token ids as JSON.")
    private boolean json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (tokens > MOST_TOKENS) {
            throw new UserError("--tokens " + tokens + " is above " + MOST_TOKENS + "; ask for fewer");
        }
        Configuration configuration = HadoopSettings.configuration();
        SweepDirectory directory = choice.directory(configuration);
        CellRecord record = choice.in(directory, configuration);
        RunnableFolder.requireTemporary();
        try (HostScratch scratch = HostCache.ofUser().scratchForCommand()) {
            Path state = NewestState.of(record, directory, configuration, scratch);
            Optional<StoredTokenizer> tokenizer = json && !promptTokens.isEmpty()
                    ? Optional.empty()
                    : Optional.of(StoredTokenizer.of(
                            directory, record.cell().data().corpusHash(), tokenizerFile, configuration));
            int[] first = promptTokens.isEmpty()
                    ? tokenizer.orElseThrow().encode(prompt)
                    : promptTokens.stream().mapToInt(Integer::intValue).toArray();
            Optional<int[]> drawn = draw(record.cell(), state, first);
            if (drawn.isEmpty()) {
                return CommandLine.ExitCode.SOFTWARE;
            }
            show(new Sample(
                    record.name(),
                    tokenizer.map(known -> known.decode(first)),
                    tokenizer.map(known -> known.decode(drawn.get())),
                    first,
                    drawn.get()));
        }
        return CommandLine.ExitCode.OK;
    }

    private Optional<int[]> draw(Cell trained, Path state, int[] first) throws IOException, InterruptedException {
        int vocabulary = trained.shape().vocabulary();
        for (int token : first) {
            if (token < 0 || token >= vocabulary) {
                throw new UserError("--prompt-tokens names the token " + token + ", and the cell's vocabulary has "
                        + vocabulary + "; its tokens are 0 to " + (vocabulary - 1));
            }
        }
        SampleRequest request;
        try {
            request = new SampleRequest(first, tokens, seed, temperature, topK);
        } catch (IllegalArgumentException e) {
            throw new UserError("what to draw: " + e.getMessage(), e);
        }
        TrainerProbe.Ended ended = TrainerProbe.confined(SAMPLER, List.of(state.toString()), CellJson.line(request));
        return ended.status() == 0 ? Optional.of(CellJson.read(ended.text(), int[].class)) : Optional.empty();
    }

    private void show(Sample sample) {
        PrintWriter out = command.commandLine().getOut();
        if (json) {
            out.println(Shown.json(sample.json()));
        } else {
            out.println(sample.prompt().orElse("") + sample.text().orElse(""));
        }
        out.flush();
    }
}
