package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.runs.Column;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Which header stands for which quantity, as the user said: {@code n=params_M*1e6,d=tokens,loss=val_loss}. A factor turns
 * the table's unit into ours (parameters, tokens, nats).
 *
 * @param sources of quantities that are numbers
 * @param run header of the column that names a row's run; empty to find it by its usual names
 */
public record ColumnChoice(Map<Column, Source> sources, Optional<String> run) {

    /** A column of the file and the factor its numbers are multiplied with. */
    public record Source(String header, double factor) {}

    /** Where a quantity was found: the column's position, its header and factor. */
    record Place(int index, String header, double factor) {}

    public static final ColumnChoice BY_HEADER = new ColumnChoice(Map.of(), Optional.empty());

    private static final String RUN = "run";
    private static final List<String> RUN_HEADERS =
            List.of(RUN, "runid", "runname", "name", "id", "cell", "trial", "experiment");

    public ColumnChoice {
        sources = Map.copyOf(sources);
    }

    /** Parses the values of {@code --columns}, one assignment each. */
    public static ColumnChoice parse(List<String> assignments) {
        Map<Column, Source> sources = new EnumMap<>(Column.class);
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

    private static Column quantity(String key) {
        for (Column column : Column.values()) {
            if (column.label().equals(key)) {
                return column;
            }
        }
        throw new UserError("--columns: there is no quantity '" + key + "'; known are "
                + Arrays.stream(Column.values()).map(Column::label).collect(Collectors.joining(", ")) + " and " + RUN);
    }

    private static Source source(String assignment, String text) {
        int times = text.lastIndexOf('*');
        if (times < 0) {
            return new Source(text.strip(), 1);
        }
        try {
            double factor = Double.parseDouble(text.substring(times + 1).strip());
            if (factor > 0 && !Double.isInfinite(factor)) {
                return new Source(text.substring(0, times).strip(), factor);
            }
        } catch (NumberFormatException notANumber) {
            // Said below, as for a number that is no factor.
        }
        throw new UserError(
                "--columns: in '" + assignment + "' what follows * must be a positive number, as in n=params_M*1e6");
    }

    /** Finds every quantity that the header offers; a header the user named must exist. */
    Map<Column, Place> numbers(List<String> header, String file) {
        Map<Column, Place> places = new EnumMap<>(Column.class);
        for (Column column : Column.values()) {
            Source source = sources.get(column);
            if (source != null) {
                int index = named(source.header(), column.label(), header, file);
                places.put(column, new Place(index, header.get(index), source.factor()));
            } else {
                known(column.headers(), header)
                        .ifPresent(index -> places.put(column, new Place(index, header.get(index), 1)));
            }
        }
        return places;
    }

    Optional<Place> runs(List<String> header, String file) {
        Optional<Integer> index =
                run.isPresent() ? Optional.of(named(run.get(), RUN, header, file)) : known(RUN_HEADERS, header);
        return index.map(at -> new Place(at, header.get(at), 1));
    }

    private static int named(String name, String quantity, List<String> header, String file) {
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

    /** A header as it is compared: case, blanks, hyphens, underscores and points do not matter. */
    static String normal(String header) {
        StringBuilder kept = new StringBuilder(header.length());
        header.chars().filter(Character::isLetterOrDigit).forEach(kept::appendCodePoint);
        return kept.toString().toLowerCase(Locale.ROOT);
    }
}
