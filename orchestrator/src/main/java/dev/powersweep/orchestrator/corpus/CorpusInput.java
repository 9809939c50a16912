package dev.powersweep.orchestrator.corpus;

import dev.powersweep.orchestrator.corpus.InputFiles.InputFile;
import dev.powersweep.orchestrator.spec.CorpusSpec;
import dev.powersweep.orchestrator.spec.CorpusSpec.Format;
import dev.powersweep.orchestrator.spec.CorpusSpec.Malformed;
import dev.powersweep.orchestrator.spec.EvaluationSpec;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Input as pieces, distributed.
 *
 * @param bytes of the input files together, for the number of tasks
 * @param heldOutGiven whether the text came with a validation split of its own
 * @param files what is read
 */
record CorpusInput(JavaRDD<Piece> pieces, long bytes, boolean heldOutGiven, ReadFiles files) {
    private static final int MOST_TASKS = 10_000;
    private static final int FILES_LOOKED_AT_IN_TASKS = 256;

    /**
     * Bytes of a piece of the bundled text. Blocks begin anew at each piece, so its length is part of what the corpus is
     * and must not follow the number of cores.
     */
    private static final int BUNDLED_PIECE_BYTES = 1 << 20;

    /** The bundled text in whole lines, cut at the first line end after each {@value #BUNDLED_PIECE_BYTES} bytes. */
    static List<Piece> bundledPieces(int set, byte[] text) {
        List<Piece> pieces = new ArrayList<>();
        int start = 0;
        while (start < text.length) {
            int end = Math.min(text.length, start + BUNDLED_PIECE_BYTES);
            while (end < text.length && text[end - 1] != '\n') {
                end++;
            }
            pieces.add(Piece.of(set, Arrays.copyOfRange(text, start, end)));
            start = end;
        }
        return pieces;
    }

    /**
     * Finds out what every file holds; nothing else is read yet.
     *
     * @throws UserError where a path is missing or a file is of no kind that is read, naming the first such file
     */
    static CorpusInput open(SparkSession session, CorpusSpec corpus, List<EvaluationSpec.Set> extra) {
        Opener opener = new Opener(session, corpus);
        CorpusSpec.Source source = corpus.source();
        if (source instanceof CorpusSpec.Source.Bundled) {
            opener.add(CorpusRecipe.TRAIN, WordNetText.read());
        } else if (source instanceof CorpusSpec.Source.Text text) {
            opener.addText(CorpusRecipe.TRAIN, "corpus.text", text.paths(), text.format(), text.textColumn());
        } else {
            CorpusSpec.Source.Tokens tokens = (CorpusSpec.Source.Tokens) source;
            opener.addTokens(CorpusRecipe.TRAIN, "corpus.tokens.train", tokens.train(), tokens);
            if (!tokens.validation().isEmpty()) {
                opener.addTokens(CorpusRecipe.VALIDATION, "corpus.tokens.validation", tokens.validation(), tokens);
            }
        }
        int set = CorpusRecipe.VALIDATION + 1;
        for (EvaluationSpec.Set evaluation : extra) {
            String key = "evaluation.sets." + evaluation.name();
            if (source instanceof CorpusSpec.Source.Tokens tokens) {
                opener.addTokens(set, key, evaluation.paths(), tokens);
            } else {
                boolean text = source instanceof CorpusSpec.Source.Text;
                opener.addText(
                        set,
                        key,
                        evaluation.paths(),
                        Format.AUTO,
                        text ? ((CorpusSpec.Source.Text) source).textColumn() : "text");
            }
            set++;
        }
        return opener.input(extra);
    }

    private static final class Opener {
        private final SparkSession session;
        private final JavaSparkContext context;
        private final Configuration configuration;
        private final CorpusSpec corpus;
        private final List<JavaRDD<Piece>> parts = new ArrayList<>();
        private final List<FilesOfSet> read = new ArrayList<>();
        private final List<String> leftOut = new ArrayList<>();
        private boolean heldOutGiven;
        private long bytes;

