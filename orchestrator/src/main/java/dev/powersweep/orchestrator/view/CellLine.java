package dev.powersweep.orchestrator.view;

import dev.powersweep.orchestrator.text.Numbers;
import dev.powersweep.orchestrator.view.SweepEvent.CellChange;
import java.util.Locale;

/** A cell as the row of a table shows it. */
record CellLine(
        String id,
        String name,
        String state,
        String sign,
        String colour,
        String ink,
        int attempt,
        String step,
        String steps,
        String percent,
        String loss,
        String rate,
        String host,
        String n,
        String d,
        String b,
        String message,
        String log) {
    private static final int MESSAGE = 400;

    static CellLine of(CellView cell, SweepPicture picture) {
        StateStyle style = StateStyle.of(cell.state());
        return new CellLine(
                cell.plan().id(),
                cell.plan().name(),
                style.name(),
                style.sign(),
                style.colour(),
                style.ink(),
                cell.attempt(),
                String.format(Locale.ROOT, "%,d", cell.step()),
                String.format(Locale.ROOT, "%,d", cell.plan().steps()),
                String.format(Locale.ROOT, "%.0f", 100 * cell.progress()),
                Numbers.fixed(cell.newestLoss(), 4),
                Numbers.count(cell.tokensPerSecond(), 3),
                cell.host(),
                cell.plan().size(3),
                Numbers.count(cell.plan().tokens()),
                Numbers.count(cell.plan().batchTokens(), 4),
                shortened(cell.change().map(CellChange::message).orElse("")),
                path(picture, cell.change().map(CellChange::log).orElse("")));
    }

    /** The whole path of a log below the sweep's directory; empty for none. */
    static String path(SweepPicture picture, String log) {
        return log.isEmpty() ? "" : picture.opened().directory() + "/" + log;
    }

    static String shortened(String text) {
        return text.length() <= MESSAGE ? text : text.substring(0, MESSAGE) + "…";
    }
}
