package dev.powersweep.orchestrator.budget;

import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * What compute costs on a machine.
 *
 * @param name of the machine
 * @param flopsPerSecond that training really reaches
 * @param watts while training; NaN where nobody knows
 * @param pricePerHour in {@code currency}; NaN where nobody knows
 */
public record Rates(String name, double flopsPerSecond, double watts, double pricePerHour, String currency) {

    /**
     * Cost of a run.
     *
     * @param machines that share it; they divide the time and leave energy and money as they are
     */
    public record Cost(Rates rates, int machines, double seconds, double kilowattHours, double price) {}

    public Cost of(double flops, int machines) {
        double seconds = flops / flopsPerSecond;
        return new Cost(this, machines, seconds / machines, seconds * watts / 3.6e6, seconds / 3600 * pricePerHour);
    }

    /** What so many hours of one machine train. */
    public double flops(double hours) {
        return hours * 3600 * flopsPerSecond;
    }

    /** Reads a YAML list of machines with the keys name, flopsPerSecond, watts, pricePerHour and currency. */
    public static List<Rates> read(Path file) {
        Object content;
        try {
            content = new Load(LoadSettings.builder().setLabel(file.toString()).build())
                    .loadFromString(Files.readString(file));
        } catch (IOException unreadable) {
            throw new UserError(file + ": cannot be read (" + unreadable + "); check --rates", unreadable);
        } catch (YamlEngineException broken) {
            throw new UserError(file + ": not YAML: " + broken.getMessage(), broken);
        } catch (StackOverflowError deep) {
            // The parser recurses into brackets.
            throw new UserError(file + ": not a list of machines: brackets are nested too deeply", deep);
        }
        if (!(content instanceof List<?> machines) || machines.isEmpty()) {
            throw new UserError(file + ": must be a list of machines, as in"
                    + " [{name: H100, flopsPerSecond: 4e14, watts: 700, pricePerHour: 2.5, currency: USD}]");
        }
        List<Rates> rates = new ArrayList<>();
        for (Object machine : machines) {
            if (!(machine instanceof Map<?, ?> keys)) {
                throw new UserError(file + ": an entry is not a machine with keys and values");
            }
            rates.add(new Rates(
                    text(file, keys, "name"),
                    number(file, keys, "flopsPerSecond"),
                    number(file, keys, "watts"),
                    number(file, keys, "pricePerHour"),
                    keys.containsKey("currency") ? text(file, keys, "currency") : ""));
        }
        return rates;
    }

    private static double number(Path file, Map<?, ?> keys, String key) {
        String value = text(file, keys, key);
        try {
            double number = Double.parseDouble(value);
            if (number >= 0 && Double.isFinite(number) && (number > 0 || !key.equals("flopsPerSecond"))) {
                return number;
            }
        } catch (NumberFormatException notANumber) {
            // Said below, as for a number out of range.
        }
        throw new UserError(
                file + ": " + text(file, keys, "name") + ": " + key + " = " + value + " must be a positive number");
    }

    private static String text(Path file, Map<?, ?> keys, String key) {
        Object value = keys.get(key);
        if (value instanceof Map<?, ?> || value instanceof List<?>) {
            throw new UserError(file + ": " + key + " must be a single value, and it is a list or a mapping");
        }
        return String.valueOf(value);
    }
}
