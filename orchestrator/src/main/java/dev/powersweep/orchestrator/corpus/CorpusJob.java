package dev.powersweep.orchestrator.corpus;

import dev.powersweep.orchestrator.spark.TaskHost;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import scala.Tuple2;

/** The passes over a corpus, as Spark jobs; each gives the same result however the input is partitioned. */
final class CorpusJob {
    /** Text a tokenizer is trained on at most; more adds time and no better merges. */
    private static final double MOST_SAMPLE_BYTES = 128 << 20;
    /** Distinct words a tokenizer is trained on at most, commonest first. */
    private static final int MOST_WORDS = 500_000;

    private static final long BYTES_PER_RANGE = 16L << 20;
    private static final int MOST_RANGES = 4096;

    /** Tokens of a block as they are stored. */
    private record EncodedBlock(byte[] stored, int textBytes) implements Serializable {}

    private interface BlockVisitor {
        void visit(int set, BlockHash hash, byte[] bytes, int from, int to);
    }

    private final SparkSession session;
    private final JavaSparkContext context;
    private final CorpusInput input;
    private final CorpusRecipe recipe;

    CorpusJob(SparkSession session, CorpusInput input, CorpusRecipe recipe) {
        this.session = session;
        this.context = JavaSparkContext.fromSparkContext(session.sparkContext());
        this.input = input;
        this.recipe = recipe;
    }

    /** Throws {@link UserError} with the first unreadable file. */
    CorpusDigest digest(BlockForm form) {
        CorpusRecipe rules = recipe;
        describe("reads and checks the text");
        CorpusDigest digest;
        try {
            digest = input.pieces()
                    .mapPartitions(
                            pieces -> List.of(digest(pieces, rules, form)).iterator())
                    .treeReduce(CorpusDigest::merge);
        } catch (Exception e) {
            throw failure("the corpus cannot be read", e);
        } finally {
            context.setJobDescription(null);
        }
        digest.problem().ifPresent(problem -> {
            throw new UserError("the corpus cannot be used: " + problem);
        });
        return digest;
    }

    private static CorpusDigest digest(Iterator<Piece> pieces, CorpusRecipe recipe, BlockForm form) {
        CorpusDigest digest = new CorpusDigest(recipe.sets().size());
        while (pieces.hasNext()) {
            Piece piece = pieces.next();
            if (!piece.problem().isEmpty()) {
                digest.add(piece.problem());
                continue;
            }
            digest.addWithoutText(piece.withoutText());
            visit(piece, recipe, form, (set, hash, bytes, from, to) -> digest.add(set, hash, to - from));
        }
        return digest;
    }

    /** Merges learnt from the training text, or an evenly hashed sample of it. */
    BytePairs trainPairs(long trainBytes, int vocabulary) {
        CorpusRecipe rules = recipe;
        double share = Math.min(1, MOST_SAMPLE_BYTES / Math.max(1, trainBytes));
        describe("counts words for the tokenizer");
        List<Tuple2<String, Long>> words;
        try {
            words = new ArrayList<>(input.pieces()
                    .mapPartitionsToPair(pieces -> countWords(pieces, rules, share))
                    .reduceByKey(Long::sum)
                    .collect());
        } catch (Exception e) {
            throw failure("the corpus cannot be read", e);
        } finally {
            context.setJobDescription(null);
        }
        words.sort(Comparator.comparing((Tuple2<String, Long> word) -> word._2)
                .reversed()
                .thenComparing(word -> word._1));
        List<Tuple2<String, Long>> commonest = words.subList(0, Math.min(words.size(), MOST_WORDS));
        List<byte[]> texts = commonest.stream()
                .map(word -> word._1.getBytes(StandardCharsets.ISO_8859_1))
                .toList();
        long[] counts = commonest.stream().mapToLong(word -> word._2).toArray();
        BytePairs pairs = BytePairTrainer.train(texts, counts, vocabulary - BytePairs.BYTES);
        if (pairs.vocabulary() < vocabulary) {
            throw new UserError("the training text is too small for tokenizer.vocabulary = " + vocabulary
                    + ": only " + (pairs.vocabulary() - BytePairs.BYTES)
                    + " pairs occur twice; set tokenizer.vocabulary to " + pairs.vocabulary() + " or less");
        }
        return pairs;
    }

    private static Iterator<Tuple2<String, Long>> countWords(
            Iterator<Piece> pieces, CorpusRecipe recipe, double share) {
        WordTable words = new WordTable();
        LongArray counts = new LongArray();
        BlockForm form = new BlockForm.TextAsBytes();
        while (pieces.hasNext()) {
            visit(pieces.next(), recipe, form, (set, hash, bytes, from, to) -> {
                if (set != CorpusRecipe.TRAIN || !hash.sampled(share)) {
                    return;
                }
                int start = from;
                while (start < to) {
                    int end = WordScanner.end(bytes, start, to, from);
                    counts.increment(words.number(bytes, start, end));
                    start = end;
                }
            });
        }
        List<Tuple2<String, Long>> result = new ArrayList<>(words.size());
        for (int word = 0; word < words.size(); word++) {
            // One character a byte: keys must compare by their bytes.
            result.add(new Tuple2<>(new String(words.word(word), StandardCharsets.ISO_8859_1), counts.get(word)));
        }
        return result.iterator();
    }

