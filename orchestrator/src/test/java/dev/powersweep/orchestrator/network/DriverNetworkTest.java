package dev.powersweep.orchestrator.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.spark.SecurityManager;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.internal.config.package$;
import org.apache.spark.rpc.RpcAddress;
import org.apache.spark.rpc.RpcEnv;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import scala.Option;

/** A real driver, the sockets that it opens, and requests to its pages as a browser is made to send them. */
class DriverNetworkTest {
    private static final String KILL = "/jobs/job/kill/?id=0";

    private static SparkConf conf(String master) {
        return new SparkConf(false)
                .set("spark.master", master)
                .set("spark.app.name", "network")
                .set("spark.ui.port", "0")
                .set("spark.ui.showConsoleProgress", "false");
    }

    @Test
    void aDriverWithoutAClusterListensOnLoopbackAndItsPagesAnswerToItsOwnNamesAlone() throws IOException {
        List<ListeningSocket> before = own();
        try (JavaSparkContext spark = new JavaSparkContext(DriverNetwork.closed(conf("local[1]")))) {
            List<ListeningSocket> opened =
                    own().stream().filter(socket -> !before.contains(socket)).toList();
            URI pages = URI.create(spark.sc().uiWebUrl().get());
            // RPC, block manager, pages.
            assertThat(opened).hasSizeGreaterThanOrEqualTo(3).noneMatch(ListeningSocket::isOpen);
            assertThat(opened).anyMatch(socket -> socket.address().getPort() == pages.getPort());
            assertThat(pages.getHost()).isEqualTo("127.0.0.1");

            for (String host : List.of("127.0.0.1:" + pages.getPort(), "localhost", "[::1]:4040", ownName())) {
                assertThat(status(pages, "/jobs/", host, "")).as(host).isEqualTo(200);
            }
            for (String path : List.of("/jobs/", "/api/v1/applications", "/environment/", "/static/webui.css")) {
                for (String host : List.of("rebound.example:" + pages.getPort(), "127.0.0.1.evil.example", "", "a b")) {
                    assertThat(status(pages, path, host, ""))
                            .as("%s of %s", path, host)
                            .isIn(400, 403);
                }
            }
        }
    }

    /** Deploy mode cluster of a standalone master: without it no context is made. */
    @Test
    void aDriverThatAWorkerStartedTakesTheSecretThatItWasHanded() {
        SparkConf conf = conf("spark://127.0.0.1:7077").set("spark.authenticate", "true");
        DriverNetwork.handedSecret(conf, Optional.of("handed"));
        assertThat(conf.get("spark.authenticate.secret")).isEqualTo("handed");
        DriverNetwork.handedSecret(conf, Optional.of("another"));
        assertThat(conf.get("spark.authenticate.secret")).isEqualTo("handed");

        SparkConf open = conf("spark://127.0.0.1:7077");
        DriverNetwork.handedSecret(open, Optional.of("handed"));
        assertThat(open.contains("spark.authenticate.secret")).isFalse();
    }

    /** An object that reaches a driver's RPC is read there, whatever it is: a stranger must not get so far. */
    @Test
    void aDriverWithoutAClusterReadsNothingThatAStrangerSendsToItsRpc() {
        try (JavaSparkContext spark = new JavaSparkContext(DriverNetwork.closed(conf("local[1]")))) {
            assertThat(spark.parallelize(List.of(1, 2, 3))
                            .map(number -> number + 1)
                            .collect())
                    .containsExactly(2, 3, 4);
            RpcAddress driver = SparkEnv.get().rpcEnv().address();
            SparkConf strange = new SparkConf(false).set("spark.rpc.lookupTimeout", "20s");
            RpcEnv stranger = RpcEnv.create(
                    "stranger",
                    "127.0.0.1",
                    0,
                    strange,
                    new SecurityManager(strange, Option.empty(), package$.MODULE$.AUTH_SECRET_FILE()),
                    true);
            try {
                assertThatThrownBy(() -> stranger.setupEndpointRef(driver, "HeartbeatReceiver"))
                        .rootCause()
                        .hasMessageContaining("Expected SaslMessage");
            } finally {
                stranger.shutdown();
            }
        }
    }

