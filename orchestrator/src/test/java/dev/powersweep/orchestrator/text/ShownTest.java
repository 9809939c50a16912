package dev.powersweep.orchestrator.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShownTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "\u001b]0;owned\u0007", // the window's title
                "\u001b]52;c;cm0gLXJm\u0007", // the clipboard
                "\u001b[1A\u001b[2K", // the line before
                "\u009b2J", // the same without an escape character
                "\u202egnp.exe", // reversed
                "a\rb", // back to the beginning
                "a\nforged: line",
                "a\u2028b",
                "\u0000\u0008\u007f"
            })
    void nothingThatATerminalCarriesOutIsLeftOfAName(String name) {
        assertThat(Shown.line(name)).hasSameSizeAs(name).matches("[^\\p{Cntrl}\\p{Cf}\\p{Zl}\\u0080-\\u009f]*");
        StringWriter out = new StringWriter();
        PrintWriter writer = new PrintWriter(Shown.to(out));
        writer.print(name);
        name.chars().forEach(writer::write);
        writer.write(name.toCharArray());
        writer.flush();
        assertThat(out.toString().replace("\n", "")).matches("[^\\p{Cntrl}\\p{Cf}\\p{Zl}\\u0080-\\u009f]*");
    }

    @Test
    void ordinaryTextOfAnyScriptStays() {
        for (String text : new String[] {"n786k-d2M", "naïve 模型 🙂 שלום", "a \\ b"}) {
            assertThat(Shown.line(text)).isEqualTo(text);
        }
    }

    @Test
    void aMessageOfSeveralLinesCannotForgeAnother() {
        assertThat(Shown.message("a has 2 problems:\n  x\n  y")).isEqualTo("a has 2 problems:\n  x\n  y");
        assertThat(Shown.message("cell a\npowersweep: all is well")).isEqualTo("cell a\n  powersweep: all is well");
    }

    @Test
    void jsonKeepsWhatItHolds() throws Exception {
        ObjectMapper mapper = new ObjectMapper();
        Map<String, String> value = Map.of("name", "\u001b[2J\u009b1A\u202e\u2028\t\n\r\u0000é");
        String shown = Shown.json(mapper.writerWithDefaultPrettyPrinter().writeValueAsString(value));
        assertThat(mapper.readValue(shown, Map.class)).isEqualTo(value);
        assertThat(shown.replace("\n", "").replace("\r", "")).matches("[^\\p{Cntrl}\\p{Cf}\\p{Zl}\\u0080-\\u009f]*");
    }
}
