package dev.powersweep.fitting;

import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Runs that the tests fit: published ones from resources, and planted ones. */
final class TestRuns {
    private TestRuns() {}

    static Observations digitised() {
        return read("/runs/chinchilla-digitised-234.csv");
    }

    static Observations datablations() {
        return read("/runs/datablations-182.csv");
    }

    /** The golden file: quantity by case/name. */
    static Map<String, Double> golden() {
        return golden("/golden/scipy-fits.csv");
    }

    /** A golden file: quantity by case/name. */
    static Map<String, Double> golden(String resource) {
        Map<String, Double> golden = new LinkedHashMap<>();
        lines(resource).stream().skip(1).forEach(line -> {
            String[] cells = line.split(",", -1);
            golden.put(cells[0] + "/" + cells[1], Double.parseDouble(cells[2]));
        });
        return golden;
    }

    /** The rows of files with the same columns. */
    static Observations read(String... resources) {
        List<String> lines = new ArrayList<>(lines(resources[0]));
        for (String more : Arrays.asList(resources).subList(1, resources.length)) {
            lines.addAll(lines(more).subList(1, lines(more).size()));
        }
        String[] headers = lines.get(0).split(",", -1);
        Observations.Builder builder = Observations.builder();
        for (int c = 0; c < headers.length; c++) {
            int at = c;
            if (headers[c].equals("run")) {
                builder.runs(lines.stream()
                        .skip(1)
                        .map(line -> line.split(",", -1)[at])
                        .toArray(String[]::new));
                continue;
            }
            builder.column(
                    Quantity.ofHeader(headers[c]).orElseThrow(),
                    lines.stream()
                            .skip(1)
                            .mapToDouble(line -> Double.parseDouble(line.split(",", -1)[at]))
                            .toArray());
        }
        return builder.build();
    }

    private static List<String> lines(String resource) {
        try (InputStream in = TestRuns.class.getResourceAsStream(resource)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The seed of the run of tests. */
    static long seed() {
        return Long.getLong("test.seed", 1);
    }

    /** A product grid of model and data sizes, each a geometric sequence. */
    static double[][] grid(int models, double smallest, double largest, int sizes, double fewest, double most) {
        double[][] nd = new double[2][models * sizes];
        for (int i = 0; i < models * sizes; i++) {
            nd[0][i] = smallest * Math.pow(largest / smallest, (i % models) / (models - 1.0));
            nd[1][i] = fewest * Math.pow(most / fewest, Math.floorDiv(i, models) / (sizes - 1.0));
        }
        return nd;
    }

    /** Losses of approach 3 with log-normal noise. */
    static Observations chinchilla(double[][] nd, double[] eabAlphaBeta, double noise, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        double[] loss = new double[nd[0].length];
        for (int i = 0; i < loss.length; i++) {
            loss[i] = (eabAlphaBeta[0]
                            + eabAlphaBeta[1] / Math.pow(nd[0][i], eabAlphaBeta[3])
                            + eabAlphaBeta[2] / Math.pow(nd[1][i], eabAlphaBeta[4]))
                    * Math.exp(noise * random.nextGaussian());
        }
        return Observations.of(nd[0], nd[1], loss);
    }
}
