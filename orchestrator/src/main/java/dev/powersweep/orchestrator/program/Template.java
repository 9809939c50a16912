package dev.powersweep.orchestrator.program;

import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Text with <code>${name}</code> in it; <code>$${</code> stands for <code>${</code> itself. Nothing else is special. */
public final class Template {
    private static final Pattern MARK = Pattern.compile("\\$\\$\\{|\\$\\{([^}]*)(\\}?)");
    /** Of arguments that a specification names. */
    public static final String NAME = "[A-Za-z][A-Za-z0-9_]{0,63}";

    private Template() {}

    /** Names in the order of the text; throws {@link IllegalArgumentException} with what is wrong. */
    public static Set<String> names(String text) {
        Set<String> names = new LinkedHashSet<>();
        Matcher marks = MARK.matcher(text);
        while (marks.find()) {
            if (marks.group(1) == null) {
                continue;
            }
            if (marks.group(2).isEmpty()) {
                throw new IllegalArgumentException("has a ${ without its }; write $${ where ${ itself is meant");
            }
            if (!marks.group(1).matches(NAME)) {
                throw new IllegalArgumentException("has ${" + marks.group(1)
                        + "}, which is no name: letters, digits and '_'; write $${ where ${ itself is meant");
            }
            names.add(marks.group(1));
        }
        return names;
    }

    /** With the values in place; a name without one becomes empty. */
    public static String fill(String text, Map<String, String> values) {
        return MARK.matcher(text)
                .replaceAll(mark -> Matcher.quoteReplacement(
                        mark.group(1) == null ? "${" : values.getOrDefault(mark.group(1), "")));
    }
}
