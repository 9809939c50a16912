package dev.powersweep.orchestrator.view;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/**
 * What every page of the tab begins with.
 *
 * @param base address that the tab's links begin with
 * @param live whether the page is to be brought up to date: {@code yes} or {@code no}
 * @param stopped why the run ended before its time; empty when it did not
 */
record PageFrame(
        String style, String base, String sweep, String directory, String updated, String live, String stopped) {
    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss 'UTC'", Locale.ROOT)
            .withZone(ZoneOffset.UTC);
    private static final String STYLE = Templates.resource("sweep.css");

    static PageFrame of(SweepTab.Request request) {
        SweepPicture picture = request.picture();
        return new PageFrame(
                STYLE,
                request.base(),
                picture.opened().sweep(),
                picture.opened().directory(),
                clock(picture.updatedMillis()),
                picture.closed().isEmpty() ? "yes" : "no",
                picture.closed().map(SweepEvent.Closed::reason).orElse(""));
    }

    static String clock(long millis) {
        return CLOCK.format(Instant.ofEpochMilli(millis));
    }
}
