package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.storage.UserError;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Which header stands for which quantity, as the user said: {@code n=params_M*1e6,d=tokens,b=seqs*ctx_len}. A factor, a
 * number or another column, turns the table's unit into ours (parameters, tokens, nats); {@code loss=ln(ppl)} takes the
 * logarithm of perplexities. {@code c=none} says that no header
 * stands for a quantity, {@code run=none} that every row is a run.
 *
 * @param sources of quantities that are numbers
 * @param run header of the column that names a row's run; empty to find it by its usual names
 */
public record ColumnChoice(Map<Quantity, Source> sources, Optional<String> run) {

    /**
     * A column of the file and what its numbers are multiplied with.
     *
     * @param factor a number
     * @param times another column
     */
    public record Source(String header, double factor, Optional<String> times) {}

    /**
     * Where a quantity was found.
     *
     * @param index position of its column
     * @param factor that its numbers are multiplied with
     * @param times position of the column that they are multiplied with as well
     * @param logarithm whether their natural logarithm is taken first
     */
    record Place(int index, double factor, OptionalInt times, boolean logarithm) {
        /** The quantity that a number of the column stands for, but for {@code times}. */
        double value(double number) {
            return (logarithm ? Math.log(number) : number) * factor;
        }

        /** The column in words, as {@code --columns} would take it. */
        String text(List<String> header) {
            String name = header.get(index);
            return (logarithm ? "ln(" + name + ")" : name)
                    + (times.isPresent() ? "*" + header.get(times.getAsInt()) : "")
                    + (factor == 1 ? "" : "*" + BigDecimal.valueOf(factor).stripTrailingZeros());
        }
    }

    public static final ColumnChoice BY_HEADER = new ColumnChoice(Map.of(), Optional.empty());

    private static final Pattern LOGARITHM = Pattern.compile("ln\\((.+)\\)", Pattern.CASE_INSENSITIVE);
    private static final String NONE = "none";
    private static final String RUN = "run";

    public ColumnChoice {
        sources = Map.copyOf(sources);
    }

    /** Parses the values of {@code --columns}, one assignment each. */
    public static ColumnChoice parse(List<String> assignments) {
        Map<Quantity, Source> sources = new EnumMap<>(Quantity.class);
        Optional<String> run = Optional.empty();
        for (String assignment : whole(assignments)) {
            int equals = assignment.indexOf('=');
            if (equals <= 0 || equals == assignment.length() - 1) {
                throw new UserError("--columns: '" + assignment
                        + "' is not of the form quantity=header, as in --columns n=params,d=tokens,loss=val_loss");
            }
            String key = assignment.substring(0, equals).strip().toLowerCase(Locale.ROOT);
            String value = assignment.substring(equals + 1);
            boolean twice =
                    key.equals(RUN) ? run.isPresent() : sources.put(quantity(key), source(assignment, value)) != null;
            if (key.equals(RUN)) {
                run = Optional.of(value.strip());
            }
            if (twice) {
                throw new UserError("--columns: '" + key + "' is given twice; give it once");
            }
        }
        return new ColumnChoice(sources, run);
    }

    /** Assignments that were parted at commas; a part without an equals sign goes on with the header before it. */
    private static List<String> whole(List<String> parts) {
        List<String> whole = new ArrayList<>();
        for (String part : parts) {
            if (whole.isEmpty() || part.indexOf('=') >= 0) {
                whole.add(part);
            } else {
                whole.set(whole.size() - 1, whole.get(whole.size() - 1) + "," + part);
            }
        }
        return whole;
    }

    private static Quantity quantity(String key) {
        for (Quantity column : Quantity.values()) {
            if (column.label().equals(key)) {
                return column;
            }
        }
        throw new UserError("--columns: there is no quantity '" + key + "'; known are "
                + Arrays.stream(Quantity.values()).map(Quantity::label).collect(Collectors.joining(", ")) + " and "
                + RUN);
    }

