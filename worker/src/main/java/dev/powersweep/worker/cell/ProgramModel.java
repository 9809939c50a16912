package dev.powersweep.worker.cell;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.Collections;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * A model whose inside only its own program knows.
 *
 * @param parameters N, non-embedding; empty where the specification does not name it
 * @param arguments that tell the program which of its models is meant
 * @param context tokens a sequence holds, n_ctx ≥ 1
 * @param vocabulary token kinds; empty where the program brings its own data
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NONE)
public record ProgramModel(OptionalLong parameters, Map<String, String> arguments, int context, OptionalInt vocabulary)
        implements Model {
    public ProgramModel {
        if (parameters.orElse(1) < 1) {
            throw new IllegalArgumentException("model.parameters = " + parameters.getAsLong() + " must be at least 1");
        }
        if (context < 1) {
            throw new IllegalArgumentException("model.context = " + context + " must be at least 1");
        }
        arguments = Collections.unmodifiableSortedMap(new TreeMap<>(arguments));
    }

    @Override
    @JsonIgnore
    public ModelCounts counts() {
        return new ModelCounts(parameters, OptionalLong.empty(), OptionalDouble.empty());
    }
}
