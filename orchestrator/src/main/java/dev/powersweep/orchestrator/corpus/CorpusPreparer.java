package dev.powersweep.orchestrator.corpus;

import dev.powersweep.orchestrator.grid.CorpusFacts;
import dev.powersweep.orchestrator.spec.CorpusSpec;
import dev.powersweep.orchestrator.spec.EvaluationSpec;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.TokenizerSpec;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.shard.ShardManifest;
import dev.powersweep.worker.shard.ShardManifest.TokenFile;
import dev.powersweep.worker.shard.TokenType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.Path;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.sql.SparkSession;

/**
 * Text to tokens to shards, once per corpus and tokenizer.
 *
 * <p>Guarantees: the tokens depend on the text, the split and the tokenizer alone, not on the files' names and order or
 * on the number of tasks; a corpus that is found in the directory is whole. Does not cover: training text that an extra
 * evaluation set holds as well.
 */
public final class CorpusPreparer {
    private static final Logger LOG = LogManager.getLogger(CorpusPreparer.class);

    private final SparkSession session;
    private final CorpusSpec corpus;
    private final TokenizerSpec tokenizer;
    /** Of a tokenizer that was made elsewhere. */
    private final Optional<LibraryTokenizer> published;

    private final String tokenizerName;
    private final CorpusRecipe recipe;
    private final CorpusInput input;
    private final CorpusJob job;
    private final CorpusDigest digest;
    private final String hash;
    private Optional<BytePairs> pairs = Optional.empty();

    private CorpusPreparer(
            SparkSession session, CorpusSpec corpus, TokenizerSpec tokenizer, List<EvaluationSpec.Set> extra) {
        this.session = session;
        this.corpus = corpus;
        this.tokenizer = tokenizer;
        this.published = LibraryTokenizer.of(tokenizer, session.sparkContext().hadoopConfiguration());
        this.tokenizerName = published.map(LibraryTokenizer::describe).orElseGet(tokenizer::describe);
        this.input = CorpusInput.open(session, corpus, extra);
        this.recipe = CorpusRecipe.of(corpus, tokenizerName, extra, input.heldOutGiven());
        this.job = new CorpusJob(session, input, recipe);
        this.digest = job.digest(inputForm());
        this.hash = digest.hash(recipe.description());
        tell();
        requireBothSides();
    }

    private void tell() {
        LOG.info("corpus: read {}", input.files().summary());
        input.files().leftOut().forEach(clause -> LOG.warn("corpus: not read: {}", clause));
        if (digest.withoutText() > 0) {
            LOG.warn("corpus: {} rows or lines hold no text", digest.withoutText());
        }
    }

    private void requireBothSides() {
        long train = digest.blocks(CorpusRecipe.TRAIN);
        long held = digest.blocks(CorpusRecipe.VALIDATION);
        if (train + held == 0) {
            throw new UserError(
                    "the corpus is empty: there is no training text in it; name other files in corpus.text");
        }
        if (train > 0 && held > 0) {
            return;
        }
        boolean tokens = corpus.source() instanceof CorpusSpec.Source.Tokens;
        String what = tokens ? "tokens" : "text";
        if (2 * digest.differentBlocks() <= train + held && digest.differentBlocks() < CorpusDigest.MANY) {
            throw new UserError(
                    "the " + what + " repeats itself: its " + (train + held) + " blocks of some 4 KiB are only "
                            + digest.differentBlocks()
                            + " different ones, and equal blocks go to the same side, so that none is left"
                            + (train == 0 ? " to train on" : " to hold out")
                            + (tokens
                                    ? "; give held-out files as corpus.tokens.validation"
                                    : "; take text with less repetition, or a directory with the splits train and validation"));
        }
        throw new UserError("the " + what + " is too short to hold " + corpus.validationFraction()
                + " of it out: it has "
                + (train + held) + " blocks of some 4 KiB and none for "
                + (train == 0 ? "training" : "evaluation") + "; take more " + what
                + (train == 0 ? ", or lower corpus.validationFraction" : ", or raise corpus.validationFraction"));
    }

    /** What was read; the files that a directory holds and that were left out are among it. */
    public ReadFiles read() {
        return input.files();
    }

    /** Rows of tables and lines of JSON Lines that hold no text. */
    public long withoutText() {
        return digest.withoutText();
    }

    /**
     * Reads and checks a specification's text once, for facts and preparation after it.
     *
     * @throws UserError naming the path, file or column that is missing or unreadable
     */
    public static CorpusPreparer open(SparkSession session, SweepSpec spec) {
        return new CorpusPreparer(
                session, spec.corpus(), spec.tokenizer(), spec.evaluation().sets());
    }

    /** {@link #prepare(SparkSession, CorpusSpec, TokenizerSpec, List, SweepDirectory)} of a specification. */
    public static PreparedCorpus prepare(SparkSession session, SweepSpec spec, SweepDirectory directory) {
        return prepare(
                session, spec.corpus(), spec.tokenizer(), spec.evaluation().sets(), directory);
    }

    /**
     * Finds the corpus in the directory, or tokenises it into {@code DIR/corpus/<hash>}.
     *
     * @throws UserError naming the path, file or column that is missing or unreadable
     */
    public static PreparedCorpus prepare(
            SparkSession session,
            CorpusSpec corpus,
            TokenizerSpec tokenizer,
            List<EvaluationSpec.Set> extraSets,
            SweepDirectory directory) {
        return new CorpusPreparer(session, corpus, tokenizer, extraSets).prepare(directory);
    }