    /** Tokens of each set, nothing written. */
    long[] countTokens(BlockForm form) {
        CorpusRecipe rules = recipe;
        Broadcast<BlockForm> shared = context.broadcast(form);
        describe("counts tokens");
        try {
            return input.pieces()
                    .mapPartitions(pieces -> {
                        BlockForm local = shared.value();
                        BlockEncoder encoder = local.encoder();
                        long[] tokens = new long[rules.sets().size()];
                        while (pieces.hasNext()) {
                            visit(
                                    pieces.next(),
                                    rules,
                                    local,
                                    (set, hash, bytes, from, to) ->
                                            tokens[set] += encoder.encode(bytes, from, to).length / local.tokenBytes());
                        }
                        return List.of(tokens).iterator();
                    })
                    .reduce(CorpusJob::sum);
        } catch (Exception e) {
            throw failure("the corpus cannot be read", e);
        } finally {
            context.setJobDescription(null);
        }
    }

    private static long[] sum(long[] a, long[] b) {
        long[] result = a.clone();
        for (int i = 0; i < b.length; i++) {
            result[i] += b[i];
        }
        return result;
    }

    /** Encodes every block and stores each set's tokens in the order of the blocks' hashes. */
    List<TokenPart> store(BlockForm form, Path temporary) {
        CorpusRecipe rules = recipe;
        Broadcast<BlockForm> shared = context.broadcast(form);
        Broadcast<SerializableConfiguration> settings =
                SerializableConfiguration.broadcast(session.sparkContext(), context.hadoopConfiguration());
        String folder = temporary.toString();
        int ranges = (int) Math.min(MOST_RANGES, 1 + input.bytes() / BYTES_PER_RANGE);
        describe("tokenises and stores the text");
        try {
            List<TokenPart> parts = new ArrayList<>(input.pieces()
                    .mapPartitionsToPair(pieces -> encode(pieces, rules, shared.value()))
                    .repartitionAndSortWithinPartitions(
                            new BlockPartitioner(rules.sets().size(), ranges))
                    .mapPartitions(blocks -> write(
                            blocks, folder, settings.value(), shared.value().tokenBytes()))
                    .collect());
            parts.sort(Comparator.comparingInt(TokenPart::partition));
            return parts;
        } catch (Exception e) {
            throw new UserError(CorpusStore.notStored(temporary.getParent(), e), e);
        } finally {
            context.setJobDescription(null);
        }
    }

    private static Iterator<Tuple2<BlockKey, EncodedBlock>> encode(
            Iterator<Piece> pieces, CorpusRecipe recipe, BlockForm form) {
        BlockEncoder encoder = form.encoder();
        return new FlatIterator<>(pieces, piece -> {
            List<Tuple2<BlockKey, EncodedBlock>> blocks = new ArrayList<>();
            visit(
                    piece,
                    recipe,
                    form,
                    (set, hash, bytes, from, to) -> blocks.add(new Tuple2<>(
                            new BlockKey(set, hash.order(), hash.tie()),
                            new EncodedBlock(encoder.encode(bytes, from, to), form.textBytes(to - from)))));
            return blocks.iterator();
        });
    }

    private static Iterator<TokenPart> write(
            Iterator<Tuple2<BlockKey, EncodedBlock>> blocks,
            String folder,
            SerializableConfiguration settings,
            int tokenBytes)
            throws IOException {
        if (!blocks.hasNext()) {
            return List.<TokenPart>of().iterator();
        }
        TaskContext task = TaskContext.get();
        Path file = new Path(folder, "part-" + task.partitionId() + "-" + task.taskAttemptId());
        long stored = 0;
        long textBytes = 0;
        int set = 0;
        try (OutputStream out = file.getFileSystem(settings.value()).create(file, true)) {
            while (blocks.hasNext()) {
                Tuple2<BlockKey, EncodedBlock> block = blocks.next();
                set = block._1.set();
                out.write(block._2.stored);
                stored += block._2.stored.length;
                textBytes += block._2.textBytes;
            }
        } catch (IOException | FSError e) {
            throw new IOException(rootMessage(e) + TaskHost.inWords());
        }
        return List.of(new TokenPart(set, task.partitionId(), file.getName(), stored / tokenBytes, textBytes))
                .iterator();
    }

    private static void visit(Piece piece, CorpusRecipe recipe, BlockForm form, BlockVisitor visitor) {
        MessageDigest sha256 = BlockHash.sha256();
        byte[] bytes = piece.bytes();
        int from = 0;
        while (from < bytes.length) {
            int end = form.end(bytes, from, bytes.length);
            BlockHash hash = BlockHash.of(sha256, bytes, from, end);
            visitor.visit(recipe.set(piece, hash), hash, bytes, from, end);
            from = end;
        }
    }

    private void describe(String activity) {
        context.setJobDescription("PowerSweep " + activity);
    }

    private static UserError failure(String what, Exception e) {
        return new UserError(what + ": " + rootMessage(e) + TaskHost.inWords(e), e);
    }

    static String rootMessage(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        String message = root.getMessage() == null ? root.toString() : root.getMessage();
        return message.lines().findFirst().orElse(message);
    }
}
