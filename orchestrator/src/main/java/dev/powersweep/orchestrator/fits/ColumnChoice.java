package dev.powersweep.orchestrator.fits;

import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which header stands for which quantity, as the user said: {@code n=params_M*1e6,d=tokens,loss=val_loss}. A factor turns
 * the table's unit into ours (parameters, tokens, nats).
 */
public record ColumnChoice(Map<RunColumn, Source> sources) {

    /** A column of the file and the factor its numbers are multiplied with. */
    public record Source(String header, double factor) {}

    /** Where a quantity was found: the column's position, its header and factor. */
    record Place(int index, String header, double factor) {}

    public static final ColumnChoice BY_HEADER = new ColumnChoice(Map.of());

    public ColumnChoice {
        sources = Map.copyOf(sources);
    }

    /** Parses the value of {@code --columns}. */
    public static ColumnChoice parse(List<String> assignments) {
        Map<RunColumn, Source> sources = new EnumMap<>(RunColumn.class);
        for (String assignment : assignments) {
            int equals = assignment.indexOf('=');
            if (equals <= 0 || equals == assignment.length() - 1) {
                throw new UserError("--columns: '" + assignment
                        + "' is not of the form quantity=header, as in --columns n=params,d=tokens,loss=val_loss");
            }
            String key = assignment.substring(0, equals);
            RunColumn column = RunColumn.ofKey(key)
                    .orElseThrow(() -> new UserError("--columns: there is no quantity '" + key.strip() + "'; known are "
                            + String.join(
                                    ", ",
                                    List.of(RunColumn.values()).stream()
                                            .map(RunColumn::key)
                                            .toList())));
            if (sources.put(column, source(assignment, assignment.substring(equals + 1), column)) != null) {
                throw new UserError("--columns: '" + column.key() + "' is given twice; give it once");
            }
        }
        return new ColumnChoice(sources);
    }

    private static Source source(String assignment, String text, RunColumn column) {
        int times = text.lastIndexOf('*');
        if (times < 0) {
            return new Source(text.strip(), 1);
        }
        try {
            double factor = Double.parseDouble(text.substring(times + 1).strip());
            if (column.text() || !(factor > 0) || Double.isInfinite(factor)) {
                throw new NumberFormatException();
            }
            return new Source(text.substring(0, times).strip(), factor);
        } catch (NumberFormatException notANumber) {
            throw new UserError(
                    "--columns: in '" + assignment + "' what follows * must be a positive number, as in n=params_M*1e6",
                    notANumber);
        }
    }

    /** Finds every quantity that the header offers; a header the user named must exist. */
    Map<RunColumn, Place> in(List<String> header, String file) {
        Map<RunColumn, Place> places = new EnumMap<>(RunColumn.class);
        for (RunColumn column : RunColumn.values()) {
            Source source = sources.get(column);
            if (source == null) {
                known(column, header).ifPresent(index -> places.put(column, new Place(index, header.get(index), 1)));
            } else {
                int index = header.indexOf(source.header());
                if (index < 0) {
                    index = only(indices(header, RunColumn.normal(source.header())));
                }
                if (index < 0) {
                    throw new UserError(file + ": there is no column '" + source.header() + "' for " + column.key()
                            + "; the header has " + String.join(", ", header));
                }
                places.put(column, new Place(index, header.get(index), source.factor()));
            }
        }
        return places;
    }

    private static Optional<Integer> known(RunColumn column, List<String> header) {
        for (String name : column.headers()) {
            List<Integer> found = indices(header, name);
            if (!found.isEmpty()) {
                for (int index : found) {
                    if (header.get(index).equals(name)) {
                        return Optional.of(index);
                    }
                }
                return Optional.of(found.get(0));
            }
        }
        return Optional.empty();
    }

    private static List<Integer> indices(List<String> header, String normalName) {
        List<Integer> found = new ArrayList<>();
        for (int i = 0; i < header.size(); i++) {
            if (RunColumn.normal(header.get(i)).equals(normalName)) {
                found.add(i);
            }
        }
        return found;
    }

    private static int only(List<Integer> indices) {
        return indices.size() == 1 ? indices.get(0) : -1;
    }
}
