package dev.powersweep.orchestrator.spec;

import java.math.BigDecimal;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Numbers as people write them: {@code 300k}, {@code 1.2M}, {@code 1e6}, {@code 1_000_000}, {@code 2GB}. */
public final class SizeNotation {
    /** Also the JSON Schema's pattern for a size written as text. */
    static final String SIZE_PATTERN = "[0-9][0-9_]*(\\.[0-9]+)?([eE][-+]?[0-9]+)?[kKMGT]?";

    static final String BYTES_PATTERN = "[0-9]+(\\.[0-9]+)?([kKmMgGtT](i?[bB])?|[bB])?";
    static final String PLAIN_PATTERN = "-?([0-9][0-9_]*(\\.[0-9]*)?|\\.[0-9]+)([eE][-+]?[0-9]+)?";
    private static final Pattern PLAIN = Pattern.compile("[-+]?" + PLAIN_PATTERN);
    private static final Pattern SIZE = Pattern.compile("([-+]?" + PLAIN_PATTERN + ")([kKMGT]?)");
    private static final Pattern BYTES = Pattern.compile("([0-9]+(?:\\.[0-9]+)?)([kKmMgGtT]?)(?:i?[bB])?");
    private static final int LARGEST_EXPONENT = 30;

    private SizeNotation() {}

    /** A number with an optional decimal suffix. */
    public static Optional<BigDecimal> size(String text) {
        Matcher matcher = SIZE.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        return plain(matcher.group(1)).map(value -> value.scaleByPowerOfTen(3 * power(matcher.group(5))));
    }

    /** A number of bytes; suffixes are powers of 1024. */
    static Optional<BigDecimal> bytes(String text) {
        Matcher matcher = BYTES.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        BigDecimal factor = BigDecimal.valueOf(1024).pow(power(matcher.group(2)));
        return plain(matcher.group(1)).map(factor::multiply);
    }

    static Optional<BigDecimal> plain(String text) {
        try {
            BigDecimal value = new BigDecimal(text.replace("_", ""));
            // Far exponents would make the exact arithmetic below them arbitrarily slow.
            boolean sane =
                    value.signum() == 0 || Math.abs((long) value.precision() - value.scale()) <= LARGEST_EXPONENT;
            return sane ? Optional.of(value) : Optional.empty();
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** A number without a suffix, of any size. */
    static boolean isPlain(String text) {
        return PLAIN.matcher(text).matches();
    }

    /** Whether it is a number, but of a size that no key can hold. */
    static boolean tooFar(String text) {
        return plain(text).isEmpty() && isPlain(text);
    }

    private static int power(String suffix) {
        return suffix.isEmpty() ? 0 : "kmgt".indexOf(Character.toLowerCase(suffix.charAt(0))) + 1;
    }
}
