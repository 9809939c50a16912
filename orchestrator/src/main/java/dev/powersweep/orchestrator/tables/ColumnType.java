package dev.powersweep.orchestrator.tables;

import static org.apache.parquet.schema.LogicalTypeAnnotation.TimeUnit.MICROS;
import static org.apache.parquet.schema.LogicalTypeAnnotation.stringType;
import static org.apache.parquet.schema.LogicalTypeAnnotation.timestampType;

import java.lang.reflect.ParameterizedType;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;

/** The value types of tables, between Java and Parquet. */
enum ColumnType {
    STRING("string", PrimitiveTypeName.BINARY),
    INT("int", PrimitiveTypeName.INT32),
    LONG("long", PrimitiveTypeName.INT64),
    DOUBLE("double", PrimitiveTypeName.DOUBLE),
    BOOLEAN("boolean", PrimitiveTypeName.BOOLEAN),
    /** Microseconds, UTC. */
    TIMESTAMP("timestamp", PrimitiveTypeName.INT64);

    private final String text;
    private final PrimitiveTypeName primitive;

    ColumnType(String text, PrimitiveTypeName primitive) {
        this.text = text;
        this.primitive = primitive;
    }

    String text() {
        return text;
    }

    static boolean optional(java.lang.reflect.Type type) {
        return type == OptionalDouble.class
                || type == OptionalLong.class
                || type == OptionalInt.class
                || type instanceof ParameterizedType;
    }

    static ColumnType of(java.lang.reflect.Type type) {
        if (type instanceof ParameterizedType parameterized && parameterized.getRawType() == Optional.class) {
            return of(parameterized.getActualTypeArguments()[0]);
        } else if (type == String.class) {
            return STRING;
        } else if (type == int.class || type == OptionalInt.class) {
            return INT;
        } else if (type == long.class || type == OptionalLong.class) {
            return LONG;
        } else if (type == double.class || type == OptionalDouble.class) {
            return DOUBLE;
        } else if (type == boolean.class || type == Boolean.class) {
            return BOOLEAN;
        } else if (type == Instant.class) {
            return TIMESTAMP;
        }
        throw new IllegalArgumentException("no column type for " + type);
    }

    Type parquet(String name, boolean optional) {
        Types.PrimitiveBuilder<org.apache.parquet.schema.PrimitiveType> builder =
                optional ? Types.optional(primitive) : Types.required(primitive);
        return switch (this) {
            case STRING -> builder.as(stringType()).named(name);
            case TIMESTAMP -> builder.as(timestampType(true, MICROS)).named(name);
            case INT, LONG, DOUBLE, BOOLEAN -> builder.named(name);
        };
    }

    /** Writes a present value. */
    void write(Object value, RecordConsumer out) {
        switch (this) {
            case STRING -> out.addBinary(Binary.fromString((String) value));
            case INT -> out.addInteger((Integer) value);
            case LONG -> out.addLong((Long) value);
            case DOUBLE -> out.addDouble((Double) value);
            case BOOLEAN -> out.addBoolean((Boolean) value);
            case TIMESTAMP -> out.addLong(ChronoUnit.MICROS.between(Instant.EPOCH, (Instant) value));
        }
    }

    /** Reads a present value. */
    Object read(Group row, String name) {
        return switch (this) {
            case STRING -> row.getString(name, 0);
            case INT -> row.getInteger(name, 0);
            case LONG -> row.getLong(name, 0);
            case DOUBLE -> row.getDouble(name, 0);
            case BOOLEAN -> row.getBoolean(name, 0);
            case TIMESTAMP -> Instant.EPOCH.plus(row.getLong(name, 0), ChronoUnit.MICROS);
        };
    }
}