        private record FilesOfSet(int set, SourceFile file) {}

        Opener(SparkSession session, CorpusSpec corpus) {
            this.session = session;
            this.context = JavaSparkContext.fromSparkContext(session.sparkContext());
            this.configuration = context.hadoopConfiguration();
            this.corpus = corpus;
        }

        void add(int set, byte[] text) {
            List<Piece> pieces = bundledPieces(set, text);
            parts.add(context.parallelize(pieces, pieces.size()));
            bytes += text.length;
        }

        void addText(int set, String key, List<String> paths, Format format, String textColumn) {
            InputFiles.Listing listing = InputFiles.list(key, paths, configuration);
            leftOut.addAll(listing.leftOut());
            List<SourceFile> files = probed(listing.files(), format, textColumn);
            boolean whole = set == CorpusRecipe.TRAIN
                    && corpus.split() == CorpusSpec.Split.FILE
                    && listing.heldOut().isEmpty();
            List<SourceFile> heldOut = whole ? heldOutFiles(of(InputKind.TEXT, files)) : List.of();
            addTextFiles(
                    set,
                    files.stream().filter(file -> !heldOut.contains(file)).toList(),
                    textColumn,
                    whole ? CorpusRecipe.thousandths(corpus) : 0);
            addTextFiles(CorpusRecipe.VALIDATION, heldOut, textColumn, 0);
            if (!listing.heldOut().isEmpty()) {
                if (set != CorpusRecipe.TRAIN) {
                    throw new UserError(key + " names a directory with several splits; name the files of one of them");
                }
                heldOutGiven = true;
                addTextFiles(CorpusRecipe.VALIDATION, probed(listing.heldOut(), format, textColumn), textColumn, 0);
            }
        }

        /**
         * The files that are held out as a whole: by the order of a hash of their first bytes, until they are as large as
         * the share that is asked for; one at least where there are two.
         */
        private List<SourceFile> heldOutFiles(List<SourceFile> files) {
            long total = files.stream().mapToLong(SourceFile::bytes).sum();
            List<SourceFile> chosen = new ArrayList<>();
            long held = 0;
            List<SourceFile> ordered = files.stream()
                    .sorted((a, b) -> Long.compareUnsigned(a.beginning(), b.beginning()))
                    .toList();
            for (SourceFile file : ordered) {
                if (chosen.size() + 1 >= files.size() || held >= corpus.validationFraction() * total) {
                    break;
                }
                chosen.add(file);
                held += file.bytes();
            }
            return chosen;
        }

        private void addTextFiles(int set, List<SourceFile> files, String textColumn, int wholeThousandths) {
            files.forEach(file -> read.add(new FilesOfSet(set, file)));
            files.forEach(file -> bytes += file.bytes());
            Broadcast<SerializableConfiguration> settings = settings();
            Malformed malformed = corpus.malformed();
            DocumentRule rule = new DocumentRule(malformed, textColumn, wholeThousandths);
            List<SourceFile> text = of(InputKind.TEXT, files);
            if (!text.isEmpty()) {
                parts.add(distribute(PieceReader.assignments(set, text))
                        .flatMap(assignment -> new PieceReader(settings.value().value(), malformed).read(assignment)));
            }
            List<SourceFile> json = of(InputKind.JSON_LINES, files);
            if (!json.isEmpty()) {
                parts.add(distribute(JsonLinesReader.assignments(set, json))
                        .flatMap(assignment ->
                                new JsonLinesReader(settings.value().value(), rule).read(assignment)));
            }
            List<SourceFile> parquet = of(InputKind.PARQUET, files);
            if (!parquet.isEmpty()) {
                parts.add(distribute(ParquetText.assignments(set, parquet))
                        .flatMap(assignment -> ParquetText.read(
                                assignment, rule, settings.value().value())));
            }
        }

        private static List<SourceFile> of(InputKind kind, List<SourceFile> files) {
            return files.stream().filter(file -> file.kind() == kind).toList();
        }

