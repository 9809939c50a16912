package dev.powersweep.orchestrator.viewer;

import dev.powersweep.orchestrator.view.ComparedSweep;
import dev.powersweep.orchestrator.view.ComparisonJson;
import dev.powersweep.orchestrator.view.ComparisonPage;
import dev.powersweep.orchestrator.view.PageRequest;
import dev.powersweep.orchestrator.view.SweepPages;
import dev.powersweep.orchestrator.view.SweepPicture;
import dev.powersweep.orchestrator.viewer.PageServer.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/**
 * Which page an address is. One sweep has its pages below {@code /sweep/}, where Spark's user interface has them, and
 * {@code /} shows the first of them; of several the k-th has them below {@code /sweep/k/}, and {@code /} compares them.
 */
final class ServedPages {
    private static final String SCRIPT = "/script/sweep.js";

    private final List<SweepWatch> sweeps;

    ServedPages(List<SweepWatch> sweeps) {
        this.sweeps = List.copyOf(sweeps);
    }

    /** Makes the first page once for nobody, so that whoever asks for it waits neither for classes nor for curves. */
    void warm() {
        Function<String, Optional<String>> nothing = name -> Optional.empty();
        if (sweeps.size() > 1) {
            ComparisonPage.html(compared(SweepWatch::preview), nothing);
        } else {
            page(SweepPages.SWEEP, 0, new PageRequest(sweeps.get(0).preview(), nothing, base(0)));
        }
    }

    Answer answer(String path, Function<String, Optional<String>> parameter) {
        if (path.equals(SCRIPT)) {
            return Answer.script();
        }
        if (path.equals("/") && sweeps.size() > 1) {
            return Answer.html(new Document(
                            sweeps.size() + " sweeps",
                            links(""),
                            ComparisonPage.html(compared(SweepWatch::summary), parameter))
                    .html());
        }
        if (path.matches("/json/?") && sweeps.size() > 1) {
            return Answer.json(ComparisonJson.of(compared(SweepWatch::summary), parameter));
        }
        if (path.equals("/")) {
            return page(0, SweepPages.SWEEP, parameter);
        }
        for (int i = 0; i < sweeps.size(); i++) {
            String base = base(i);
            if (path.equals(base) || path.startsWith(base + "/")) {
                Optional<Answer> answer = below(i, path.substring(base.length()), parameter);
                if (answer.isPresent()) {
                    return answer.get();
                }
            }
        }
        return Answer.text(404, "there is no such page; / is the first one");
    }

    private Optional<Answer> below(int sweep, String path, Function<String, Optional<String>> parameter) {
        if (path.equals(SCRIPT)) {
            return Optional.of(Answer.script());
        }
        String asked = path.replaceAll("^/|/$", "");
        for (SweepPages page : SweepPages.values()) {
            if (asked.equals(page.path())) {
                return Optional.of(page(sweep, page, parameter));
            }
            if (asked.equals(page.path().isEmpty() ? "json" : page.path() + "/json")) {
                return Optional.of(Answer.json(page.json(request(sweep, page, parameter))));
            }
        }
        return Optional.empty();
    }

    private Answer page(int sweep, SweepPages page, Function<String, Optional<String>> parameter) {
        return page(page, sweep, request(sweep, page, parameter));
    }

    private Answer page(SweepPages page, int sweep, PageRequest request) {
        String title = request.picture().opened().sweep() + " – " + page.title().toLowerCase(Locale.ROOT);
        return Answer.html(new Document(title, links(base(sweep)), page.html(request)).html());
    }

    private PageRequest request(int sweep, SweepPages page, Function<String, Optional<String>> parameter) {
        SweepWatch watch = sweeps.get(sweep);
        SweepPicture picture =
                switch (page) {
                    case SWEEP -> watch.picture(Optional.empty());
                    case CELLS -> watch.summary();
                    case CELL -> watch.picture(Optional.of(parameter.apply("id").orElse("")));
                };
        return new PageRequest(picture, parameter, base(sweep));
    }

    private String base(int sweep) {
        return sweeps.size() == 1 ? "/sweep" : "/sweep/" + (sweep + 1);
    }

    /** @param shown base of the sweep whose page it is; empty for the comparison */
    private List<Document.Link> links(String shown) {
        List<Document.Link> links = new ArrayList<>();
        if (sweeps.size() > 1) {
            links.add(new Document.Link("side by side", "/", shown.isEmpty()));
        }
        for (int i = 0; i < sweeps.size(); i++) {
            links.add(new Document.Link(sweeps.get(i).name(), base(i) + "/", base(i).equals(shown)));
        }
        return links;
    }

    private List<ComparedSweep> compared(Function<SweepWatch, SweepPicture> picture) {
        List<ComparedSweep> compared = new ArrayList<>();
        for (int i = 0; i < sweeps.size(); i++) {
            SweepWatch.Text text = sweeps.get(i).text();
            compared.add(new ComparedSweep(
                    picture.apply(sweeps.get(i)), base(i), text.corpusHash(), text.bitsPerByteOfANat()));
        }
        return compared;
    }
}
