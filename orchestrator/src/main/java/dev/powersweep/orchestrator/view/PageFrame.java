package dev.powersweep.orchestrator.view;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/**
 * What every page of the tab begins with.
 *
 * @param base address that the tab's links begin with
 * @param live whether the page is to be brought up to date: {@code soon}, {@code yes}, {@code seldom} or {@code no}
 * @param notice a sentence for the head of the page; empty for none
 */
record PageFrame(
        String style, String base, String sweep, String directory, String updated, String live, String notice) {
    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss 'UTC'", Locale.ROOT)
            .withZone(ZoneOffset.UTC);
    /** Of all pages. */
    static final String STYLE = Templates.resource("sweep.css");

    static PageFrame of(PageRequest request) {
        SweepPicture picture = request.picture();
        return new PageFrame(
                STYLE,
                request.base(),
                picture.opened().sweep(),
                picture.opened().directory(),
                clock(picture.updatedMillis()),
                live(picture.refresh()),
                picture.notice());
    }

    /** As the script reads it. */
    static String live(SweepPicture.Refresh refresh) {
        return switch (refresh) {
            case SOON -> "soon";
            case OFTEN -> "yes";
            case SELDOM -> "seldom";
            case NEVER -> "no";
        };
    }

    static String clock(long millis) {
        return CLOCK.format(Instant.ofEpochMilli(millis));
    }
}
