package dev.powersweep.orchestrator.tables;

import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.storage.Writing;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.conf.HadoopParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetInputFormat;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.InitContext;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.MessageType;

/** One Parquet file of a table. */
public final class TableFile {
    public static final String SUFFIX = ".parquet";
    /** Parquet files begin and end with four bytes of magic and hold a footer: nothing shorter is one. */
    private static final int SMALLEST = 12;

    private static final byte[] MAGIC = {'P', 'A', 'R', '1'};

    /** Hadoop's setting by which readers of Parquet notice a byte that has changed. */
    public static final String VERIFY_CHECKSUMS = ParquetInputFormat.PAGE_VERIFY_CHECKSUM_ENABLED;

    /** Parquet would otherwise parse Hadoop's XML defaults anew for every file. */
    private static final Configuration PARQUET_DEFAULTS = new Configuration(false);

    static {
        // Pages are written with a checksum, which readers pass over unless they are told.
        PARQUET_DEFAULTS.setBoolean(VERIFY_CHECKSUMS, true);
    }

    private TableFile() {}

    /**
     * Writes a file that no reader looks at yet; the caller publishes it under its name.
     *
     * @param notes key-value metadata of the file
     */
    public static <R extends Record> void write(
            Storage storage, Path unfinished, Table<R> table, List<R> rows, Map<String, String> notes)
            throws IOException {
        ParquetWriter<R> open = new Builder<>(storage.output(unfinished), table, notes)
                .withConf(PARQUET_DEFAULTS)
                .withCompressionCodec(CompressionCodecName.ZSTD)
                .withWriteMode(org.apache.parquet.hadoop.ParquetFileWriter.Mode.OVERWRITE)
                .build();
        Writing.closing(open, writer -> {
            for (R row : rows) {
                writer.write(row);
            }
        });
    }

    /**
     * Writes those rows of other files that are wanted, in their order, one file in memory at a time.
     *
     * @param target local file
     * @param budget what the sources can have in all
     * @throws UserError naming the source that cannot be read, or with which the budget is spent
     */
    public static <R extends Record> void concatenate(
            Storage storage,
            List<Path> sources,
            java.nio.file.Path target,
            Table<R> table,
            RowBudget budget,
            Predicate<R> wanted)
            throws IOException {
        try (ParquetWriter<R> writer = new Builder<>(new LocalOutputFile(target), table, Map.of())
                .withConf(PARQUET_DEFAULTS)
                .withCompressionCodec(CompressionCodecName.ZSTD)
                .withWriteMode(org.apache.parquet.hadoop.ParquetFileWriter.Mode.OVERWRITE)
                .build()) {
            for (Path source : sources) {
                for (R row : read(storage, source, table, budget)) {
                    if (wanted.test(row)) {
                        writer.write(row);
                    }
                }
            }
        }
    }

    /**
     * All rows of a file; throws {@link UserError} naming the file when it is damaged or the budget is spent.
     *
     * @param budget what the sweep can have in all
     */
    public static <R extends Record> List<R> read(Storage storage, Path file, Table<R> table, RowBudget budget) {
        budget.take(file, rows(storage, file));
        List<R> rows = new ArrayList<>();
        try (ParquetReader<Group> reader = new GroupReader(storage.input(file), Set.of()).build()) {
            for (Group group = reader.read(); group != null; group = reader.read()) {
                rows.add(row(table, group));
            }
        } catch (IOException | RuntimeException e) {
            throw damaged(file, e);
        }
        return rows;
    }

    /**
     * Reads some columns, row by row in the file's order, and no others.
     *
     * @param row is given the values in the order of {@code columns}, null for absent ones; the array is used again
     * @throws UserError naming the file when it is damaged or the budget is spent
     */
    static void scan(
            Storage storage,
            Path file,
            Table<?> table,
            List<String> columns,
            RowBudget budget,
            Consumer<Object[]> row) {
        budget.take(file, rows(storage, file));
        List<String> names =
                table.columns().stream().map(Table.ColumnInfo::name).toList();
        int[] places = columns.stream().mapToInt(names::indexOf).toArray();
        Object[] values = new Object[places.length];
        try (ParquetReader<Group> reader = new GroupReader(storage.input(file), Set.copyOf(columns)).build()) {
            for (Group group = reader.read(); group != null; group = reader.read()) {
                for (int i = 0; i < values.length; i++) {
                    String name = columns.get(i);
                    boolean there = group.getType().containsField(name) && group.getFieldRepetitionCount(name) > 0;
                    values[i] = there ? table.type(places[i]).read(group, name) : null;
                }
                row.accept(values);
            }
        } catch (IOException | RuntimeException e) {
            throw damaged(file, e);
        }
    }

    /** Reads the footer only; throws {@link UserError} naming the file when it is damaged. */
    public static Map<String, String> notes(Storage storage, Storage.Entry file) {
        requireSize(file);
        try (ParquetFileReader reader = ParquetFileReader.open(
                storage.input(file.path()),
                ParquetReadOptions.builder(new HadoopParquetConfiguration(PARQUET_DEFAULTS))
                        .build())) {
            return reader.getFooter().getFileMetaData().getKeyValueMetaData();
        } catch (IOException | RuntimeException e) {
            throw damaged(file.path(), e);
        }
    }

