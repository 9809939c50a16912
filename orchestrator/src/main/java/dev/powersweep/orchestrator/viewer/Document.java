package dev.powersweep.orchestrator.viewer;

import com.samskivert.mustache.Escapers;
import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.Template;
import dev.powersweep.orchestrator.text.Shown;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The frame around a page's content.
 *
 * @param content trusted: everything in it that came from outside is escaped
 */
record Document(String title, List<Link> links, String content) {
    private static final Template TEMPLATE = template();

    /** @param current whether the page is this one or below it */
    record Link(String text, String href, boolean current) {}

    String html() {
        return TEMPLATE.execute(this);
    }

    private static Template template() {
        try (InputStream in = Document.class.getResourceAsStream("document.html")) {
            if (in == null) {
                throw new IllegalStateException("the packaged resource document.html is missing");
            }
            return Mustache.compiler()
                    .withEscaper(text -> Escapers.HTML.escape(Shown.page(text)))
                    .compile(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }
}
