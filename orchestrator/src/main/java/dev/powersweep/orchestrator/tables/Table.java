package dev.powersweep.orchestrator.tables;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Function;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Type;

/**
 * A table: its name and its columns, read off the record that is its row. Components that are records themselves are
 * laid out flat; {@code someName} is the column {@code some_name}.
 *
 * @param <R> the row
 */
public final class Table<R extends Record> {
    public static final Table<CellRow> CELLS = new Table<>("cells", CellRow.class);
    public static final Table<StepRow> STEPS = new Table<>("steps", StepRow.class);
    public static final Table<EvalRow> EVALS = new Table<>("evals", EvalRow.class);
    public static final Table<FitRow> FITS = new Table<>("fits", FitRow.class);

    /** Every table of a sweep. */
    public static final List<Table<?>> ALL = List.of(CELLS, STEPS, EVALS, FITS);

    /**
     * A column as the documentation shows it.
     *
     * @param type {@code string}, {@code int}, {@code long}, {@code double}, {@code boolean} or {@code timestamp}
     * @param optional whether a value may be absent (null)
     */
    public record ColumnInfo(String name, String type, boolean optional, String unit, String since, String meaning) {}

    private record Leaf(ColumnInfo info, ColumnType type, Function<Object, Object> accessor) {}

    private final String name;
    private final Class<R> rowType;
    private final List<Leaf> leaves;
    private final MessageType schema;

    private Table(String name, Class<R> rowType) {
        this.name = name;
        this.rowType = rowType;
        List<Leaf> found = new ArrayList<>();
        collect(rowType, Function.identity(), found);
        this.leaves = List.copyOf(found);
        List<Type> fields = leaves.stream()
                .map(leaf -> leaf.type().parquet(leaf.info().name(), leaf.info().optional()))
                .toList();
        this.schema = new MessageType(name, fields);
    }

    public String name() {
        return name;
    }

    public List<ColumnInfo> columns() {
        return leaves.stream().map(Leaf::info).toList();
    }

    public MessageType schema() {
        return schema;
    }

    /** The row's values in column order; absent ones are null. */
    Object[] values(R row) {
        Object[] values = new Object[leaves.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = unwrap(leaves.get(i).accessor().apply(row));
        }
        return values;
    }

    ColumnType type(int column) {
        return leaves.get(column).type();
    }

    /** The row of these values in column order; throws {@link IllegalArgumentException} where a needed one is null. */
    R row(Object[] values) {
        int[] next = {0};
        return rowType.cast(build(rowType, values, next));
    }

    private Object build(Class<?> type, Object[] values, int[] next) {
        RecordComponent[] components = type.getRecordComponents();
        Object[] arguments = new Object[components.length];
        Class<?>[] types = new Class<?>[components.length];
        for (int i = 0; i < components.length; i++) {
            types[i] = components[i].getType();
            if (types[i].isRecord()) {
                arguments[i] = build(types[i], values, next);
            } else {
                arguments[i] =
                        wrap(types[i], values[next[0]], leaves.get(next[0]).info());
                next[0]++;
            }
        }
        try {
            return type.getDeclaredConstructor(types).newInstance(arguments);
        } catch (InvocationTargetException e) {
            throw new IllegalArgumentException("a row of " + name + " is not valid: " + e.getCause(), e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("row types are public records", e);
        }
    }

    private static void collect(Class<?> type, Function<Object, Object> path, List<Leaf> found) {
        for (RecordComponent component : type.getRecordComponents()) {
            Method method = component.getAccessor();
            Function<Object, Object> accessor = path.andThen(holder -> get(method, holder));
            if (component.getType().isRecord()) {
                collect(component.getType(), accessor, found);
                continue;
            }
            Column column = component.getAnnotation(Column.class);
            if (column == null) {
                throw new IllegalArgumentException(type.getSimpleName() + "." + component.getName() + " lacks @Column");
            }
            ColumnType columnType = ColumnType.of(component.getGenericType());
            found.add(new Leaf(
                    new ColumnInfo(
                            snakeCase(component.getName()),
                            columnType.text(),
                            ColumnType.optional(component.getGenericType()),
                            column.unit(),
                            column.since(),
                            column.value()),
                    columnType,
                    accessor));
        }
    }

    private static Object get(Method accessor, Object holder) {
        try {
            return accessor.invoke(holder);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("row types are public records", e);
        }
    }

    private static Object unwrap(Object value) {
        if (value instanceof Optional<?> optional) {
            return optional.orElse(null);
        } else if (value instanceof OptionalDouble optional) {
            return optional.isPresent() ? optional.getAsDouble() : null;
        } else if (value instanceof OptionalLong optional) {
            return optional.isPresent() ? optional.getAsLong() : null;
        } else if (value instanceof OptionalInt optional) {
            return optional.isPresent() ? optional.getAsInt() : null;
        }
        return value;
    }

    private Object wrap(Class<?> type, Object value, ColumnInfo info) {
        if (type == Optional.class) {
            return Optional.ofNullable(value);
        } else if (type == OptionalDouble.class) {
            return value == null ? OptionalDouble.empty() : OptionalDouble.of((Double) value);
        } else if (type == OptionalLong.class) {
            return value == null ? OptionalLong.empty() : OptionalLong.of((Long) value);
        } else if (type == OptionalInt.class) {
            return value == null ? OptionalInt.empty() : OptionalInt.of((Integer) value);
        } else if (value == null) {
            throw new IllegalArgumentException("column " + info.name() + " of " + name + " is missing");
        }
        return value;
    }

    private static String snakeCase(String name) {
        return name.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    }
}
