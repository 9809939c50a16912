package dev.powersweep.orchestrator.runtable;

import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.api.InitContext;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation.DecimalLogicalTypeAnnotation;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.Type;

/** Rows of a Parquet file as text; fields of structs are joined by points, lists and maps are left out. */
final class ParquetRows {
    private ParquetRows() {}

    /**
     * Reads a local file.
     *
     * @throws UserError where the file is damaged, or packed by what this class path cannot unpack
     */
    static RawTable read(Path file) {
        List<String> header = new ArrayList<>();
        List<RawRow> rows = new ArrayList<>();
        try (ParquetReader<Group> reader = new Reader(new LocalInputFile(file)).build()) {
            for (Group group = reader.read(); group != null; group = reader.read()) {
                if (header.isEmpty()) {
                    names("", group.getType(), header);
                }
                List<String> cells = new ArrayList<>();
                values(group, group.getType(), cells);
                rows.add(new RawRow(rows.size() + 1L, cells));
            }
        } catch (IOException | RuntimeException broken) {
            throw new UserError(
                    file + ": cannot be read as Parquet (" + broken.getMessage()
                            + "); write it again, packed by snappy, zstd, gzip or not at all",
                    broken);
        }
        return new RawTable(file.toString(), header, rows, "row", false, List.of());
    }

    private static boolean scalar(Type field) {
        return field.isPrimitive() && !field.isRepetition(Type.Repetition.REPEATED);
    }

    private static boolean struct(Type field) {
        return !field.isPrimitive()
                && !field.isRepetition(Type.Repetition.REPEATED)
                && field.getLogicalTypeAnnotation() == null;
    }

    private static void names(String path, GroupType type, List<String> names) {
        for (Type field : type.getFields()) {
            String name = path.isEmpty() ? field.getName() : path + "." + field.getName();
            if (scalar(field)) {
                names.add(name);
            } else if (struct(field)) {
                names(name, field.asGroupType(), names);
            }
        }
    }

    private static void values(Group group, GroupType type, List<String> cells) {
        for (int i = 0; i < type.getFieldCount(); i++) {
            Type field = type.getType(i);
            boolean there = group.getFieldRepetitionCount(i) > 0;
            if (scalar(field)) {
                cells.add(there ? text(group, i, field.asPrimitiveType()) : "");
            } else if (struct(field) && there) {
                values(group.getGroup(i, 0), field.asGroupType(), cells);
            } else if (struct(field)) {
                List<String> absent = new ArrayList<>();
                names("", field.asGroupType(), absent);
                absent.forEach(name -> cells.add(""));
            }
        }
    }

    private static String text(Group group, int index, PrimitiveType type) {
        if (type.getLogicalTypeAnnotation() instanceof DecimalLogicalTypeAnnotation decimal) {
            BigInteger unscaled =
                    switch (type.getPrimitiveTypeName()) {
                        case INT32 -> BigInteger.valueOf(group.getInteger(index, 0));
                        case INT64 -> BigInteger.valueOf(group.getLong(index, 0));
                        default -> new BigInteger(group.getBinary(index, 0).getBytes());
                    };
            return new BigDecimal(unscaled, decimal.getScale()).toPlainString();
        }
        return switch (type.getPrimitiveTypeName()) {
            case BINARY -> group.getBinary(index, 0).toStringUsingUTF8();
            default -> group.getValueToString(index, 0);
        };
    }

    /** Reads without Hadoop's file systems. */
    private static final class Reader extends ParquetReader.Builder<Group> {
        Reader(InputFile file) {
            super(file, new PlainParquetConfiguration());
        }

        @Override
        protected ReadSupport<Group> getReadSupport() {
            return new GroupReadSupport() {
                @Override
                public ReadContext init(InitContext context) {
                    return new ReadContext(context.getFileSchema());
                }

                @Override
                public ReadContext init(
                        Configuration configuration,
                        java.util.Map<String, String> metadata,
                        org.apache.parquet.schema.MessageType schema) {
                    return new ReadContext(schema);
                }

                @Override
                public ReadContext init(
                        ParquetConfiguration configuration,
                        java.util.Map<String, String> metadata,
                        org.apache.parquet.schema.MessageType schema) {
                    return new ReadContext(schema);
                }
            };
        }
    }
}
