package dev.powersweep.orchestrator.view;

import com.fasterxml.jackson.databind.JsonNode;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.Serial;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
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
        for (SweepPages page : SweepPages.values()) {
            attachPage(new Page(page, picture));
        }
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

    private final class Page extends WebUIPage {
        private final SweepPages page;
        private final Supplier<Optional<SweepPicture>> picture;

        Page(SweepPages page, Supplier<Optional<SweepPicture>> picture) {
            super(page.path());
            this.page = page;
            this.picture = picture;
        }

        @Override
        public Seq<Node> render(HttpServletRequest request) {
            String content = asked(request).map(page::html).orElseGet(SweepPages::nothing);
            return SparkPage.of(request, page.title(), content, SweepTab.this);
        }

        @Override
        public JValue renderJson(HttpServletRequest request) {
            JsonNode node = asked(request).map(page::json).orElseGet(SweepJson::nothing);
            return JsonMethods$.MODULE$.fromJsonNode(node);
        }

        private Optional<PageRequest> asked(HttpServletRequest request) {
            return picture.get()
                    .map(now -> new PageRequest(
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
            response.getOutputStream().write(SweepPages.script().getBytes(StandardCharsets.UTF_8));
        }
    }
}
