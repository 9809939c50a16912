package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Finds the column of every quantity: as the user said, else by the header's name. What could have been another is told;
 * where two have the same claim none is taken.
 */
final class ColumnFinder {
    private static final List<String> CONTEXT = List.of(
            "ctxlen",
            "nctx",
            "ctx",
            "context",
            "contextlength",
            "contextlen",
            "seqlen",
            "sequencelength",
            "seqlength",
            "maxseqlen",
            "blocksize");
    private static final List<String> SEQUENCES = List.of(
            "batchsizeseqs",
            "batchsizesequences",
            "batchseqs",
            "batchsequences",
            "sequencesperbatch",
            "batchsizesamples",
            "globalbatchsizeseqs");

    /** Tokens per parameter beyond these are none that anybody trains on. */
    private static final double FEWEST_TOKENS = 1e-3;

    private static final double MOST_TOKENS = 1e7;

    /** A model that has learnt nothing leaves ln(vocabulary) nats per token: 12.5 for 256,000 kinds. */
    private static final double MOST_NATS = 12.5;

    private static final String LN_2 = "0.693147";
    private static final double ROUNDING = 0.005;

    /**
     * @param places of the quantities found
     * @param doubts why a quantity was not taken from a column that might hold it
     * @param remarks what could have been chosen otherwise
     * @param batchOfWhat whether the batch's header does not say if it counts tokens or sequences
     */
    record Found(
            Map<Quantity, ColumnChoice.Place> places,
            Map<Quantity, UserError> doubts,
            List<String> remarks,
            boolean batchOfWhat) {

        Found with(Map<Quantity, ColumnChoice.Place> others) {
            return new Found(others, doubts, remarks, batchOfWhat);
        }
    }

    private final RawTable table;
    private final WrittenNumber style;
    private final ColumnChoice choice;
    private final Map<Quantity, ColumnChoice.Place> places = new EnumMap<>(Quantity.class);
    private final Map<Quantity, UserError> doubts = new EnumMap<>(Quantity.class);
    private final List<String> remarks = new ArrayList<>();
    private final Set<Integer> taken = new HashSet<>();
    private boolean batchOfWhat;

    private ColumnFinder(RawTable table, WrittenNumber style, ColumnChoice choice) {
        this.table = table;
        this.style = style;
        this.choice = choice;
    }

    static Found find(RawTable table, WrittenNumber style, ColumnChoice choice) {
        ColumnFinder finder = new ColumnFinder(table, style, choice);
        finder.find();
        return new Found(finder.places, finder.doubts, List.copyOf(finder.remarks), finder.batchOfWhat);
    }

    private void find() {
        List<String> header = table.header();
        for (Quantity column : Quantity.values()) {
            choice.place(column, header, table.file()).ifPresent(place -> {
                places.put(column, place);
                taken.add(place.index());
            });
        }
        List<Candidate> all = new ArrayList<>();
        for (int i = 0; i < header.size(); i++) {
            if (!taken.contains(i)) {
                all.addAll(QuantityNames.of(header.get(i), i));
            }
        }
        for (Quantity column : Quantity.values()) {
            if (!choice.sources().containsKey(column)) {
                choose(
                        column,
                        ofNumbers(all.stream()
                                .filter(candidate -> candidate.column() == column && sensible(candidate))
                                .sorted(Comparator.comparingInt(Candidate::rank))
                                .toList()));
            }
        }
        doubtLetters();
        doubtLoss();
        sequences();
    }

    /** Those whose cells hold numbers; all of them where none do, so that the reason can be told. */
    private List<Candidate> ofNumbers(List<Candidate> candidates) {
        List<Candidate> numeric = candidates.stream()
                .filter(candidate -> table.column(candidate.index()).stream()
                        .anyMatch(cell -> !Double.isNaN(style.read(cell, candidate.column()))))
                .toList();
        return numeric.isEmpty() ? candidates : numeric;
    }

    /** A capital L whose cells are whole numbers counts layers. */
    private boolean sensible(Candidate candidate) {
        return !(candidate.letter() && candidate.column() == Quantity.LOSS)
                || numbers(candidate).stream().anyMatch(value -> value != Math.rint(value));
    }

    private void choose(Quantity column, List<Candidate> candidates) {
        if (candidates.isEmpty()) {
            return;
        }
        Candidate best = candidates.get(0);
        List<Candidate> others = candidates.stream()
                .skip(1)
                .filter(other -> !other.letter() && !taken.contains(other.index()) && differ(best, other))
                .toList();
        List<Candidate> rivals =
                others.stream().filter(other -> other.rank() == best.rank()).toList();
        ColumnChoice.refuseTwice(name(best), column.label(), table.header(), table.file());
        if (!rivals.isEmpty()) {
            List<String> names = new ArrayList<>(List.of(name(best)));
            rivals.forEach(rival -> names.add(name(rival)));
            doubts.put(
                    column,
                    new UserError(table.file() + ": there is no column for " + column.described()
                            + " that stands out: " + String.join(" and ", names)
                            + " may each be it; name one with " + option(best)));
            return;
        }
        taken.add(best.index());
        places.put(column, best.place());
        batchOfWhat |= column == Quantity.B && QuantityNames.batchOfWhat(name(best));
        if (!others.isEmpty()) {
            String names = others.stream().map(this::name).collect(Collectors.joining(", "));
            remarks.add(column.label() + " is read from " + name(best)
                    + (others.size() == 1 ? ", not from " : ", none of ") + names + "; " + option(others.get(0))
                    + " would take the other.");
        }
    }

