package dev.powersweep.orchestrator.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.storage.UserError;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.master.Master;
import org.apache.spark.rpc.RpcEnv;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class StandaloneMasterTest {
    private static final String NONE = "";

    private UserGroupInformation user;

    /** Spark leaves the secret of a local session with the process's user, where every later one would find it first. */
    @BeforeEach
    void beAnotherUser() throws Exception {
        user = UserGroupInformation.getLoginUser();
        UserGroupInformation.setLoginUser(UserGroupInformation.createRemoteUser("driver"));
    }

    @AfterEach
    void beTheSameUser() {
        UserGroupInformation.setLoginUser(user);
    }

    @ParameterizedTest
    @CsvSource({"'', first", "first, ''", "first, second"})
    void aSecretThatIsNotTheMastersIsToldBeforeADriverStarts(String ofTheMaster, String ofTheDriver) {
        RpcEnv master = master(ofTheMaster);
        try {
            SparkConf driver = conf(ofTheDriver).set("spark.master", url(master));
            assertThatThrownBy(() -> StandaloneMaster.requireAnswer(driver))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("the Spark Master at " + url(master) + " does not take this driver")
                    .hasMessageContaining(ofTheDriver.isEmpty() ? "has no secret" : "has a secret")
                    .hasMessageContaining("POWERSWEEP_CLUSTER=DIR");
        } finally {
            master.shutdown();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "first"})
    void aMasterOfTheSameSecretIsAccepted(String secret) {
        RpcEnv master = master(secret);
        try {
            SparkConf driver = conf(secret)
                    .set("spark.master", "spark://127.0.0.1:1," + url(master).substring(8));
            assertThatCode(() -> StandaloneMaster.requireAnswer(driver)).doesNotThrowAnyException();
        } finally {
            master.shutdown();
        }
    }

    @Test
    void aMasterThatIsNotThereIsToldAtOnce() throws Exception {
        int free;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            free = socket.getLocalPort();
        }
        SparkConf conf = conf(NONE).set("spark.master", "spark://127.0.0.1:" + free + ",host.invalid:7077");
        org.junit.jupiter.api.Assertions.assertTimeout(
                Duration.ofSeconds(30), () -> assertThatThrownBy(() -> StandaloneMaster.requireAnswer(conf))
                        .isInstanceOf(UserError.class)
                        .hasMessageContaining("no Spark Master listens at spark://127.0.0.1:" + free)
                        .hasMessageContaining("host.invalid"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"spark://", "spark://host", "spark://host:port", "spark://a:1,b", "spark://user@host:1/path"})
    void whatIsNoUrlOfAMasterIsToldAsSuch(String master) {
        assertThatThrownBy(() -> StandaloneMaster.requireAnswer(conf(NONE).set("spark.master", master)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("spark://HOST:PORT");
    }

    @ParameterizedTest
    @ValueSource(strings = {"local[2]", "yarn", "k8s://https://host:6443"})
    void othersAreNotAsked(String master) {
        assertThatCode(() -> StandaloneMaster.requireAnswer(conf(NONE).set("spark.master", master)))
                .doesNotThrowAnyException();
    }

    @Test
    void aMasterThatIsTooBusyToAnswerIsNotSaidToHaveAnotherSecret() {
        assertThat(StandaloneMaster.sentence(
                        "spark://host:7077",
                        List.of("host:7077: Cannot receive any reply from host:7077 in 60 seconds"),
                        true,
                        true))
                .contains("does not answer", "busy", "Submit again")
                .doesNotContain("secret");
    }

    private static RpcEnv master(String secret) {
        return Master.startRpcEnvAndEndpoint("127.0.0.1", 0, 0, conf(secret).set("spark.ui.enabled", "false"))
                ._1();
    }

    private static String url(RpcEnv master) {
        return "spark://" + master.address().hostPort();
    }

    private static SparkConf conf(String secret) {
        SparkConf conf = new SparkConf(false).set("spark.master.rest.enabled", "false");
        return secret.isEmpty()
                ? conf
                : conf.set("spark.authenticate", "true")
                        .set("spark.authenticate.secret", secret)
                        .set("spark.network.crypto.enabled", "true");
    }
}
