package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.corpus.StoredTokenizer;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.executor.TrainerProbe;
import dev.powersweep.orchestrator.executor.host.HostCache;
import dev.powersweep.orchestrator.executor.host.HostScratch;
import dev.powersweep.orchestrator.executor.host.RunnableFolder;
import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.report.sections.SampleText;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.SampleRequest;
import dev.powersweep.worker.shard.ShardManifest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.hadoop.conf.Configuration;

/**
 * A text by a sweep's best cell for its report, drawn while the laws are fitted. That there is none never keeps a report
 * from being written.
 */
final class BestSample {
    private static final int PROMPT_TOKENS = 64;
    private static final int TOKENS = 300;
    /** A cell that was trained on fewer writes letters by chance. */
    private static final long FEWEST_TRAINED_TOKENS = 30_000;
    /** For drawing; a large cell's text is shorter. */
    private static final double DRAWING_SECONDS = 10;
    /** With the start of a process and the reading of a checkpoint. */
    private static final Duration LIMIT = Duration.ofSeconds(30);
    /** Of a held-out file, which is read as a whole. */
    private static final long MOST_BYTES = 64L << 20;

    /** Whether a text is drawn. */
    enum When {
        NOW,
        /** On this machine no trainer has run, and a process more may be too much for it. */
        LATER
    }

    /**
     * What came of it.
     *
     * @param trouble why there is no text where one was to be expected
     */
    record Drawn(Optional<SampleText> text, Optional<String> trouble) {
        static final Drawn NOTHING = new Drawn(Optional.empty(), Optional.empty());

        static Drawn trouble(String why) {
            return new Drawn(Optional.empty(), Optional.of(why));
        }
    }

    private final FutureTask<Drawn> drawing;

    private BestSample(FutureTask<Drawn> drawing) {
        this.drawing = drawing;
    }

    /** Begins to draw. */
    static BestSample begin(SweepResults results, SweepDirectory directory, Configuration configuration, When when) {
        FutureTask<Drawn> drawing = new FutureTask<>(() -> drawn(results, directory, configuration, when));
        Thread thread = new Thread(drawing, "sample of the best cell");
        thread.setDaemon(true);
        thread.start();
        return new BestSample(drawing);
    }

    /** Waits for it, within bounds. */
    Drawn drawn() {
        try {
            return drawing.get(2 * LIMIT.toSeconds(), TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            return Drawn.trouble("it took too long");
        } catch (ExecutionException e) {
            return Drawn.trouble(String.valueOf(e.getCause().getMessage()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Drawn.trouble("it was interrupted");
        }
    }

    private static Drawn drawn(SweepResults results, SweepDirectory directory, Configuration configuration, When when)
            throws IOException, InterruptedException {
        Optional<CellResult> best = results.usable().stream()
                .filter(cell -> cell.validationLoss().isPresent())
                .min(Comparator.comparingDouble(cell -> cell.validationLoss().getAsDouble()));
        if (best.isEmpty()) {
            return Drawn.NOTHING;
        }
        Optional<CellRecord> record =
                LedgerReader.open(directory, configuration).cell(best.get().id());
        if (record.isEmpty()
                || record.get().cell().program().isPresent()
                || record.get().cell().tokens() < FEWEST_TRAINED_TOKENS) {
            return Drawn.NOTHING;
        }
        if (when == When.LATER) {
            return Drawn.trouble("powersweep report " + directory.root() + " draws one");
        }
        return draw(best.get(), record.get(), directory, configuration);
    }

    private static Drawn draw(CellResult best, CellRecord record, SweepDirectory directory, Configuration configuration)
            throws IOException, InterruptedException {
        try {
            RunnableFolder.requireTemporary();
            String corpus = record.cell().data().corpusHash();
            StoredTokenizer tokenizer = StoredTokenizer.of(directory, corpus, Optional.empty(), configuration);
            int[] prompt = prompt(directory, corpus, configuration).orElseGet(() -> tokenizer.encode("\n"));
            try (HostScratch scratch = HostCache.ofUser().scratchForCommand()) {
                Path state = NewestState.of(record, directory, configuration, scratch);
                List<String> said = new CopyOnWriteArrayList<>();
                TrainerProbe.Ended ended = TrainerProbe.confined(
                        SampleCommand.SAMPLER,
                        List.of(state.toString()),
                        CellJson.line(new SampleRequest(prompt, TOKENS, 1, 1, 0, DRAWING_SECONDS)),
                        said::add,
                        Optional.of(LIMIT));
                if (ended.status() != 0) {
                    return Drawn.trouble(
                            said.isEmpty()
                                    ? "it was not there within " + LIMIT.toSeconds() + " s"
                                    : said.get(said.size() - 1));
                }
                String given = tokenizer.decode(prompt);
                String written = tokenizer.decode(CellJson.read(ended.text(), int[].class));
                return new Drawn(
                        Optional.of(new SampleText(
                                record.name(), best.validationLoss().getAsDouble(), given, written)),
                        Optional.empty());
            }
        } catch (UserError | IllegalArgumentException e) {
            return Drawn.trouble(e.getMessage());
        }
    }

    /** The beginning of the held-out text. */
    private static Optional<int[]> prompt(SweepDirectory directory, String corpus, Configuration configuration)
            throws IOException {
        Storage storage = directory.storage(configuration);
        org.apache.hadoop.fs.Path home = directory.corpus(corpus);
        ShardManifest manifest = CellJson.read(
                new String(
                        storage.read(new org.apache.hadoop.fs.Path(home, ShardManifest.FILE_NAME)),
                        StandardCharsets.UTF_8),
                ShardManifest.class);
        Optional<ShardManifest.TokenFile> held = manifest.evaluation().stream()
                .filter(file -> file.name().equals(ShardManifest.VALIDATION))
                .filter(file -> file.tokens() <= MOST_BYTES / manifest.type().bytes())
                .findFirst();
        if (held.isEmpty()) {
            return Optional.empty();
        }
        ByteBuffer bytes = ByteBuffer.wrap(
                        storage.read(Storage.child(home, held.get().file())))
                .order(ByteOrder.LITTLE_ENDIAN);
        int[] tokens = new int
                [Math.min(PROMPT_TOKENS, bytes.remaining() / manifest.type().bytes())];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = switch (manifest.type()) {
                case UINT8 -> Byte.toUnsignedInt(bytes.get());
                case UINT16 -> Short.toUnsignedInt(bytes.getShort());
                case UINT32 -> bytes.getInt();
            };
        }
        return tokens.length == 0 ? Optional.empty() : Optional.of(tokens);
    }
}
