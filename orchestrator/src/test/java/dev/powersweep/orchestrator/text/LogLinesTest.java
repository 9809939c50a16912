package dev.powersweep.orchestrator.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Objects;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.Layout;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.config.ConfigurationSource;
import org.apache.logging.log4j.core.config.xml.XmlConfiguration;
import org.apache.logging.log4j.core.impl.Log4jLogEvent;
import org.apache.logging.log4j.message.SimpleMessage;
import org.junit.jupiter.api.Test;

/** Lines of the log as the application's own settings make them. */
class LogLinesTest {
    private static final String HOSTILE =
            "\u001b]0;owned\u0007\u001b[2J\u009b1A\u202e\r\n12:00:00 INFO  Ledger: forged";

    private static String written(String message, Throwable thrown) {
        XmlConfiguration settings = new XmlConfiguration(
                new LoggerContext("lines"),
                ConfigurationSource.fromUri(
                        java.net.URI.create(Objects.requireNonNull(LogLinesTest.class.getResource("/log4j2.xml"))
                                .toString())));
        settings.initialize();
        Layout<?> layout = settings.getAppender("stderr").getLayout();
        return layout.toSerializable(Log4jLogEvent.newBuilder()
                        .setLoggerName("dev.powersweep.Lease")
                        .setLevel(Level.WARN)
                        .setMessage(new SimpleMessage(message))
                        .setThrown(thrown)
                        .build())
                .toString();
    }

    @Test
    void anOrdinaryMessageIsOneLine() {
        assertThat(written("the lease is taken", null))
                .matches("\\d\\d:\\d\\d:\\d\\d WARN  Lease: the lease is taken\n");
    }

    @Test
    void namesInMessagesDoNothingToATerminalAndForgeNoLine() {
        for (String line : new String[] {
            written("held by " + HOSTILE, null), written("failed", new IllegalStateException("at " + HOSTILE))
        }) {
            assertThat(line)
                    .contains("]0;owned", "\n  12:00:00 INFO  Ledger: forged")
                    .doesNotContain("\n12:00:00");
            assertThat(line.replace("\n", "").replace("\t", "")).matches("[^\\p{Cntrl}\\p{Cf}\\u0080-\\u009f]*");
        }
    }
}
