package dev.powersweep.orchestrator.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.network.ListeningSocket;
import java.net.InetSocketAddress;
import java.util.List;
import org.junit.jupiter.api.Test;

class NetworkChecksTest {
    private static final String MASTER = "java -cp x org.apache.spark.deploy.master.Master --host 127.0.0.1";
    private static final String VIEW = "java -cp x dev.powersweep.orchestrator.cli.PowerSweep view DIR";

    private static ListeningSocket socket(String address, int port, long process, String command) {
        return new ListeningSocket(new InetSocketAddress(address, port), process, command);
    }

    @Test
    void nothingIsGood() {
        Finding finding = NetworkChecks.judge(List.of());
        assertThat(finding.verdict()).isEqualTo(Finding.Verdict.GOOD);
        assertThat(finding.seen()).startsWith("nothing of PowerSweep or Spark");
    }

    @Test
    void whatIsOnLoopbackIsListedByProcess() {
        Finding finding = NetworkChecks.judge(List.of(
                socket("127.0.0.1", 7077, 5, MASTER),
                socket("127.0.0.1", 8080, 5, MASTER),
                socket("127.0.0.1", 9000, 6, VIEW)));
        assertThat(finding.verdict()).isEqualTo(Finding.Verdict.GOOD);
        assertThat(finding.seen())
                .contains("Master (pid 5) 127.0.0.1:7077, 127.0.0.1:8080", "PowerSweep (pid 6) 127.0.0.1:9000")
                .endsWith("loopback only");
    }

    @Test
    void whatOtherMachinesReachIsMarkedWithTheRemedy() {
        for (String open : List.of("0.0.0.0", "::", "192.0.2.7")) {
            Finding finding =
                    NetworkChecks.judge(List.of(socket("127.0.0.1", 8080, 5, MASTER), socket(open, 7077, 5, MASTER)));
            assertThat(finding.verdict()).as(open).isEqualTo(Finding.Verdict.WARNING);
            assertThat(finding.seen()).as(open).contains("7077").doesNotContain("8080");
            assertThat(finding.remedy()).as(open).contains("spark.authenticate", "127.0.0.1");
        }
    }

    @Test
    void strangersProcessesAreNotOurs() {
        assertThat(socket("0.0.0.0", 80, 1, "nginx: master process").isOurs()).isFalse();
        assertThat(socket("0.0.0.0", 7077, 1, MASTER).isOurs()).isTrue();
        assertThat(socket("0.0.0.0", 9000, 1, VIEW).isOurs()).isTrue();
    }
}
