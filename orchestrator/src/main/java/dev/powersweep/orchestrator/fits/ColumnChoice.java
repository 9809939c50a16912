package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.law.KaplanForms;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.storage.UserError;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Which header stands for which quantity, as the user said: {@code n=params_M*1e6,d=tokens,b=seqs*ctx_len}. A factor, a
 * number or another column, turns the table's unit into ours (parameters, tokens, nats).
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
     */
    record Place(int index, double factor, OptionalInt times) {
        static Place of(int index) {
            return new Place(index, 1, OptionalInt.empty());
        }

        /** The column in words, as {@code --columns} would take it. */
        String text(List<String> header) {
            return header.get(index)
                    + (times.isPresent() ? "*" + header.get(times.getAsInt()) : "")
                    + (factor == 1 ? "" : "*" + BigDecimal.valueOf(factor).stripTrailingZeros());
        }
    }

    public static final ColumnChoice BY_HEADER = new ColumnChoice(Map.of(), Optional.empty());

    /** Endings of a header that tell in what its numbers are counted. */
    private static final Map<String, Double> UNITS =
            Map.of("m", 1e6, "millions", 1e6, "inmillions", 1e6, "b", 1e9, "billions", 1e9, "inbillions", 1e9);

    /** Compute with a prefix before FLOPs, and in PF-days. */
    private static final Pattern COMPUTE =
            Pattern.compile("(?:training|train|total|compute|c)*(?:([gtpez])flops?|(?:pf|pflops?|petaflops?)days?)");

    private static final Map<String, Double> FLOPS = Map.of("g", 1e9, "t", 1e12, "p", 1e15, "e", 1e18, "z", 1e21);
    private static final Pattern VALIDATION = Pattern.compile("val|eval|test|heldout|holdout");
    private static final Set<Quantity> COUNTED = EnumSet.of(Quantity.N, Quantity.D, Quantity.U);
    private static final List<String> SEQUENCES =
            List.of("batch_size_seqs", "batch_size_sequences", "batch_seqs", "batch_sequences", "sequences_per_batch");
    private static final List<String> CONTEXT =
            List.of("ctx_len", "n_ctx", "context", "context_length", "seq_len", "sequence_length");
    private static final String RUN = "run";
    private static final List<String> RUN_HEADERS =
            List.of(RUN, "runid", "runname", "name", "id", "cell", "trial", "experiment");

    public ColumnChoice {
        sources = Map.copyOf(sources);
    }

    /** Parses the values of {@code --columns}, one assignment each. */
    public static ColumnChoice parse(List<String> assignments) {
        Map<Quantity, Source> sources = new EnumMap<>(Quantity.class);
        Optional<String> run = Optional.empty();
        for (String assignment : assignments) {
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
        int times = text.lastIndexOf('*');
        if (times < 0) {
            return new Source(text.strip(), 1, Optional.empty());
        }
        String header = text.substring(0, times).strip();
        String factor = text.substring(times + 1).strip();
        try {
            double number = Double.parseDouble(factor);
            if (number > 0 && !Double.isInfinite(number)) {
                return new Source(header, number, Optional.empty());
            }
        } catch (NumberFormatException notANumber) {
            if (!factor.isEmpty()) {
                return new Source(header, 1, Optional.of(factor));
            }
        }
        throw new UserError(
                "--columns: in '" + assignment
                        + "' what follows * must be a positive number or another header, as in n=params_M*1e6 or b=seqs*ctx_len");
    }

    /** Finds every quantity that the header offers; a header the user named must exist. */
    Map<Quantity, Place> numbers(List<String> header, String file) {
        Map<Quantity, Place> places = new EnumMap<>(Quantity.class);
        for (Quantity column : Quantity.values()) {
            Source source = sources.get(column);
            if (source != null) {
                int index = named(source.header(), column.label(), header, file);
                OptionalInt times = source.times().isPresent()
                        ? OptionalInt.of(named(source.times().get(), column.label(), header, file))
                        : OptionalInt.empty();
                places.put(column, new Place(index, source.factor(), times));
            } else {
                byHeader(column, header).ifPresent(place -> {
                    refuseTwice(header.get(place.index()), column.label(), header, file);
                    places.put(column, place);
                });
            }
        }
        return places;
    }

    /** The column that says which rows are one run. */
    Optional<Place> runs(List<String> header, String file) {
        Optional<Integer> index =
                run.isPresent() ? Optional.of(named(run.get(), RUN, header, file)) : known(RUN_HEADERS, header);
        return index.map(Place::of);
    }

    /** Whether the user, or a header that can mean nothing else, says that this column tells the runs apart. */
    boolean surelyRuns(String header) {
        return run.isPresent() || normal(header).startsWith(RUN);
    }

    /** A quantity under one of its usual names, or under one with its unit behind it, or in a way of its own. */
    private static Optional<Place> byHeader(Quantity column, List<String> header) {
        Optional<Place> plain = known(column.headers(), header).map(Place::of);
        if (plain.isPresent()) {
            return plain;
        }
        Optional<Place> within = named(column, header);
        if (within.isPresent()) {
            return within;
        }
        if (COUNTED.contains(column)) {
            return counted(column, header);
        }
        if (column == Quantity.C) {
            return compute(header);
        }
        if (column == Quantity.B) {
            Optional<Integer> context = known(CONTEXT, header);
            return known(SEQUENCES, header)
                    .filter(sequences -> context.isPresent())
                    .map(sequences -> new Place(sequences, 1, OptionalInt.of(context.get())));
        }
        return column == Quantity.LOSS ? loss(header) : Optional.empty();
    }

    /** A usual name with a path before it or a unit in brackets behind it; one that several headers bear is none. */
    private static Optional<Place> named(Quantity column, List<String> header) {
        for (String usual : column.headers()) {
            List<Place> found = new ArrayList<>();
            for (int i = 0; i < header.size(); i++) {
                HeaderName read = HeaderName.of(header.get(i));
                if (read.name().equals(HeaderName.normal(usual)) && read.unit().isPresent()) {
                    found.add(new Place(i, read.unit().getAsDouble(), OptionalInt.empty()));
                }
            }
            if (!found.isEmpty()) {
                return found.size() == 1 ? Optional.of(found.get(0)) : Optional.empty();
            }
        }
        return Optional.empty();
    }

    private static Optional<Place> counted(Quantity column, List<String> header) {
        for (String name : column.headers()) {
            for (Map.Entry<String, Double> unit : UNITS.entrySet()) {
                List<Integer> found = name.length() == 1 ? List.of() : indices(header, normal(name) + unit.getKey());
                if (!found.isEmpty()) {
                    return Optional.of(new Place(found.get(0), unit.getValue(), OptionalInt.empty()));
                }
            }
        }
        return Optional.empty();
    }

    /** Compute in thousands, millions … of FLOPs, or in PF-days, as the header says. */
    private static Optional<Place> compute(List<String> header) {
        for (int i = 0; i < header.size(); i++) {
            Matcher said = COMPUTE.matcher(HeaderName.of(header.get(i)).name());
            if (said.matches()) {
                double factor = said.group(1) == null ? KaplanForms.FLOPS_PER_PF_DAY : FLOPS.get(said.group(1));
                return Optional.of(new Place(i, factor, OptionalInt.empty()));
            }
        }
        return Optional.empty();
    }

    /** The only header that begins or ends with loss; of several the only one that speaks of validation. */
    private static Optional<Place> loss(List<String> header) {
        List<Place> losses = new ArrayList<>();
        List<Place> validation = new ArrayList<>();
        for (int i = 0; i < header.size(); i++) {
            HeaderName read = HeaderName.of(header.get(i));
            boolean named = read.name().endsWith("loss") || read.whole().startsWith("loss");
            if (named && read.unit().isPresent()) {
                Place place = new Place(i, read.unit().getAsDouble(), OptionalInt.empty());
                losses.add(place);
                if (VALIDATION.matcher(read.whole()).find()) {
                    validation.add(place);
                }
            }
        }
        List<Place> choice = losses.size() == 1 ? losses : validation;
        return choice.size() == 1 ? Optional.of(choice.get(0)) : Optional.empty();
    }

    /** Two columns of one name: which of them is meant cannot be known. */
    private static void refuseTwice(String name, String quantity, List<String> header, String file) {
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
        List<Integer> alike = indices(header, normal(name));
        if (alike.size() == 1) {
            return alike.get(0);
        }
        throw new UserError(file + ": there is no column '" + name + "' for " + quantity + "; the header has "
                + String.join(", ", header));
    }

    /** The header that comes first in the list of usual names; of several equal ones, that in lower case. */
    private static Optional<Integer> known(List<String> names, List<String> header) {
        for (String name : names) {
            List<Integer> found = indices(header, normal(name));
            if (!found.isEmpty()) {
                return Optional.of(found.stream()
                        .filter(index -> header.get(index).equals(name))
                        .findFirst()
                        .orElse(found.get(0)));
            }
        }
        return Optional.empty();
    }

    private static List<Integer> indices(List<String> header, String normalName) {
        List<Integer> found = new ArrayList<>();
        for (int i = 0; i < header.size(); i++) {
            if (normal(header.get(i)).equals(normalName)) {
                found.add(i);
            }
        }
        return found;
    }

    private static String normal(String header) {
        return HeaderName.normal(header);
    }
}
