package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.law.KaplanForms;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A header as it is compared. Case, blanks, hyphens, underscores and points do not matter; a unit in brackets is set apart, as
 * in {@code Tokens (B)}, and so is the path before a name, as in {@code throughput/total_tokens} or {@code
 * trainer.num_train_steps}.
 *
 * @param whole letters and digits of all of it
 * @param name those before the brackets, without the path
 * @param unit what the brackets say the numbers must be multiplied with: 1 without brackets; empty where it is not understood
 */
record HeaderName(String whole, String name, OptionalDouble unit) {
    private static final Pattern BRACKETED =
            Pattern.compile("(.*\\S)\\s*[(\\[]\\s*(?:in\\s+)?([^()\\[\\]]*)[)\\]]\\s*");

    /** Units of counts, of compute and of losses by name. */
    private static final Map<String, Double> UNITS = Map.ofEntries(
            Map.entry("", 1.0),
            Map.entry("k", 1e3),
            Map.entry("thousands", 1e3),
            Map.entry("m", 1e6),
            Map.entry("millions", 1e6),
            Map.entry("b", 1e9),
            Map.entry("billions", 1e9),
            Map.entry("t", 1e12),
            Map.entry("trillions", 1e12),
            Map.entry("params", 1.0),
            Map.entry("parameters", 1.0),
            Map.entry("tokens", 1.0),
            Map.entry("steps", 1.0),
            Map.entry("flop", 1.0),
            Map.entry("flops", 1.0),
            Map.entry("gflops", 1e9),
            Map.entry("tflops", 1e12),
            Map.entry("pflops", 1e15),
            Map.entry("eflops", 1e18),
            Map.entry("zflops", 1e21),
            Map.entry("pfdays", KaplanForms.FLOPS_PER_PF_DAY),
            Map.entry("nats", 1.0),
            Map.entry("natstoken", 1.0),
            Map.entry("natspertoken", 1.0));

    static HeaderName of(String header) {
        Matcher bracketed = BRACKETED.matcher(header);
        boolean split = bracketed.matches();
        String named = split ? bracketed.group(1) : header;
        int path = Math.max(named.lastIndexOf('/'), named.lastIndexOf('.'));
        Double unit = UNITS.get(split ? normal(bracketed.group(2)) : "");
        return new HeaderName(
                normal(header),
                normal(named.substring(path + 1)),
                unit == null ? OptionalDouble.empty() : OptionalDouble.of(unit));
    }

    /** The letters and digits of a text, in lower case. */
    static String normal(String text) {
        StringBuilder kept = new StringBuilder(text.length());
        text.chars().filter(Character::isLetterOrDigit).forEach(kept::appendCodePoint);
        return kept.toString().toLowerCase(Locale.ROOT);
    }
}
