package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.LossCurve;
import dev.powersweep.orchestrator.results.SweepResults;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/**
 * Which cells of a sweep a law may be fitted to. A law in one variable takes cells in which the others do not bind; a law
 * that knows no batch size takes, of each model and data size, the batch that did best.
 */
public enum Selection {
    /** For laws that know the batch, and for the trade-off between steps and data. */
    ALL("every finished cell") {
        @Override
        public List<CellResult> of(List<CellResult> usable) {
            return usable;
        }
    },
    /** For laws that know the batch and not the rate, where several rates were tried. */
    BEST_RATE("every model, data and batch size at its best learning rate") {
        @Override
        public List<CellResult> of(List<CellResult> usable) {
            return bestRates(usable);
        }
    },
    BEST_BATCH("of every model and data size the batch of lowest loss, unless the batch that usually wins is missing") {
        @Override
        public List<CellResult> of(List<CellResult> usable) {
            return best(bestRates(usable));
        }
    },
    LARGEST_DATA("the largest data size, where data bind least; of every model the batch of lowest loss") {
        @Override
        public List<CellResult> of(List<CellResult> usable) {
            double most = most(usable, CellResult::tokens);
            return BEST_BATCH.of(
                    usable.stream().filter(cell -> cell.tokens() > most / NEAR).toList());
        }
    },
    LARGEST_MODEL("the largest model, where its size binds least; of every data size the batch of lowest loss") {
        @Override
        public List<CellResult> of(List<CellResult> usable) {
            double most = most(usable, CellResult::parameters);
            return BEST_BATCH.of(usable.stream()
                    .filter(cell -> cell.parameters() > most / NEAR)
                    .toList());
        }
    },
    FRONTIER("the cells that no cheaper cell beats") {
        @Override
        public List<CellResult> of(List<CellResult> usable) {
            List<CellResult> byCompute = bestRates(usable).stream()
                    .sorted(Comparator.comparingDouble(CellResult::kaplanFlops)
                            .thenComparingDouble(cell -> cell.validationLoss().getAsDouble()))
                    .toList();
            List<CellResult> frontier = new ArrayList<>();
            for (CellResult cell : byCompute) {
                double loss = cell.validationLoss().getAsDouble();
                if (frontier.isEmpty()
                        || loss
                                < frontier.get(frontier.size() - 1)
                                        .validationLoss()
                                        .getAsDouble()) {
                    frontier.add(cell);
                }
            }
            return frontier;
        }
    },
    /** Points along the runs rather than their ends. */
    CURVES("validation loss along every run") {
        @Override
        public List<CellResult> of(List<CellResult> usable) {
            return byScale(usable).values().stream()
                    .map(BestRate::measured)
                    .flatMap(Collection::stream)
                    .toList();
        }
    },
    /** For the law of whole curves, which knows one model and one batch size. */
    SCHEDULES("training loss after the warm-up, of every run of the model and batch size that has most of them") {
        @Override
        public List<CellResult> of(List<CellResult> usable) {
            return usable.stream()
                    .collect(Collectors.groupingBy(cell -> List.of(cell.parameters(), cell.batchTokens())))
                    .values()
                    .stream()
                    .max(Comparator.<List<CellResult>>comparingInt(List::size)
                            .thenComparingDouble(cells -> cells.get(0).parameters())
                            .thenComparingDouble(cells -> cells.get(0).batchTokens()))
                    .orElse(List.of());
        }
    };

    /** Data sizes are rounded to whole batches; sizes this close are one size. */
    private static final double NEAR = 1.02;

    /** A batch that wins this share of all sizes is the usual best. */
    private static final double USUAL = 0.6;

    private final String text;

    Selection(String text) {
        this.text = text;
    }

    /** The rule in words. */
    public String text() {
        return text;
    }

    public abstract List<CellResult> of(List<CellResult> usable);

    /** The cells as observations; a run is a cell. */
    Observations observations(SweepResults results, List<CellResult> usable) {
        List<CellResult> cells = of(usable);
        return switch (this) {
            case CURVES -> along(results, cells);
            case SCHEDULES -> ScheduleRows.of(results, cells);
            default -> ends(cells);
        };
    }

