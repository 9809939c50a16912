package dev.powersweep.worker.cell;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.exc.InvalidFormatException;
import com.fasterxml.jackson.databind.exc.InvalidTypeIdException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import java.util.stream.Collectors;

/** The JSON of cells, assignments and frames: strict on unknown properties, one line per value. */
public final class CellJson {
    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .addModule(new Jdk8Module())
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
            // 2.5 layers are no layers.
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .build();

    private CellJson() {}

    public static ObjectMapper mapper() {
        return MAPPER;
    }

    /** One line, without a line end. */
    public static String line(Object value) {
        try {
            return MAPPER.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write " + value.getClass().getSimpleName() + " as JSON", e);
        }
    }

    /** Throws {@link IllegalArgumentException} with the reason when {@code json} is not a {@code type}. */
    public static <T> T read(String json, Class<T> type) {
        try {
            return MAPPER.readValue(json, type);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not a valid " + type.getSimpleName() + ": " + place(e) + reason(e), e);
        }
    }

    /** {@code model.layers: } where the fault lies below the root. */
    private static String place(JsonProcessingException failure) {
        if (!(failure instanceof JsonMappingException mapping)
                || mapping.getPath().isEmpty()) {
            return "";
        }
        return mapping.getPath().stream()
                        .map(step ->
                                step.getFieldName() == null ? Integer.toString(step.getIndex()) : step.getFieldName())
                        .collect(Collectors.joining("."))
                + ": ";
    }

    /** Ours, where a record refused its value; in the words of the file, not of a Java program, as far as that goes. */
    private static String reason(JsonProcessingException failure) {
        if (failure instanceof ValueInstantiationException
                && failure.getCause() instanceof IllegalArgumentException own) {
            return own.getMessage();
        }
        if (failure instanceof UnrecognizedPropertyException unknown) {
            return "unknown; known here are "
                    + unknown.getKnownPropertyIds().stream()
                            .map(Object::toString)
                            .sorted()
                            .collect(Collectors.joining(", "));
        }
        if (failure instanceof InvalidTypeIdException type) {
            return "unknown kind '" + type.getTypeId() + "'";
        }
        String message = failure.getOriginalMessage().lines().findFirst().orElse("unreadable");
        if (failure instanceof InvalidFormatException wrong) {
            Class<?> wanted = wrong.getTargetType();
            String name = wanted == int.class || wanted == long.class ? "whole number" : wanted.getSimpleName();
            return "'" + wrong.getValue() + "' is no " + name;
        }
        if (message.startsWith("Null value for creator property") || message.startsWith("Cannot map `null`")) {
            return "missing";
        }
        return message;
    }
}
