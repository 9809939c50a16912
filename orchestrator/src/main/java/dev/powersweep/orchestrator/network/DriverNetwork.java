package dev.powersweep.orchestrator.network;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.spark.SecurityManager;
import org.apache.spark.SparkConf;

/**
 * Closes what a driver opens by Spark's defaults. Spark binds a driver's pages to all addresses, and its RPC and block
 * manager to the outer one, even when the master is on loopback; pages may end a stage by a GET from anywhere.
 *
 * <p>Guarantees, for settings that the user left alone: with a master on loopback, or none, everything listens on
 * 127.0.0.1, and with every master but YARN the pages do; without a cluster the RPC wants a secret; nobody ends a job by the
 * pages; they answer only to hosts that {@link HostFilter} lets pass. On YARN the pages stay where Spark puts them, because
 * YARN's proxy fetches them from another host, and Spark's filter lets that proxy alone pass.
 */
public final class DriverNetwork {
    /** Address that the driver's pages are bound to, e.g. {@code 0.0.0.0} for all. */
    public static final String UI_ADDRESS = "spark.powersweep.uiAddress";
    /** Names, separated by commas, under which a proxy or service offers the driver's pages. */
    public static final String UI_HOSTS = "spark.powersweep.uiHosts";

    private static final String LOOPBACK = "127.0.0.1";
    /** Masters without a process of another kind. */
    private static final Pattern LOCAL = Pattern.compile("local(\\[.*])?");

    private DriverNetwork() {}

    /**
     * @param conf has {@code spark.master}; is changed
     * @return what to make a {@code SparkContext} of: the same settings, with the pages' address
     */
    public static SparkConf closed(SparkConf conf) {
        String master = conf.get("spark.master");
        if (isLoopback(master)) {
            conf.setIfMissing("spark.driver.host", LOOPBACK);
            conf.setIfMissing("spark.driver.bindAddress", LOOPBACK);
        }
        if (LOCAL.matcher(master).matches()) {
            // Whoever reaches the port of a driver's RPC has it read objects of his own making, and so runs code as its
            // user; on loopback that is everybody on this machine. Spark makes a secret of its own here.
            conf.setIfMissing("spark.authenticate", "true");
        }
        handedSecret(conf, Optional.ofNullable(System.getenv(SecurityManager.ENV_AUTH_SECRET())));
        conf.setIfMissing("spark.ui.killEnabled", "false");
        String filters = conf.get("spark.ui.filters", "");
        String own = HostFilter.class.getName();
        if (!Arrays.asList(filters.split(",")).contains(own)) {
            conf.set("spark.ui.filters", filters.isEmpty() ? own : own + "," + filters);
        }
        conf.setIfMissing(
                "spark." + own + ".param." + HostFilter.HOSTS,
                conf.get(UI_HOSTS, "") + "," + conf.get("spark.driver.host", ""));
        if (master.startsWith("yarn") && !conf.contains(UI_ADDRESS)) {
            return conf;
        }
        return new PagesConf(conf, conf.get(UI_ADDRESS, LOOPBACK));
    }

    /**
     * The secret of a driver that a standalone Worker has started (deploy mode cluster): Spark keeps it off the command line and
     * hands it over by environment, where a context does not look.
     */
    static void handedSecret(SparkConf conf, Optional<String> secret) {
        if (conf.get("spark.master").startsWith("spark://") && conf.getBoolean("spark.authenticate", false)) {
            secret.ifPresent(each -> conf.setIfMissing("spark.authenticate.secret", each));
        }
    }

    /** Whether all processes of a master are on this machine, as far as its URL tells. */
    static boolean isLoopback(String master) {
        if (master.startsWith("local")) {
            return true;
        }
        return master.startsWith("spark://")
                && Arrays.stream(master.substring("spark://".length()).split(","))
                        .allMatch(DriverNetwork::hostIsLoopback);
    }

    private static boolean hostIsLoopback(String hostAndPort) {
        String host = HostNames.host(hostAndPort);
        try {
            return !host.isEmpty() && InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }
}