    private boolean differ(Candidate one, Candidate other) {
        List<Double> first = numbers(one);
        List<Double> second = numbers(other);
        if (one.logarithm() == other.logarithm() || first.size() != second.size()) {
            return !first.equals(second);
        }
        // A loss and the logarithm of its perplexity are one up to rounding.
        return IntStream.range(0, first.size()).anyMatch(i -> !Quantities.near(first.get(i), second.get(i), ROUNDING));
    }

    private List<Double> numbers(Candidate candidate) {
        return table.column(candidate.index()).stream()
                .map(cell -> candidate.place().value(style.read(cell, candidate.column())))
                .filter(value -> !Double.isNaN(value))
                .toList();
    }

    private String name(Candidate candidate) {
        return table.header().get(candidate.index());
    }

    private String option(Candidate candidate) {
        return Typed.columns(candidate.column(), candidate.place().text(table.header()));
    }

    /** Why no loss was found, or why what was found can be none: bits of what, or numbers that no trained model leaves. */
    private void doubtLoss() {
        if (choice.sources().containsKey(Quantity.LOSS) || doubts.containsKey(Quantity.LOSS)) {
            return;
        }
        String none = table.file() + ": there is no column for loss (" + Quantity.LOSS.unit() + "): '";
        ColumnChoice.Place place = places.get(Quantity.LOSS);
        if (place == null) {
            table.header().stream()
                    .filter(QuantityNames::bitsOfWhat)
                    .findFirst()
                    .ifPresent(header -> doubts.put(
                            Quantity.LOSS,
                            new UserError(none + header + "' counts bits and does not say of what; say "
                                    + Typed.columns(Quantity.LOSS, header + "*" + LN_2)
                                    + " where they are bits per token, or " + Typed.columns(Quantity.LOSS, header)
                                    + " to fit them as they stand")));
            return;
        }
        double usual = middle(Quantity.LOSS);
        if (usual > MOST_NATS && Double.isFinite(usual)) {
            String header = table.header().get(place.index());
            doubts.put(
                    Quantity.LOSS,
                    new UserError(none + header + "' holds numbers about " + Quantities.text(usual)
                            + ", more than the logarithm of any vocabulary; say "
                            + Typed.columns(Quantity.LOSS, "ln(" + header + ")")
                            + " where they are perplexities, or " + Typed.columns(Quantity.LOSS, header)
                            + " where they are meant as they stand"));
            places.remove(Quantity.LOSS);
        }
    }

    /** n and d alone may be nodes and a width: what nobody would train is not taken for model size and data. */
    private void doubtLetters() {
        if (!places.containsKey(Quantity.N) || !places.containsKey(Quantity.D)) {
            return;
        }
        double n = middle(Quantity.N);
        double d = middle(Quantity.D);
        for (Quantity column : List.of(Quantity.N, Quantity.D)) {
            String header = table.header().get(places.get(column).index());
            if (HeaderName.plain(header).length() == 1
                    && !choice.sources().containsKey(column)
                    && (d / n < FEWEST_TOKENS || d / n > MOST_TOKENS)) {
                doubts.put(
                        column,
                        new UserError(table.file() + ": '" + header + "' holds numbers about "
                                + Quantities.text(column == Quantity.N ? n : d)
                                + ", which beside " + (column == Quantity.N ? "d" : "n") + " about "
                                + Quantities.text(column == Quantity.N ? d : n) + " are hardly " + column.unit()
                                + "; name the column of " + column.label() + " with --columns " + column.label()
                                + "=…"));
                places.remove(column);
            }
        }
    }

    private double middle(Quantity column) {
        ColumnChoice.Place place = places.get(column);
        return Quantities.median(table.column(place.index()).stream()
                .mapToDouble(cell -> place.value(style.read(cell, column)))
                .filter(value -> !Double.isNaN(value))
                .toArray());
    }

    /** A batch in sequences counts tokens together with the context. */
    private void sequences() {
        if (choice.sources().containsKey(Quantity.B)) {
            return;
        }
        Optional<Integer> context = known(CONTEXT);
        Optional<Integer> sequences = known(SEQUENCES);
        if (!places.containsKey(Quantity.B) && sequences.isPresent() && context.isPresent()) {
            places.put(Quantity.B, new ColumnChoice.Place(sequences.get(), 1, OptionalInt.of(context.get()), false));
        }
    }

    /** The column of context lengths, if there is one. */
    static Optional<Integer> context(List<String> header) {
        return known(CONTEXT, header);
    }

    private Optional<Integer> known(List<String> names) {
        return known(names, table.header());
    }

    private static Optional<Integer> known(List<String> names, List<String> header) {
        for (String name : names) {
            for (int i = 0; i < header.size(); i++) {
                HeaderName read = HeaderName.of(header.get(i));
                if (read.forms().stream().anyMatch(form -> String.join("", form).equals(name))) {
                    return Optional.of(i);
                }
            }
        }
        return Optional.empty();
    }
}
