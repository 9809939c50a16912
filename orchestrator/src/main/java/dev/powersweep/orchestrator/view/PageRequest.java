package dev.powersweep.orchestrator.view;

import java.util.Optional;
import java.util.function.Function;

/**
 * What a page is asked for.
 *
 * @param parameter of the address by its name
 * @param base address that the links of the sweep's pages begin with
 */
public record PageRequest(SweepPicture picture, Function<String, Optional<String>> parameter, String base) {
    int number(String name, int otherwise) {
        try {
            return parameter.apply(name).map(Integer::parseInt).orElse(otherwise);
        } catch (NumberFormatException e) {
            return otherwise;
        }
    }
}
