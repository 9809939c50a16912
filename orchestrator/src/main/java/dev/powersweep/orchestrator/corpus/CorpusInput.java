package dev.powersweep.orchestrator.corpus;

import dev.powersweep.orchestrator.corpus.InputFiles.InputFile;
import dev.powersweep.orchestrator.spec.CorpusSpec;
import dev.powersweep.orchestrator.spec.CorpusSpec.Format;
import dev.powersweep.orchestrator.spec.CorpusSpec.Malformed;
import dev.powersweep.orchestrator.spec.EvaluationSpec;
import dev.powersweep.orchestrator.storage.PathOption;
import dev.powersweep.orchestrator.storage.UserError;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Input as pieces, distributed.
 *
 * @param bytes of the input files together, for the number of tasks
 */
record CorpusInput(JavaRDD<Piece> pieces, long bytes) {
    private static final int MOST_TASKS = 10_000;

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

    /** Throws {@link UserError} where a path or a column is missing. */
    static CorpusInput open(SparkSession session, CorpusSpec corpus, List<EvaluationSpec.Set> extra) {
        Opener opener = new Opener(session, corpus);
        CorpusSpec.Source source = corpus.source();
        if (source instanceof CorpusSpec.Source.Bundled) {
            opener.add(CorpusRecipe.TRAIN, WordNetText.read());
        } else if (source instanceof CorpusSpec.Source.Text text) {
            opener.addText(CorpusRecipe.TRAIN, "corpus.text", text.paths(), text.format(), text.textColumn());
        } else {
            CorpusSpec.Source.Tokens tokens = (CorpusSpec.Source.Tokens) source;
            opener.addTokens(CorpusRecipe.TRAIN, "corpus.tokens.train", tokens.train());
            if (!tokens.validation().isEmpty()) {
                opener.addTokens(CorpusRecipe.VALIDATION, "corpus.tokens.validation", tokens.validation());
            }
        }
        int set = CorpusRecipe.VALIDATION + 1;
        for (EvaluationSpec.Set evaluation : extra) {
            String key = "evaluation.sets." + evaluation.name();
            if (source instanceof CorpusSpec.Source.Tokens) {
                opener.addTokens(set, key, evaluation.paths());
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
        return opener.input();
    }

    private static final class Opener {
        private final SparkSession session;
        private final JavaSparkContext context;
        private final Configuration configuration;
        private final Malformed malformed;
        private final List<JavaRDD<Piece>> parts = new ArrayList<>();
        private long bytes;

        Opener(SparkSession session, CorpusSpec corpus) {
            this.session = session;
            this.context = JavaSparkContext.fromSparkContext(session.sparkContext());
            this.configuration = context.hadoopConfiguration();
            this.malformed = corpus.malformed();
        }

        void add(int set, byte[] text) {
            List<Piece> pieces = bundledPieces(set, text);
            parts.add(context.parallelize(pieces, pieces.size()));
            bytes += text.length;
        }

        void addText(int set, String key, List<String> paths, Format format, String textColumn) {
            List<InputFile> files = InputFiles.list(key, paths, configuration);
            List<InputFile> text = new ArrayList<>();
            List<InputFile> parquet = new ArrayList<>();
            for (InputFile file : files) {
                boolean asParquet = format == Format.PARQUET || (format == Format.AUTO && file.parquet());
                (asParquet ? parquet : text).add(file);
                bytes += file.bytes();
            }
            if (!text.isEmpty()) {
                Broadcast<SerializableConfiguration> settings =
                        SerializableConfiguration.broadcast(session.sparkContext(), configuration);
                Malformed rule = malformed;
                parts.add(distribute(PieceReader.assignments(set, text, configuration))
                        .flatMap(assignment -> new PieceReader(settings.value().value(), rule).read(assignment)));
            }
            if (!parquet.isEmpty()) {
                parts.add(parquet(set, key, parquet, textColumn));
            }
        }

        void addTokens(int set, String key, List<String> paths) {
            List<InputFile> files = InputFiles.list(key, paths, configuration);
            files.forEach(file -> bytes += file.bytes());
            Broadcast<SerializableConfiguration> settings =
                    SerializableConfiguration.broadcast(session.sparkContext(), configuration);
            parts.add(distribute(TokenFileReader.assignments(set, files)).flatMap(assignment -> {
                Iterator<Piece> piece = List.of(
                                new TokenFileReader(settings.value().value()).read(assignment))
                        .iterator();
                return piece;
            }));
        }

        private <T> JavaRDD<T> distribute(List<T> assignments) {
            return context.parallelize(assignments, Math.min(assignments.size(), MOST_TASKS));
        }

        private JavaRDD<Piece> parquet(int set, String key, List<InputFile> files, String column) {
            Dataset<Row> rows;
            try {
                rows = session.read()
                        // These are files that patterns have found.
                        .option(PathOption.AS_PATTERNS, "false")
                        .parquet(files.stream().map(InputFile::path).toArray(String[]::new));
            } catch (Exception e) { // Spark throws checked exceptions it does not declare.
                throw new UserError(
                        key + ": " + files.get(0).path() + " or a file beside it is not readable Parquet: "
                                + CorpusJob.rootMessage(e) + "; leave it out or set corpus.format: text",
                        e);
            }
            StructField field = Arrays.stream(rows.schema().fields())
                    .filter(candidate -> candidate.name().equals(column))
                    .findFirst()
                    .orElseThrow(() -> new UserError(key + ": the Parquet files have no column " + column
                            + "; set corpus.textColumn to one of "
                            + String.join(", ", rows.schema().fieldNames())));
            if (!field.dataType().equals(DataTypes.StringType)) {
                throw new UserError(key + ": the Parquet column " + column + " holds "
                        + field.dataType().simpleString() + " and not text; set corpus.textColumn to another one");
            }
            return rows.select(rows.col("`" + column.replace("`", "``") + "`"))
                    .javaRDD()
                    .filter(row -> !row.isNullAt(0) && !row.getString(0).isEmpty())
                    .map(row -> document(set, row.getString(0)));
        }

        private static Piece document(int set, String text) {
            String line = text.endsWith("\n") ? text : text + "\n";
            return Piece.of(set, line.getBytes(StandardCharsets.UTF_8));
        }

        CorpusInput input() {
            JavaRDD<Piece> all = parts.get(0);
            for (JavaRDD<Piece> part : parts.subList(1, parts.size())) {
                all = all.union(part);
            }
            return new CorpusInput(all, bytes);
        }
    }
}
