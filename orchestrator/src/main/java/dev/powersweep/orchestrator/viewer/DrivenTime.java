package dev.powersweep.orchestrator.viewer;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** Time while drivers of a sweep lived, the pauses between them left out. */
final class DrivenTime {
    private record Span(Instant begin, Instant end) {
        double seconds() {
            return Duration.between(begin, end).toMillis() / 1e3;
        }
    }

    /** In their order; the last one grows. */
    private final List<Span> spans = new ArrayList<>();

    /** A driver begins; the one before is over. */
    void begins(Instant at) {
        Instant begin = spans.isEmpty() || at.isAfter(last().end()) ? at : last().end();
        spans.add(new Span(begin, begin));
    }

    /** The driver that began last gave a sign at this time. */
    void lives(Instant at) {
        if (spans.isEmpty()) {
            begins(at);
        } else if (at.isAfter(last().end())) {
            spans.set(spans.size() - 1, new Span(last().begin(), at));
        }
    }

    private Span last() {
        return spans.get(spans.size() - 1);
    }

    /** Seconds up to a moment; one in a pause counts as the end of what was before. */
    double until(Instant at) {
        double seconds = 0;
        for (Span span : spans) {
            if (!at.isBefore(span.end())) {
                seconds += span.seconds();
            } else if (at.isAfter(span.begin())) {
                return seconds + Duration.between(span.begin(), at).toMillis() / 1e3;
            } else {
                return seconds;
            }
        }
        return seconds;
    }

    double seconds() {
        return spans.stream().mapToDouble(Span::seconds).sum();
    }
}