    @Test
    void noPageOfAnotherHostEndsAJobEvenWhereSparkWouldLetIt() throws IOException {
        try (JavaSparkContext spark =
                new JavaSparkContext(DriverNetwork.closed(conf("local[1]").set("spark.ui.killEnabled", "true")))) {
            URI pages = URI.create(spark.sc().uiWebUrl().get());
            String host = "127.0.0.1:" + pages.getPort();
            assertThat(status(pages, KILL, host, "Referer: http://evil.example/\r\n"))
                    .isEqualTo(403);
            assertThat(status(pages, KILL, host, "Origin: null\r\n")).isEqualTo(403);
            assertThat(status(pages, KILL, host, "Referer: http://" + host + "/jobs/\r\n"))
                    .isNotEqualTo(403);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "local[4], true",
        "spark://127.0.0.1:7077, true",
        "spark://localhost:7077, true",
        "'spark://127.0.0.1:7077,127.0.0.2:7077', true",
        "'spark://127.0.0.1:7077,10.0.0.1:7077', false",
        "spark://10.0.0.1:7077, false",
        "spark://no-such-host.invalid:7077, false",
        "yarn, false",
        "k8s://https://127.0.0.1:6443, false",
    })
    void rpcIsOnLoopbackWhereTheMasterIs(String master, boolean loopback) {
        SparkConf closed = DriverNetwork.closed(conf(master));
        assertThat(closed.contains("spark.driver.host")).isEqualTo(loopback);
        assertThat(closed.contains("spark.driver.bindAddress")).isEqualTo(loopback);
    }

    @Test
    void whatTheUserSetStays() {
        SparkConf closed = DriverNetwork.closed(conf("spark://127.0.0.1:7077")
                .set("spark.driver.host", "192.0.2.1")
                .set("spark.ui.killEnabled", "true")
                .set("spark.ui.filters", "org.example.Login")
                .set(DriverNetwork.UI_ADDRESS, "0.0.0.0"));
        assertThat(closed.get("spark.driver.host")).isEqualTo("192.0.2.1");
        assertThat(closed.get("spark.ui.killEnabled")).isEqualTo("true");
        assertThat(closed.get("spark.ui.filters")).isEqualTo(HostFilter.class.getName() + ",org.example.Login");
        assertThat(closed.clone().getenv("SPARK_LOCAL_IP")).isEqualTo("0.0.0.0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"spark://10.0.0.1:7077", "k8s://https://10.0.0.1:6443"})
    void pagesAreOnLoopbackWhateverTheMaster(String master) {
        SparkConf closed = DriverNetwork.closed(conf(master));
        assertThat(closed.clone().getenv("SPARK_LOCAL_IP")).isEqualTo("127.0.0.1");
        assertThat(closed.get("spark.ui.killEnabled")).isEqualTo("false");
    }

    private static List<ListeningSocket> own() {
        long self = ProcessHandle.current().pid();
        return ListeningSocket.ofThisUser().stream()
                .filter(socket -> socket.process() == self)
                .toList();
    }

    private static String ownName() throws IOException {
        return InetAddress.getLocalHost().getHostName();
    }

    /** Java's own clients refuse to send a Host of the caller's choice. */
    private static int status(URI server, String path, String host, String headers) throws IOException {
        try (Socket socket = new Socket(server.getHost(), server.getPort())) {
            OutputStream out = socket.getOutputStream();
            out.write(("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + headers + "Connection: close\r\n\r\n")
                    .getBytes(StandardCharsets.ISO_8859_1));
            out.flush();
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            return Stream.of(answer.split(" ", 3))
                    .skip(1)
                    .findFirst()
                    .map(Integer::valueOf)
                    .orElse(0);
        }
    }
}