    private static Observations ends(List<CellResult> cells) {
        Observations.Builder builder = Observations.builder()
                .column(Quantity.N, column(cells, CellResult::parameters))
                .column(Quantity.D, column(cells, CellResult::tokensDone))
                .column(Quantity.B, column(cells, CellResult::batchTokens))
                .column(Quantity.U, column(cells, cell -> Math.min(cell.uniqueTokens(), cell.tokensDone())))
                .column(Quantity.LOSS, column(cells, cell -> cell.validationLoss()
                        .getAsDouble()))
                .runs(cells.stream().map(CellResult::name).toArray(String[]::new));
        if (cells.stream().allMatch(cell -> cell.learningRate() > 0)) {
            builder.column(Quantity.LEARNING_RATE, column(cells, CellResult::learningRate));
        }
        return builder.build();
    }

    private static Observations along(SweepResults results, List<CellResult> cells) {
        Map<String, CellResult> byId = cells.stream().collect(Collectors.toMap(CellResult::id, Function.identity()));
        List<double[]> rows = new ArrayList<>();
        List<String> runs = new ArrayList<>();
        for (LossCurve curve : results.validation()) {
            CellResult cell = byId.get(curve.cell());
            for (int i = 0; cell != null && i < curve.loss().length; i++) {
                rows.add(new double[] {
                    cell.parameters(), curve.tokens()[i], cell.batchTokens(), curve.step()[i], curve.loss()[i]
                });
                runs.add(cell.name());
            }
        }
        List<Quantity> columns = List.of(Quantity.N, Quantity.D, Quantity.B, Quantity.STEP, Quantity.LOSS);
        Observations.Builder builder = Observations.builder().runs(runs.toArray(String[]::new));
        for (int c = 0; c < columns.size(); c++) {
            int at = c;
            builder.column(
                    columns.get(c), rows.stream().mapToDouble(row -> row[at]).toArray());
        }
        return builder.build();
    }

    private static double[] column(List<CellResult> cells, ToDoubleFunction<CellResult> quantity) {
        return cells.stream().mapToDouble(quantity).toArray();
    }

    private static double most(List<CellResult> cells, ToDoubleFunction<CellResult> quantity) {
        return cells.stream().mapToDouble(quantity).max().orElse(0);
    }

    /** Rounding of the data to whole batches must not split a data size in two. */
    private static long size(CellResult cell) {
        return Math.round(Math.log(cell.tokens()) / Math.log(NEAR) / 2);
    }

    /**
     * Of each model and data size the cells of the batch and learning rate whose mean loss over the seeds is lowest. Where
     * one batch wins most sizes, a size that lacks it (its cell failed) is left out: its best would not be comparable.
     */
    private static List<CellResult> best(List<CellResult> cells) {
        Map<String, List<CellResult>> groups = cells.stream()
                .collect(Collectors.groupingBy(
                        cell -> cell.parameters() + "/" + size(cell), TreeMap::new, Collectors.toList()));
        Map<Double, Long> wins = groups.values().stream()
                .map(BestRate::measured)
                .collect(Collectors.groupingBy(rule -> rule.get(0).batchTokens(), Collectors.counting()));
        double usual = wins.entrySet().stream()
                .filter(entry -> entry.getValue() >= USUAL * groups.size())
                .mapToDouble(Map.Entry::getKey)
                .findFirst()
                .orElse(Double.NaN);
        return groups.values().stream()
                .filter(group -> Double.isNaN(usual) || group.stream().anyMatch(cell -> cell.batchTokens() == usual))
                .map(BestRate::measured)
                .flatMap(Collection::stream)
                .sorted(Comparator.comparingDouble(CellResult::parameters)
                        .thenComparingDouble(CellResult::tokens)
                        .thenComparingLong(CellResult::seed))
                .toList();
    }

    /** Cells by model, data and batch size, whatever rate and settings they were trained with. */
    public static Map<String, List<CellResult>> byScale(List<CellResult> cells) {
        return cells.stream()
                .collect(Collectors.groupingBy(
                        cell -> cell.parameters() + "/" + size(cell) + "/" + cell.batchTokens(),
                        LinkedHashMap::new,
                        Collectors.toList()));
    }

    private static List<CellResult> bestRates(List<CellResult> cells) {
        return byScale(cells).values().stream()
                .map(BestRate::at)
                .flatMap(Collection::stream)
                .toList();
    }
}
