package dev.powersweep.orchestrator.runtable;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Columns of words that part the rows of a table into a few kinds. */
final class Kinds {
    private Kinds() {}

    /**
     * Headers of such columns, with an example of their words each, among the rows that end a run. A column with a word of its own for every model size
     * names the sizes and is none.
     */
    static Map<String, String> of(RawTable all, List<Integer> ends, Set<Integer> read, double[] sizesOfAll) {
        // What changes along a run does not part runs.
        RawTable table = all.with(ends.stream().map(all.rows()::get).toList());
        double[] sizes = sizesOfAll.length == 0
                ? sizesOfAll
                : ends.stream().mapToDouble(row -> sizesOfAll[row]).toArray();
        Map<String, String> kinds = new LinkedHashMap<>();
        for (int column = 0; column < table.header().size(); column++) {
            List<String> words = table.column(column);
            Set<String> different = new HashSet<>(words);
            boolean few =
                    different.size() > 1 && different.size() <= table.rows().size() / 3;
            if (read.contains(column) || !few || different.stream().anyMatch(Kinds::isNumber)) {
                continue;
            }
            Set<List<Object>> pairs = new HashSet<>();
            Set<Double> sizesSeen = new HashSet<>();
            for (int i = 0; i < sizes.length; i++) {
                pairs.add(List.of(words.get(i), sizes[i]));
                sizesSeen.add(sizes[i]);
            }
            boolean namesSizes = pairs.size() == sizesSeen.size() && pairs.size() == different.size();
            if (!namesSizes) {
                kinds.put(table.header().get(column), words.get(0));
            }
        }
        return kinds;
    }

    private static boolean isNumber(String text) {
        // Dates and numbers with units part nothing either.
        return text.isEmpty() || "+-.0123456789".indexOf(text.charAt(0)) >= 0 || text.equalsIgnoreCase("nan");
    }
}