        /** The files with their kinds, found out where they will be read. */
        private List<SourceFile> probed(List<InputFile> files, Format format, String textColumn) {
            Broadcast<SerializableConfiguration> settings = settings();
            List<FileProbe.Answer> answers = asked(
                    files,
                    file -> new FileProbe(format, textColumn, settings.value().value()).probe(file));
            refuse(answers.stream().map(FileProbe.Answer::problem).toList());
            return answers.stream().map(FileProbe.Answer::file).toList();
        }

        void addTokens(int set, String key, List<String> paths, CorpusSpec.Source.Tokens tokens) {
            InputFiles.Listing listing = InputFiles.list(key, paths, configuration);
            leftOut.addAll(listing.leftOut());
            listing.heldOut()
                    .forEach(file -> leftOut.add(
                            file.path() + " (a split of its own; name it as" + " corpus.tokens.validation)"));
            Broadcast<SerializableConfiguration> settings = settings();
            int vocabulary = tokens.vocabulary();
            CorpusSpec.TokenWidth width = tokens.type();
            List<TokenLayout.Answer> answers = asked(
                    listing.files(),
                    file -> TokenLayout.of(
                            file, width, vocabulary, settings.value().value()));
            refuse(answers.stream().map(TokenLayout.Answer::problem).toList());
            List<TokenLayout> layouts = answers.stream()
                    .flatMap(answer -> answer.layouts().stream())
                    .toList();
            for (InputFile file : listing.files()) {
                read.add(new FilesOfSet(
                        set, new SourceFile(file.path(), file.bytes(), InputKind.TOKENS, Compression.NONE)));
                bytes += file.bytes();
            }
            parts.add(distribute(TokenFileReader.assignments(set, layouts))
                    .map(assignment -> new TokenFileReader(settings.value().value(), vocabulary).read(assignment)));
        }

        private <T> List<T> asked(List<InputFile> files, Function<InputFile, T> question) {
            context.setJobDescription("PowerSweep looks at the files");
            try {
                return context.parallelize(files, Math.max(1, Math.min(files.size(), FILES_LOOKED_AT_IN_TASKS)))
                        .map(question)
                        .collect();
            } catch (Exception e) { // Spark throws checked exceptions it does not declare.
                throw new UserError("the corpus cannot be read: " + CorpusJob.rootMessage(e), e);
            } finally {
                context.setJobDescription(null);
            }
        }

        private static void refuse(List<String> problems) {
            problems.stream()
                    .filter(problem -> !problem.isEmpty())
                    .min(Comparator.naturalOrder())
                    .ifPresent(problem -> {
                        long others = problems.stream()
                                        .filter(each -> !each.isEmpty())
                                        .count()
                                - 1;
                        throw new UserError("the corpus cannot be used: " + problem
                                + (others == 0 ? "" : " (and " + others + " more of its files)"));
                    });
        }

        private Broadcast<SerializableConfiguration> settings() {
            return SerializableConfiguration.broadcast(session.sparkContext(), configuration);
        }

        private <T> JavaRDD<T> distribute(List<T> assignments) {
            return context.parallelize(assignments, Math.max(1, Math.min(assignments.size(), MOST_TASKS)));
        }

        CorpusInput input(List<EvaluationSpec.Set> extra) {
            JavaRDD<Piece> all = parts.get(0);
            for (JavaRDD<Piece> part : parts.subList(1, parts.size())) {
                all = all.union(part);
            }
            List<String> sets = CorpusRecipe.sets(extra);
            List<ReadFiles.ReadFile> files = read.stream()
                    .map(each -> new ReadFiles.ReadFile(
                            sets.get(each.set),
                            each.file.path(),
                            each.file.kind().title()
                                    + (each.file.packing() == Compression.NONE
                                            ? ""
                                            : " (" + each.file.packing().title() + ")"),
                            each.file.bytes()))
                    .toList();
            return new CorpusInput(all, bytes, heldOutGiven, new ReadFiles(files, leftOut));
        }
    }
}
