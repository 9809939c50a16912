package dev.powersweep.orchestrator.corpus;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.hadoop.metadata.ParquetMetadata;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.Type;

/**
 * The text of one column of Parquet files, a document a row. Each file's own schema counts: files of one corpus may keep
 * the column nested, nullable, as a dictionary or as a list of strings, and one that lacks it is refused.
 */
final class ParquetText {
    private static final Set<CompressionCodecName> READ = Set.of(
            CompressionCodecName.UNCOMPRESSED,
            CompressionCodecName.SNAPPY,
            CompressionCodecName.GZIP,
            CompressionCodecName.ZSTD,
            CompressionCodecName.LZ4_RAW);

    private static final long BYTES_PER_TASK = 64L << 20;

    /** What one task reads: the row groups whose middle lies in bytes [start, end) of the file. */
    record Assignment(int set, String path, long start, long end) implements Serializable {}

    private ParquetText() {}

    /** Why a file cannot be read, to go on after its path; empty where it can. */
    static Optional<String> problem(String path, String column, Configuration configuration) {
        try (ParquetFileReader file = ParquetFileReader.open(input(path, configuration))) {
            ParquetMetadata footer = file.getFooter();
            MessageType schema = footer.getFileMetaData().getSchema();
            Optional<String> wrong = projection(schema, column).problem();
            if (wrong.isPresent()) {
                return wrong;
            }
            for (BlockMetaData block : footer.getBlocks()) {
                Optional<CompressionCodecName> unread = block.getColumns().stream()
                        .map(chunk -> chunk.getCodec())
                        .filter(codec -> !READ.contains(codec))
                        .findFirst();
                if (unread.isPresent()) {
                    return Optional.of("is compressed by " + unread.get().name().toLowerCase(Locale.ROOT)
                            + ", which is not read here; write it with zstd, snappy or gzip");
                }
            }
            return Optional.empty();
        } catch (IOException | RuntimeException e) {
            return Optional.of(
                    "is not readable Parquet: " + CorpusJob.rootMessage(e) + "; fetch it again or leave it out");
        }
    }

    static List<Assignment> assignments(int set, List<SourceFile> files) {
        List<Assignment> result = new ArrayList<>();
        for (SourceFile file : files) {
            for (long start = 0; start < file.bytes(); start += BYTES_PER_TASK) {
                result.add(new Assignment(set, file.path(), start, Math.min(file.bytes(), start + BYTES_PER_TASK)));
            }
        }
        return result;
    }

    static Iterator<Piece> read(Assignment assignment, DocumentRule rule, Configuration configuration) {
        try {
            return new Rows(assignment, rule, configuration);
        } catch (IOException | RuntimeException e) {
            return List.of(unreadable(assignment, e)).iterator();
        }
    }

    private static Piece unreadable(Assignment assignment, Exception e) {
        return Piece.unreadable(assignment.set, ReadFailure.sentence(assignment.path, Compression.NONE, e));
    }

    private static InputFile input(String path, Configuration configuration) throws IOException {
        return LocalNames.parquet(new Path(path), configuration);
    }

    /** The schema with one leaf, or why there is none. */
    private record Projection(Optional<MessageType> schema, Optional<String> problem) {}

    private static Projection projection(MessageType schema, String column) {
        Optional<Type> found = field(schema, column);
        if (found.isEmpty()) {
            return new Projection(
                    Optional.empty(),
                    Optional.of("has no column " + column + "; set corpus.textColumn to one of " + names(schema)
                            + ", or leave the file out"));
        }
        if (leaves(found.get()) != 1 || !text(leaf(found.get()))) {
            return new Projection(
                    Optional.empty(),
                    Optional.of("has a column " + column + " that holds " + describe(leafOrSelf(found.get()))
                            + " and not text; set corpus.textColumn to another one"));
        }
        return new Projection(
                Optional.of(new MessageType(schema.getName(), List.of(nest(schema, column)))), Optional.empty());
    }

    /** A top-level column of the whole name, or one inside groups whose names stand before the points. */
    private static Optional<Type> field(GroupType group, String name) {
        if (group.containsField(name)) {
            return Optional.of(group.getType(name));
        }
        for (Type type : group.getFields()) {
            if (!type.isPrimitive() && name.startsWith(type.getName() + ".")) {
                Optional<Type> inner =
                        field(type.asGroupType(), name.substring(type.getName().length() + 1));
                if (inner.isPresent()) {
                    return inner;
                }
            }
        }
        return Optional.empty();
    }

    private static Type nest(GroupType group, String name) {
        if (group.containsField(name)) {
            return group.getType(name);
        }
        Type outer = group.getFields().stream()
                .filter(type -> !type.isPrimitive()
                        && name.startsWith(type.getName() + ".")
                        && field(
                                        type.asGroupType(),
                                        name.substring(type.getName().length() + 1))
                                .isPresent())
                .findFirst()
                .orElseThrow();
        return outer.asGroupType()
                .withNewFields(
                        nest(outer.asGroupType(), name.substring(outer.getName().length() + 1)));
    }