    private static Source source(String assignment, String text) {
        String header = text;
        double factor = 1;
        Optional<String> times = Optional.empty();
        for (int star = header.lastIndexOf('*'); star >= 0; star = header.lastIndexOf('*')) {
            String last = header.substring(star + 1).strip();
            OptionalDouble number = number(last);
            boolean usable = number.isPresent()
                    ? number.getAsDouble() > 0 && !Double.isInfinite(number.getAsDouble())
                    : !last.isEmpty() && times.isEmpty();
            if (!usable) {
                throw new UserError("--columns: in '" + assignment
                        + "' what follows * must be a positive number or another header, as in n=params_M*1e6 or"
                        + " b=seqs*ctx_len");
            }
            factor *= number.orElse(1);
            times = number.isPresent() ? times : Optional.of(last);
            header = header.substring(0, star);
        }
        return new Source(header.strip(), factor, times);
    }

    private static OptionalDouble number(String text) {
        try {
            return OptionalDouble.of(Double.parseDouble(text));
        } catch (NumberFormatException anotherHeader) {
            return OptionalDouble.empty();
        }
    }

    /** Whether the user said that the table holds no such quantity. */
    boolean without(Quantity column, List<String> header) {
        Source source = sources.get(column);
        return source != null && source.header().equalsIgnoreCase(NONE) && !header.contains(source.header());
    }

    /** Whether the user said that every row is a run. */
    boolean withoutRuns(List<String> header) {
        return run.filter(name -> name.equalsIgnoreCase(NONE) && !header.contains(name))
                .isPresent();
    }

    /** Whether the user named the quantity's column. */
    boolean names(Quantity column, List<String> header) {
        return sources.containsKey(column) && !without(column, header);
    }

    /** Where the column lies that the user named; empty where he named none. */
    Optional<Place> place(Quantity column, List<String> header, String file) {
        Source source = sources.get(column);
        if (source == null || without(column, header)) {
            return Optional.empty();
        }
        Matcher written = LOGARITHM.matcher(source.header());
        boolean logarithm = column == Quantity.LOSS && written.matches() && !header.contains(source.header());
        int index = named(logarithm ? written.group(1).strip() : source.header(), column.label(), header, file);
        if (column == Quantity.LOSS && !logarithm && QuantityNames.perplexity(header.get(index))) {
            throw new UserError(file + ": '" + header.get(index)
                    + "' holds perplexities, and the loss is their logarithm; say "
                    + Typed.columns(column, "ln(" + header.get(index) + ")")
                    + ", or rename the column where it holds losses");
        }
        OptionalInt times = source.times().isPresent()
                ? OptionalInt.of(named(source.times().get(), column.label(), header, file))
                : OptionalInt.empty();
        return Optional.of(new Place(index, source.factor(), times, logarithm));
    }

    /** Position of the column that the user says tells runs apart. */
    Optional<Integer> runs(List<String> header, String file) {
        return run.filter(name -> !withoutRuns(header)).map(name -> named(name, RUN, header, file));
    }

    /** Two columns of one name: which of them is meant cannot be known. */
    static void refuseTwice(String name, String quantity, List<String> header, String file) {
        int first = header.indexOf(name);
        int last = header.lastIndexOf(name);
        if (first != last) {
            throw new UserError(file + ": the header has '" + name + "' twice, as columns " + (first + 1) + " and "
                    + (last + 1) + ", and " + quantity + " is read from it; rename the one that is not meant");
        }
    }

    private static int named(String name, String quantity, List<String> header, String file) {
        refuseTwice(name, quantity, header, file);
        int index = header.indexOf(name);
        if (index >= 0) {
            return index;
        }
        List<Integer> alike = new ArrayList<>();
        for (int i = 0; i < header.size(); i++) {
            if (HeaderName.normal(header.get(i)).equals(HeaderName.normal(name))) {
                alike.add(i);
            }
        }
        if (alike.size() == 1) {
            return alike.get(0);
        }
        throw new UserError(file + ": there is no column '" + name + "' for " + quantity + "; the header has "
                + String.join(", ", header));
    }
}