    private static long rows(Storage storage, Path file) {
        try (ParquetFileReader reader = ParquetFileReader.open(
                storage.input(file),
                ParquetReadOptions.builder(new HadoopParquetConfiguration(PARQUET_DEFAULTS))
                        .build())) {
            return reader.getRecordCount();
        } catch (IOException | RuntimeException e) {
            throw damaged(file, e);
        }
    }

    /**
     * Looks at both ends of a local file, which tell one that was cut short; of Parquet's classes none is loaded for it.
     *
     * @throws UserError naming the file where they are not Parquet's
     */
    static void requireEnds(java.nio.file.Path file) {
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "r")) {
            byte[] first = new byte[MAGIC.length];
            byte[] last = new byte[Integer.BYTES + MAGIC.length];
            open.readFully(first);
            open.seek(Math.max(0, open.length() - last.length));
            open.readFully(last);
            int footer = ByteBuffer.wrap(last).order(ByteOrder.LITTLE_ENDIAN).getInt();
            boolean whole = Arrays.equals(first, MAGIC)
                    && Arrays.equals(Arrays.copyOfRange(last, Integer.BYTES, last.length), MAGIC)
                    && footer > 0
                    && footer <= open.length() - SMALLEST;
            if (!whole) {
                throw new IOException("it does not end as it begins");
            }
        } catch (IOException e) {
            throw damaged(new Path(file.toUri()), e);
        }
    }

    /**
     * Compares the checksum of every page of a local file, without unpacking one.
     *
     * @throws UserError naming the file where one differs, or the file cannot be read
     */
    static void requireChecksums(java.nio.file.Path file) {
        ParquetReadOptions options = ParquetReadOptions.builder(new HadoopParquetConfiguration(PARQUET_DEFAULTS))
                .usePageChecksumVerification()
                .build();
        try (ParquetFileReader reader = ParquetFileReader.open(new LocalInputFile(file), options)) {
            while (reader.readNextRowGroup() != null) {
                // Reading compares.
            }
        } catch (IOException | RuntimeException e) {
            throw damaged(new Path(file.toUri()), e);
        }
    }

    private static <R extends Record> R row(Table<R> table, Group group) {
        List<Table.ColumnInfo> columns = table.columns();
        Object[] values = new Object[columns.size()];
        for (int i = 0; i < values.length; i++) {
            String name = columns.get(i).name();
            if (group.getType().containsField(name) && group.getFieldRepetitionCount(name) > 0) {
                values[i] = table.type(i).read(group, name);
            }
        }
        return table.row(values);
    }

    /** Throws {@link UserError} for a file that is too short for Parquet: Spark ignores empty ones without an error. */
    static void requireSize(Storage.Entry file) {
        if (file.bytes() < SMALLEST) {
            throw damaged(file.path(), new IOException("only " + file.bytes() + " bytes"));
        }
    }

    /** One sentence with the remedy. */
    public static UserError damaged(Path file, Throwable cause) {
        if (cause instanceof UserError error) {
            return error;
        }
        return new UserError(
                file
                        + " is not a readable Parquet file (truncated, damaged or overwritten?): delete or restore it, then rerun"
                        + " its cell with powersweep rerun DIR --cells",
                cause);
    }

    private static final class Builder<R extends Record> extends ParquetWriter.Builder<R, Builder<R>> {
        private final Table<R> table;
        private final Map<String, String> notes;

        Builder(OutputFile file, Table<R> table, Map<String, String> notes) {
            super(file);
            this.table = table;
            this.notes = notes;
        }

        @Override
        protected Builder<R> self() {
            return this;
        }

        @Override
        protected WriteSupport<R> getWriteSupport(Configuration configuration) {
            return new Support<>(table, notes);
        }
    }

    private static final class Support<R extends Record> extends WriteSupport<R> {
        private final Table<R> table;
        private final Map<String, String> notes;
        private final List<Table.ColumnInfo> columns;
        private RecordConsumer out;

        Support(Table<R> table, Map<String, String> notes) {
            this.table = table;
            this.notes = notes;
            this.columns = table.columns();
        }

        @Override
        public WriteContext init(Configuration configuration) {
            return new WriteContext(table.schema(), notes);
        }

        @Override
        public WriteContext init(org.apache.parquet.conf.ParquetConfiguration configuration) {
            return new WriteContext(table.schema(), notes);
        }

        @Override
        public void prepareForWrite(RecordConsumer consumer) {
            out = consumer;
        }

        @Override
        public void write(R row) {
            Object[] values = table.values(row);
            out.startMessage();
            for (int i = 0; i < values.length; i++) {
                if (values[i] != null) {
                    out.startField(columns.get(i).name(), i);
                    table.type(i).write(values[i], out);
                    out.endField(columns.get(i).name(), i);
                }
            }
            out.endMessage();
        }
    }

    private static final class GroupReader extends ParquetReader.Builder<Group> {
        private final Set<String> columns;

        /** @param columns to be read; empty for all */
        GroupReader(InputFile file, Set<String> columns) {
            super(file, new HadoopParquetConfiguration(PARQUET_DEFAULTS));
            this.columns = columns;
        }

        @Override
        protected ReadSupport<Group> getReadSupport() {
            return new GroupReadSupport() {
                @Override
                public ReadContext init(InitContext context) {
                    MessageType stored = context.getFileSchema();
                    return new ReadContext(
                            columns.isEmpty()
                                    ? stored
                                    : new MessageType(
                                            stored.getName(),
                                            stored.getFields().stream()
                                                    .filter(field -> columns.contains(field.getName()))
                                                    .toList()));
                }
            };
        }
    }
}
