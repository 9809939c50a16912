package dev.powersweep.orchestrator.view;

import com.samskivert.mustache.Escapers;
import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.Template;
import dev.powersweep.orchestrator.text.Shown;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** The pages' templates, which escape every value and show no control character, and what goes with them. */
final class Templates {
    private Templates() {}

    static Template named(String name) {
        return Mustache.compiler()
                .withEscaper(text -> Escapers.HTML.escape(Shown.page(text)))
                .emptyStringIsFalse(true)
                .zeroIsFalse(true)
                .compile(resource(name));
    }

    static String resource(String name) {
        try (InputStream in = Templates.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("the packaged resource " + name + " is missing");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }
}
