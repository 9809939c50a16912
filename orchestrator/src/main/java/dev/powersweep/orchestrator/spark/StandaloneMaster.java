package dev.powersweep.orchestrator.spark;

import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SecurityManager;
import org.apache.spark.SparkConf;
import org.apache.spark.internal.config.package$;
import org.apache.spark.rpc.RpcAddress;
import org.apache.spark.rpc.RpcEnv;
import scala.Option;

/**
 * Asks a standalone Master for an answer before a driver registers with it. Spark tries for a minute, then breaks off the
 * start of its context with exceptions that name neither the Master nor what is wrong with it.
 */
public final class StandaloneMaster {
    private static final String SCHEME = "spark://";
    private static final String ENDPOINT = "Master";
    /** What Spark says of a request whose connection the other side closed. */
    private static final String STOPPED = "Outbox is stopped";

    private static final int CONNECT_MILLIS = 10_000;
    /** One that refuses does so at once; a busy machine takes half a minute to say yes. */
    private static final String ANSWER = "60s";

    private static final String SILENCE = "Cannot receive any reply";

    private StandaloneMaster() {}

    /**
     * Returns at once for masters of another kind.
     *
     * @param conf has {@code spark.master}, and the secret if the driver has one
     * @throws UserError where no Master of the list can be reached, or none of them takes this driver
     */
    public static void requireAnswer(SparkConf conf) {
        String master = conf.get("spark.master");
        if (!master.startsWith(SCHEME)) {
            return;
        }
        List<String> failures = new ArrayList<>();
        boolean reached = false;
        for (RpcAddress address : addresses(master)) {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(address.host(), address.port()), CONNECT_MILLIS);
            } catch (IOException e) {
                failures.add(address.hostPort() + ": " + reason(e));
                continue;
            }
            reached = true;
            try {
                ask(conf, address);
                return;
            } catch (IllegalStateException e) {
                failures.add(address.hostPort() + ": " + reason(e));
            }
        }
        throw new UserError(sentence(master, failures, reached, conf.getBoolean("spark.authenticate", false)));
    }

    /**
     * Why no Master of a list takes a driver.
     *
     * @param reached whether one of them took a connection
     * @param secret whether the driver has one
     */
    static String sentence(String master, List<String> failures, boolean reached, boolean secret) {
        String what = String.join("; ", failures);
        if (!reached) {
            return "no Spark Master listens at " + master + " (" + what
                    + "); start it, or mend --master: the Master's log names its URL";
        }
        if (failures.stream().allMatch(failure -> failure.contains(SILENCE))) {
            return "the Spark Master at " + master + " does not answer (" + what
                    + "): its machine is busy, or it hangs. Submit again, or start it anew";
        }
        return "the Spark Master at " + master + " does not take this driver (" + what + "). "
                + (secret
                        ? "This driver has a secret: the Master has another one, or none"
                        : "This driver has no secret: the Master may ask for one")
                + ". Submit with the cluster's own settings: POWERSWEEP_CLUSTER=DIR where start-cluster.sh made the"
                + " secret, else POWERSWEEP_SUBMIT_OPTIONS=\"--properties-file FILE\"";
    }

    /** Throws an {@code IllegalStateException} where the Master does not answer. */
    private static void ask(SparkConf conf, RpcAddress address) {
        SparkConf asked = conf.clone().set("spark.rpc.lookupTimeout", ANSWER).set("spark.rpc.askTimeout", ANSWER);
        RpcEnv probe = RpcEnv.create(
                "powersweep-probe",
                "localhost",
                0,
                asked,
                new SecurityManager(asked, Option.empty(), package$.MODULE$.AUTH_SECRET_FILE()),
                true);
        try {
            probe.setupEndpointRef(address, ENDPOINT);
        } catch (Exception e) {
            throw new IllegalStateException(reason(e), e);
        } finally {
            probe.shutdown();
        }
    }

    private static List<RpcAddress> addresses(String master) {
        List<RpcAddress> addresses = new ArrayList<>();
        for (String one : master.substring(SCHEME.length()).split(",")) {
            try {
                addresses.add(RpcAddress.fromSparkURL(SCHEME + one));
            } catch (Exception e) {
                throw new UserError(
                        "--master " + master + " is no URL of a Spark Master: spark://HOST:PORT, for several of them"
                                + " spark://HOST:PORT,HOST:PORT",
                        e);
            }
        }
        return addresses;
    }

    /** In the words of the other side: the first line of the innermost cause. */
    private static String reason(Throwable failure) {
        Throwable inner = failure;
        while (inner.getCause() != null) {
            inner = inner.getCause();
        }
        String message = inner.getMessage();
        if (message != null && message.contains(STOPPED)) {
            return "it closed the connection";
        }
        return message == null || message.isBlank()
                ? inner.getClass().getSimpleName()
                : message.lines().findFirst().orElseThrow();
    }
}
