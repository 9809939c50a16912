package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Tokens beside epochs. D counts tokens seen, with repetitions; a column of tokens may as well count the text once. Where
 * runs of one model and one count of tokens differ in epochs, both are usual, and which is meant is asked.
 */
final class EpochAccount {
    private static final List<String> EPOCHS =
            List.of("epochs", "epoch", "numepochs", "nepochs", "numtrainepochs", "trainepochs", "maxepochs", "repeats");

    private static final Set<String> SEEN = Set.of("seen", "consumed", "processed", "cumulative");

    private EpochAccount() {}

    /**
     * Looks at the rows that end a run.
     *
     * @param named whether the user named the column of tokens, and so said that it is meant as it stands
     * @return what to tell; empty where nothing was seen twice
     * @throws UserError where tokens may be counted once or with repetitions
     */
    static Optional<String> compare(
            RawTable table,
            WrittenNumber style,
            List<Integer> ends,
            Map<Quantity, double[]> numbers,
            Map<Quantity, String> headers,
            boolean named) {
        double[] n = numbers.get(Quantity.N);
        double[] d = numbers.get(Quantity.D);
        Optional<Integer> column = column(table.header());
        if (d == null || column.isEmpty() || named || seen(headers.get(Quantity.D))) {
            return Optional.empty();
        }
        double[] epochs = table.column(column.get()).stream()
                .mapToDouble(cell -> style.read(cell, Quantity.LEARNING_RATE))
                .toArray();
        double most = 0;
        Map<List<Double>, Integer> first = new HashMap<>();
        String header = table.header().get(column.get());
        String tokens = headers.get(Quantity.D);
        String product = Typed.columns(Quantity.D, product(tokens, header));
        for (int row : ends) {
            if (Double.isNaN(epochs[row])) {
                return Optional.empty();
            }
            most = Math.max(most, epochs[row]);
            Integer before = first.putIfAbsent(List.of(n == null ? 0.0 : n[row], d[row]), row);
            boolean differ = before != null && epochs[before] != epochs[row];
            if (differ && !Quantities.near(epochs[before], epochs[row], 0.5)) {
                throw new UserError(table.file() + ": " + table.place() + "s "
                        + table.rows().get(before).place() + " and "
                        + table.rows().get(row).place() + " have the same " + tokens + " and " + header + " of "
                        + Quantities.text(epochs[before]) + " and " + Quantities.text(epochs[row])
                        + "; say whether " + tokens + " are counted once (" + product
                        + ") or are those seen, with repetitions ("
                        + Typed.columns(Quantity.D, tokens) + ")");
            }
        }
        return most > 1.5
                ? Optional.of(Character.toUpperCase(header.charAt(0)) + header.substring(1) + " go up to "
                        + Quantities.text(most) + ": " + tokens + " are taken for those seen, with repetitions; "
                        + product
                        + " where they are counted once.")
                : Optional.empty();
    }

    /** Whether a header says that tokens are counted as often as they are seen. */
    private static boolean seen(String header) {
        return HeaderName.words(header).stream().anyMatch(SEEN::contains);
    }

    private static String product(String tokens, String epochs) {
        return tokens + "*" + epochs;
    }

    private static Optional<Integer> column(List<String> header) {
        for (String name : EPOCHS) {
            for (int i = 0; i < header.size(); i++) {
                List<List<String>> forms = HeaderName.of(header.get(i)).forms();
                if (forms.stream().anyMatch(form -> String.join("", form).equals(name))) {
                    return Optional.of(i);
                }
            }
        }
        return Optional.empty();
    }
}
