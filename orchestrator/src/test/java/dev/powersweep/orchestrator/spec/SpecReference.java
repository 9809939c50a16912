package dev.powersweep.orchestrator.spec;

import java.util.ArrayList;
import java.util.List;

/** Writes the table of keys as the reference page's tables. */
final class SpecReference {
    private SpecReference() {}

    static String markdown() {
        StringBuilder page = new StringBuilder();
        List<String> done = new ArrayList<>();
        table(page, "Top level", "", SpecKeys.ROOT, done);
        return page.toString();
    }

    private static void table(
            StringBuilder page, String title, String prefix, ValueKind.Section<?> section, List<String> done) {
        page.append("\n## ").append(title).append("\n\n| key | holds | default | meaning |\n|---|---|---|---|\n");
        for (SpecKey<?> key : section.keys()) {
            page.append("| `")
                    .append(prefix)
                    .append(key.name())
                    .append("` | ")
                    .append(cell(key.kind().describe()))
                    .append(" | ")
                    .append(cell(key.defaultInWords()))
                    .append(" | ")
                    .append(cell(key.meaning()))
                    .append(" |\n");
        }
        for (List<String> group : section.exclusive()) {
            page.append("\nAt most one of `").append(String.join("`, `", group)).append("`.\n");
        }
        for (List<String> group : section.needed()) {
            page.append("\nAt least one of `")
                    .append(String.join("`, `", group))
                    .append("`.\n");
        }
        for (SpecKey<?> key : section.keys()) {
            if (key.name().equals("union")) {
                continue;
            }
            String path = prefix + key.name();
            ValueKind<?> kind = key.kind() instanceof ValueKind.Many<?> many ? many.item() : key.kind();
            ValueKind.Section<?> inner = kind instanceof ValueKind.Section<?> plain
                    ? plain
                    : kind instanceof ValueKind.Either<?> either ? either.section() : null;
            if (inner != null) {
                table(page, "`" + path + "`", path + ".", inner, done);
            }
        }
    }

    private static String cell(String text) {
        return text.replace("|", "\\|");
    }
}