    /** The facts of the corpus that {@link #prepare} would give; nothing is written. */
    public static CorpusFacts facts(SparkSession session, SweepSpec spec, Optional<SweepDirectory> directory) {
        return new CorpusPreparer(
                        session,
                        spec.corpus(),
                        spec.tokenizer(),
                        spec.evaluation().sets())
                .facts(directory);
    }

    /** As the static one; what {@link #facts(Optional)} has learnt is used. */
    public PreparedCorpus prepare(SweepDirectory directory) {
        CorpusStore store = new CorpusStore(directory, session.sparkContext().hadoopConfiguration());
        Optional<PreparedCorpus> stored = store.find(hash);
        if (stored.isPresent()) {
            LOG.info("corpus {} is already tokenised in {}", hash, stored.get().directory());
            return stored.get();
        }
        long start = System.nanoTime();
        BlockForm form = storedForm();
        Path temporary = store.temporary(hash);
        boolean done = false;
        try {
            List<TokenPart> parts = job.store(form, temporary);
            List<TokenFile> files = new ArrayList<>();
            for (int set = 0; set < recipe.sets().size(); set++) {
                int wanted = set;
                files.add(withTextBytes(store.concatenate(
                        temporary,
                        recipe.sets().get(set),
                        parts.stream().filter(part -> part.set() == wanted).toList())));
            }
            if (form instanceof BlockForm.TextAsPairs learnt) {
                store.write(
                        new Path(temporary, BytePairs.FILE_NAME), learnt.pairs().json());
            }
            store.write(new Path(temporary, ReadFiles.FILE_NAME), CellJson.line(input.files()) + "\n");
            PreparedCorpus prepared = store.commit(temporary, manifest(files));
            done = true;
            LOG.info(
                    "corpus {}: {} training tokens of {} in {} s",
                    hash,
                    String.format(
                            Locale.ROOT, "%,d", prepared.manifest().train().tokens()),
                    tokenizerName,
                    String.format(Locale.ROOT, "%.1f", (System.nanoTime() - start) / 1e9));
            return prepared;
        } catch (IOException | FSError e) {
            throw new UserError(CorpusStore.notStored(temporary.getParent(), e), e);
        } finally {
            if (!done) {
                store.discard(temporary);
            }
        }
    }

    private ShardManifest manifest(List<TokenFile> files) {
        return new ShardManifest(
                ShardManifest.FORMAT,
                hash,
                tokenizerName,
                vocabulary(),
                TokenType.forVocabulary(vocabulary()),
                files.get(CorpusRecipe.TRAIN),
                files.subList(CorpusRecipe.VALIDATION, files.size()));
    }

    /** The facts of the corpus that {@link #prepare(SweepDirectory)} would give; nothing is written. */
    public CorpusFacts facts(Optional<SweepDirectory> directory) {
        Optional<PreparedCorpus> stored = directory.flatMap(
                place -> new CorpusStore(place, session.sparkContext().hadoopConfiguration()).find(hash));
        if (stored.isPresent()) {
            return stored.get().facts();
        }
        long[] tokens = countTokens();
        List<CorpusFacts.EvaluationSet> evaluation = new ArrayList<>();
        for (int set = CorpusRecipe.VALIDATION; set < tokens.length; set++) {
            evaluation.add(new CorpusFacts.EvaluationSet(recipe.sets().get(set), tokens[set]));
        }
        return new CorpusFacts(hash, vocabulary(), tokens[CorpusRecipe.TRAIN], evaluation);
    }

    /** Bytes and tokens made elsewhere have one size; others must be made to be counted. */
    private long[] countTokens() {
        if (tokenizer instanceof TokenizerSpec.Bpe || published.isPresent()) {
            return job.countTokens(storedForm());
        }
        int inputBytes = tokenizer instanceof TokenizerSpec.External external
                ? BlockForm.Tokens.inputBytes(external.vocabulary())
                : 1;
        long[] tokens = new long[recipe.sets().size()];
        for (int set = 0; set < tokens.length; set++) {
            tokens[set] = digest.bytes(set) / inputBytes;
        }
        return tokens;
    }

    private BlockForm inputForm() {
        return tokenizer instanceof TokenizerSpec.External external
                ? new BlockForm.Tokens(external.vocabulary())
                : new BlockForm.TextAsBytes();
    }

    private BlockForm storedForm() {
        if (published.isPresent()) {
            return new BlockForm.TextForLibrary(published.get());
        }
        if (!(tokenizer instanceof TokenizerSpec.Bpe bpe)) {
            return inputForm();
        }
        if (pairs.isEmpty()) {
            pairs = Optional.of(job.trainPairs(digest.bytes(CorpusRecipe.TRAIN), bpe.vocabulary()));
        }
        return new BlockForm.TextAsPairs(pairs.get());
    }

    private int vocabulary() {
        if (published.isPresent()) {
            return published.get().vocabulary();
        }
        if (tokenizer instanceof TokenizerSpec.Bpe bpe) {
            return bpe.vocabulary();
        }
        return tokenizer instanceof TokenizerSpec.External external ? external.vocabulary() : BytePairs.BYTES;
    }

    /** Tokens made elsewhere have no text; what the user says of it is used. */
    private TokenFile withTextBytes(TokenFile file) {
        if (!(corpus.source() instanceof CorpusSpec.Source.Tokens tokens)) {
            return file;
        }
        long textBytes = Math.round(tokens.bytesPerToken().orElse(0) * file.tokens());
        return new TokenFile(file.name(), file.file(), file.tokens(), textBytes, file.crc32c());
    }
}