    private static int leaves(Type type) {
        return type.isPrimitive()
                ? 1
                : type.asGroupType().getFields().stream()
                        .mapToInt(ParquetText::leaves)
                        .sum();
    }

    private static Type leaf(Type type) {
        return type.isPrimitive() ? type : leaf(type.asGroupType().getType(0));
    }

    private static Type leafOrSelf(Type type) {
        return leaves(type) == 1 ? leaf(type) : type;
    }

    /** Strings, and bytes without any meaning, which older tools write for strings. */
    private static boolean text(Type leaf) {
        LogicalTypeAnnotation meaning = leaf.getLogicalTypeAnnotation();
        return leaf.asPrimitiveType().getPrimitiveTypeName() == PrimitiveType.PrimitiveTypeName.BINARY
                && (meaning == null
                        || meaning.equals(LogicalTypeAnnotation.stringType())
                        || meaning.equals(LogicalTypeAnnotation.enumType())
                        || meaning.equals(LogicalTypeAnnotation.jsonType()));
    }

    private static String describe(Type type) {
        if (!type.isPrimitive()) {
            return "a structure of "
                    + type.asGroupType().getFields().stream().map(Type::getName).collect(Collectors.joining(", "));
        }
        LogicalTypeAnnotation meaning = type.getLogicalTypeAnnotation();
        String stored = type.asPrimitiveType().getPrimitiveTypeName().name().toLowerCase(Locale.ROOT);
        return meaning == null ? stored : stored + " (" + meaning + ")";
    }

    private static String names(GroupType schema) {
        return schema.getFields().stream().map(Type::getName).collect(Collectors.joining(", "));
    }

    /** Parquet's own reader of groups, for a file of ours. */
    private static final class Builder extends ParquetReader.Builder<Group> {
        Builder(InputFile file) {
            super(file);
        }

        @Override
        protected ReadSupport<Group> getReadSupport() {
            return new GroupReadSupport();
        }
    }

    private static final class Rows implements Iterator<Piece> {
        private final Assignment assignment;
        private final DocumentRule rule;
        private final ParquetReader<Group> reader;
        private Optional<Piece> next;
        private boolean ended;

        Rows(Assignment assignment, DocumentRule rule, Configuration configuration) throws IOException {
            this.assignment = assignment;
            this.rule = rule;
            MessageType schema;
            try (ParquetFileReader file = ParquetFileReader.open(input(assignment.path, configuration))) {
                schema = file.getFooter().getFileMetaData().getSchema();
            }
            Configuration own = new Configuration(configuration);
            own.set(
                    ReadSupport.PARQUET_READ_SCHEMA,
                    projection(schema, rule.textColumn()).schema().orElseThrow().toString());
            reader = new Builder(input(assignment.path, own))
                    .withConf(own)
                    .withFileRange(assignment.start, assignment.end)
                    .build();
            next = advance();
        }

        private Optional<Piece> advance() {
            try {
                Group row = reader.read();
                if (row == null) {
                    reader.close();
                    return Optional.empty();
                }
                List<byte[]> texts = new ArrayList<>();
                collect(row, texts);
                return Optional.of(piece(texts));
            } catch (IOException | RuntimeException e) {
                close();
                return Optional.of(unreadable(assignment, e));
            }
        }

        private void close() {
            ended = true;
            try {
                reader.close();
            } catch (IOException e) {
                // The file is refused for another reason.
                return;
            }
        }

        private static void collect(Group group, List<byte[]> texts) {
            boolean primitive = group.getType().getType(0).isPrimitive();
            for (int i = 0; i < group.getFieldRepetitionCount(0); i++) {
                if (primitive) {
                    texts.add(group.getBinary(0, i).getBytes());
                } else {
                    collect(group.getGroup(0, i), texts);
                }
            }
        }

        private Piece piece(List<byte[]> texts) {
            int length = texts.stream().mapToInt(text -> text.length + 1).sum();
            byte[] joined = new byte[Math.max(0, length)];
            int at = 0;
            for (byte[] text : texts) {
                System.arraycopy(text, 0, joined, at, text.length);
                at += text.length;
                joined[at++] = '\n';
            }
            return Documents.piece(rule, assignment.set, joined, () -> assignment.path + ", a row");
        }

        @Override
        public boolean hasNext() {
            return next.isPresent();
        }

        @Override
        public Piece next() {
            Piece piece = next.orElseThrow(NoSuchElementException::new);
            next = ended ? Optional.empty() : advance();
            return piece;
        }
    }
}
