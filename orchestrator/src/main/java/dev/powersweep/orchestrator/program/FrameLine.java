package dev.powersweep.orchestrator.program;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.ModelCounts;
import dev.powersweep.worker.shard.ShardManifest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * One line of a program: a JSON object with a {@code frame}. What a line leaves out is NaN, 0 or {@link #NEWEST} in the
 * frame that it becomes. Names with underscores are read as those without.
 *
 * @param notes sentences on names that mean nothing, and on numbers that are left out
 */
record FrameLine(Frame frame, List<String> notes) {
    /** In place of a step that is not given: the newest one. */
    static final long NEWEST = -1;

    private static final ObjectReader JSON = JsonMapper.builder()
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build()
            .reader();

    private static final Map<String, List<String>> KEYS = new TreeMap<>(Map.of(
            "started", List.of("step", "microBatchSequences"),
            "model", List.of("parameters", "totalParameters", "flopsPerToken"),
            "steps",
                    List.of(
                            "step",
                            "loss",
                            "learningRate",
                            "gradientNorm",
                            "gradientSquareSmall",
                            "gradientSquareBig",
                            "seconds"),
            "evaluation", List.of("step", "set", "loss", "standardError", "tokens", "bitsPerByte", "seconds"),
            "checkpoint", List.of("step", "path"),
            "finished", List.of("step", "stoppedEarly"),
            "diverged", List.of("step", "reason"),
            "interrupted", List.of("step"),
            "failed", List.of("step", "message", "failure", "detail")));

    /** Other names for the same, as PowerSweep's own trainer has them. */
    private static final Map<String, String> ALIASES = Map.of("firstStep", "step", "file", "path");

    /** What PowerSweep's own trainer tells beside: known to the supervisor by itself. */
    private static final Set<String> PASSED_OVER = Set.of(
            "cell",
            "attempt",
            "bytes",
            "sha256",
            "finalTrainingLoss",
            "finalEvaluations",
            "trainingSeconds",
            "peakMemoryBytes",
            "seconds");

    /**
     * Reads a line.
     *
     * @param cell whose frame it is
     * @throws IllegalArgumentException with a clause that says what is wrong
     */
    static FrameLine read(String line, String cell) {
        JsonNode tree;
        try {
            tree = JSON.readTree(line);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(
                    "no JSON: " + e.getOriginalMessage().lines().findFirst().orElse("unreadable"), e);
        }
        if (!tree.isObject()) {
            throw new IllegalArgumentException("no JSON object");
        }
        Map<String, JsonNode> values = new TreeMap<>();
        tree.properties().forEach(entry -> {
            String name = name(entry.getKey());
            if (values.put(ALIASES.getOrDefault(name, name), entry.getValue()) != null) {
                throw new IllegalArgumentException("it has \"" + name + "\" twice, as " + entry.getKey() + " as well");
            }
        });
        JsonNode kind = values.remove("frame");
        String word = kind == null || !kind.isTextual() ? "" : kind.asText();
        if (word.equals("step")) {
            word = "steps";
        }
        if (!KEYS.containsKey(word)) {
            throw new IllegalArgumentException(
                    (word.isEmpty() ? "it has no \"frame\"" : "there is no frame \"" + word + "\"") + "; frames are "
                            + String.join(", ", KEYS.keySet()));
        }
        Set<String> unknown = new TreeSet<>(values.keySet());
        unknown.removeAll(KEYS.get(word));
        unknown.removeAll(PASSED_OVER);
        List<String> notes = new ArrayList<>();
        if (!unknown.isEmpty()) {
            notes.add("a frame \"" + word + "\" has no "
                    + unknown.stream().map(name -> "\"" + name + "\"").collect(Collectors.joining(", "))
                    + "; it knows " + String.join(", ", KEYS.get(word)));
        }
        Values read = new Values(values, new TreeSet<>());
        Frame frame = frame(word, cell, read);
        for (String name : read.impossible()) {
            notes.add("\"" + name + "\" of a frame \"" + word
                    + "\" is below zero or infinite: it is left out, as if it had not been given");
        }
        return new FrameLine(frame, List.copyOf(notes));
    }

    private static Frame frame(String word, String cell, Values values) {
        return switch (word) {
            case "started" ->
                new Frame.Started(
                        cell,
                        1,
                        values.count("step").orElse(0L),
                        Math.toIntExact(Math.min(
                                Integer.MAX_VALUE,
                                values.count("microBatchSequences").orElse(0L))));
            case "model" ->
                new Frame.Size(
                        cell,
                        new ModelCounts(
                                values.positiveCount("parameters"),
                                values.positiveCount("totalParameters"),
                                values.positive("flopsPerToken")));
            case "steps" -> steps(cell, values);
            case "evaluation" ->
                new Frame.Evaluation(
                        cell,
                        values.count("step").orElse(NEWEST),
                        values.text("set").orElse(ShardManifest.VALIDATION),
                        values.needed("loss"),
                        values.magnitude("standardError"),
                        values.count("tokens").orElse(0L),
                        values.magnitude("bitsPerByte"),
                        values.magnitude("seconds"));
            case "checkpoint" ->
                new Frame.Checkpoint(
                        cell,
                        values.count("step").orElse(NEWEST),
                        values.text("path")
                                .orElseThrow(() -> new IllegalArgumentException("a checkpoint needs its \"path\"")),
                        0,
                        "");
            case "finished" ->
                new Frame.Finished(
                        cell,
                        values.count("step").orElse(NEWEST),
                        values.truth("stoppedEarly"),
                        Double.NaN,
                        List.of(),
                        0,
                        0,
                        0);
            case "diverged" ->
                new Frame.Diverged(
                        cell,
                        values.count("step").orElse(NEWEST),
                        values.text("reason").orElse("the program says so"),
                        0);
            case "interrupted" ->
                new Frame.Interrupted(cell, values.count("step").orElse(NEWEST), 0);
            case "failed" ->
                new Frame.Failed(
                        cell,
                        values.count("step").orElse(NEWEST),
                        values.failure(),
                        values.text("message").orElse("the program says that it failed"),
                        values.text("detail").orElse(""),
                        0);
            default -> throw new IllegalStateException(word);
        };
    }

    /** One step as numbers, or several that follow each other as arrays; {@code step} is the first of them. */
    private static Frame.Steps steps(String cell, Values values) {
        long step = values.count("step")
                .filter(any -> any >= 1)
                .orElseThrow(() -> new IllegalArgumentException("steps need their \"step\", from 1"));
        double[] loss = values.numbers("loss", -1);
        if (loss.length == 0) {
            throw new IllegalArgumentException("\"loss\" is an empty list");
        }
        return new Frame.Steps(
                cell,
                step,
                loss,
                values.magnitudes("learningRate", loss.length),
                values.magnitudes("gradientNorm", loss.length),
                values.magnitudes("gradientSquareSmall", loss.length),
                values.magnitudes("gradientSquareBig", loss.length),
                values.magnitudes("seconds", loss.length));
    }

    /** {@code learning_rate} is {@code learningRate}. */
    private static String name(String written) {
        if (written.indexOf('_') < 0) {
            return written;
        }
        StringBuilder name = new StringBuilder();
        boolean upper = false;
        for (char letter : written.toCharArray()) {
            if (letter == '_') {
                upper = name.length() > 0;
            } else {
                name.append(upper ? Character.toUpperCase(letter) : letter);
                upper = false;
            }
        }
        return name.toString();
    }

    /**
     * The values of a line by their names; a null is as good as nothing.
     *
     * @param impossible names of optional numbers that were left out
     */
    private record Values(Map<String, JsonNode> of, Set<String> impossible) {

        private Optional<JsonNode> find(String name) {
            return Optional.ofNullable(of.get(name)).filter(value -> !value.isNull());
        }

        Optional<String> text(String name) {
            return find(name).map(value -> {
                if (!value.isTextual()) {
                    throw wrong(name, value, "text");
                }
                return value.asText();
            });
        }

        boolean truth(String name) {
            return find(name)
                    .map(value -> {
                        if (!value.isBoolean()) {
                            throw wrong(name, value, "true or false");
                        }
                        return value.booleanValue();
                    })
                    .orElse(false);
        }

        /** A whole number from 0. */
        Optional<Long> count(String name) {
            return find(name).map(value -> {
                double number = number(name, value);
                if (!(number >= 0 && number <= Long.MAX_VALUE / 2 && number == Math.rint(number))) {
                    throw wrong(name, value, "a whole number from 0");
                }
                return value.isIntegralNumber() ? value.longValue() : (long) number;
            });
        }

        OptionalLong positiveCount(String name) {
            Optional<Long> count = count(name);
            if (count.filter(value -> value == 0).isPresent()) {
                throw wrong(name, of.get(name), "a whole number from 1");
            }
            return count.isPresent() ? OptionalLong.of(count.get()) : OptionalLong.empty();
        }

        OptionalDouble positive(String name) {
            double number = magnitude(name);
            if (number == 0) {
                impossible.add(name);
            }
            return number > 0 ? OptionalDouble.of(number) : OptionalDouble.empty();
        }

        double needed(String name) {
            return number(
                    name, find(name).orElseThrow(() -> new IllegalArgumentException("it has no \"" + name + "\"")));
        }

        /** A number from zero; NaN where it is absent, NaN or impossible. */
        double magnitude(String name) {
            return find(name).map(value -> magnitude(name, number(name, value))).orElse(Double.NaN);
        }

        private double magnitude(String name, double number) {
            // NaN is how our own trainer, and Python, write what there is not.
            if (Double.isNaN(number) || number >= 0 && number < Double.POSITIVE_INFINITY) {
                return number;
            }
            impossible.add(name);
            return Double.NaN;
        }

        /** The same for the steps of a list. */
        double[] magnitudes(String name, int length) {
            double[] numbers = numbers(name, length);
            for (int i = 0; i < numbers.length; i++) {
                numbers[i] = magnitude(name, numbers[i]);
            }
            return numbers;
        }

        /** @param length of the list; −1 for a list that must be there, of any length */
        double[] numbers(String name, int length) {
            JsonNode value = find(name).orElse(null);
            if (value == null && length < 0) {
                throw new IllegalArgumentException("it has no \"" + name + "\"");
            }
            if (value == null) {
                double[] absent = new double[length];
                Arrays.fill(absent, Double.NaN);
                return absent;
            }
            double[] numbers = new double[value.isArray() ? value.size() : 1];
            if (length >= 0 && numbers.length != length) {
                throw new IllegalArgumentException(
                        "\"" + name + "\" has " + numbers.length + " numbers and \"loss\" has " + length);
            }
            for (int i = 0; i < numbers.length; i++) {
                JsonNode each = value.isArray() ? value.get(i) : value;
                numbers[i] = each.isNull() && length >= 0 ? Double.NaN : number(name, each);
            }
            return numbers;
        }

        FailureClass failure() {
            return text("failure")
                    .map(word -> {
                        try {
                            return FailureClass.valueOf(word);
                        } catch (IllegalArgumentException e) {
                            throw new IllegalArgumentException(
                                    "\"failure\" = " + word + " is none of " + Arrays.toString(FailureClass.values()),
                                    e);
                        }
                    })
                    .orElse(FailureClass.PROGRAM);
        }

        private static double number(String name, JsonNode value) {
            if (value.isNumber()) {
                return value.doubleValue();
            }
            // As our own trainer writes them, and every JSON writer that is true to the standard.
            return switch (value.isTextual() ? value.asText() : "") {
                case "NaN" -> Double.NaN;
                case "Infinity" -> Double.POSITIVE_INFINITY;
                case "-Infinity" -> Double.NEGATIVE_INFINITY;
                default -> throw wrong(name, value, "a number");
            };
        }

        private static IllegalArgumentException wrong(String name, JsonNode value, String wanted) {
            String text = value.toString();
            return new IllegalArgumentException("\"" + name + "\" = "
                    + (text.length() <= 40 ? text : text.substring(0, 40) + "…") + " is not " + wanted);
        }
    }
}
