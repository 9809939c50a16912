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
            boolean batchOfWhat) {}

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
                    new UserError(table.file() + ": there is no column for " + column.label() + " (" + column.unit()
                            + ") that stands out: " + String.join(" and ", names)
                            + " may each be it; name one with --columns " + column.label() + "=" + name(best)));
            return;
        }
        taken.add(best.index());
        places.put(column, new ColumnChoice.Place(best.index(), best.factor(), OptionalInt.empty()));
        batchOfWhat |= column == Quantity.B && QuantityNames.batchOfWhat(name(best));
        if (!others.isEmpty()) {
            String names = others.stream().map(this::name).collect(Collectors.joining(", "));
            remarks.add(column.label() + " is read from " + name(best)
                    + (others.size() == 1 ? ", not from " : ", none of ") + names + "; --columns " + column.label()
                    + "=" + name(others.get(0)) + " would take the other.");
        }
    }

    private boolean differ(Candidate one, Candidate other) {
        return !numbers(one).equals(numbers(other));
    }

    private List<Double> numbers(Candidate candidate) {
        return table.column(candidate.index()).stream()
                .map(cell -> style.read(cell, candidate.column()) * candidate.factor())
                .filter(value -> !Double.isNaN(value))
                .toList();
    }

    private String name(Candidate candidate) {
        return table.header().get(candidate.index());
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
            if (header.length() == 1
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
                .mapToDouble(cell -> style.read(cell, column) * place.factor())
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
            places.put(Quantity.B, new ColumnChoice.Place(sequences.get(), 1, OptionalInt.of(context.get())));
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
