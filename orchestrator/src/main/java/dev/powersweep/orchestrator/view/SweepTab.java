package dev.powersweep.orchestrator.view;

import com.fasterxml.jackson.databind.JsonNode;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.Serial;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.spark.ui.SparkUI;
import org.apache.spark.ui.SparkUITab;
import org.apache.spark.ui.WebUIPage;
import org.json4s.JValue;
import org.json4s.jackson.JsonMethods$;
import scala.collection.immutable.Seq;
import scala.xml.Node;

/**
 * The tab <i>Sweep</i> of an application's pages: {@code sweep/}, {@code sweep/cells/}, {@code sweep/cell/}, and the same
 * as JSON with {@code json} behind each.
 */
public final class SweepTab extends SparkUITab {
    private static final String PREFIX = "sweep";

    private SweepTab(SparkUI ui, Supplier<Optional<SweepPicture>> picture) {
        super(ui, PREFIX);
        attachPage(new Page("", "Sweep", picture, SweepHtml::sweep, SweepJson::sweep));
        attachPage(new Page("cells", "Cells", picture, SweepHtml::cells, SweepJson::cells));
        attachPage(new Page("cell", "Cell", picture, SweepHtml::cell, SweepJson::cell));
    }

    /** Adds the tab to the pages of an application that runs here; shows what the board holds whenever somebody looks. */
    public static void attach(SparkUI ui, SweepBoard board) {
        attach(ui, board::picture);
    }

    /** Adds the tab to an application's pages; asks for the picture whenever somebody looks. */
    static void attach(SparkUI ui, Supplier<Optional<SweepPicture>> picture) {
        ui.attachTab(new SweepTab(ui, picture));
        ui.attachHandler(ui.basePath() + "/" + PREFIX + "/script", new Script(), "/sweep.js");
    }

    @Override
    public String name() {
        return "Sweep";
    }

    /** What a page is asked for. */
    record Request(SweepPicture picture, Function<String, Optional<String>> parameter, String base) {
        int number(String name, int otherwise) {
            try {
                return parameter.apply(name).map(Integer::parseInt).orElse(otherwise);
            } catch (NumberFormatException e) {
                return otherwise;
            }
        }
    }

    private final class Page extends WebUIPage {
        private final String title;
        private final Supplier<Optional<SweepPicture>> picture;
        private final Function<Request, String> html;
        private final Function<Request, JsonNode> json;

        Page(
                String prefix,
                String title,
                Supplier<Optional<SweepPicture>> picture,
                Function<Request, String> html,
                Function<Request, JsonNode> json) {
            super(prefix);
            this.title = title;
            this.picture = picture;
            this.html = html;
            this.json = json;
        }

        @Override
        public Seq<Node> render(HttpServletRequest request) {
            String content = asked(request).map(html).orElseGet(SweepHtml::nothing);
            return SparkPage.of(request, title, content, SweepTab.this);
        }

        @Override
        public JValue renderJson(HttpServletRequest request) {
            JsonNode node = asked(request).map(json).orElseGet(SweepJson::nothing);
            return JsonMethods$.MODULE$.fromJsonNode(node);
        }

        private Optional<Request> asked(HttpServletRequest request) {
            return picture.get()
                    .map(now -> new Request(
                            now,
                            name -> Optional.ofNullable(request.getParameter(name)),
                            SparkPage.base(request, basePath()) + "/" + PREFIX));
        }
    }

    /** The page's few lines of script, from this server: Spark's content security policy allows no other. */
    private static final class Script extends HttpServlet {
        @Serial
        private static final long serialVersionUID = 1L;

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            response.setContentType("text/javascript;charset=utf-8");
            response.setHeader("Cache-Control", "max-age=3600");
            response.getOutputStream().write(SweepHtml.script().getBytes(StandardCharsets.UTF_8));
        }
    }
}
