package dev.powersweep.orchestrator.network;

import java.io.Serial;
import org.apache.spark.SparkConf;
import scala.Tuple2;

/**
 * Settings that bind the driver's pages to an address of their own. Spark has no setting for that: pages are bound to what
 * its settings read from the environment variable {@code SPARK_LOCAL_IP}, which RPC and block manager read by themselves.
 * A context works on a copy of its settings, hence {@link #clone}.
 */
final class PagesConf extends SparkConf {
    @Serial
    private static final long serialVersionUID = 1L;

    private final String address;

    PagesConf(SparkConf settings, String address) {
        super(false);
        this.address = address;
        for (Tuple2<String, String> setting : settings.getAll()) {
            set(setting._1(), setting._2());
        }
    }

    @Override
    public String getenv(String name) {
        if (name.equals("SPARK_LOCAL_IP")) {
            return address;
        }
        String value = super.getenv(name);
        // The name in links to the pages.
        boolean everywhere = address.equals("0.0.0.0") || address.equals("[::]") || address.equals("::");
        return name.equals("SPARK_PUBLIC_DNS") && value == null && !everywhere ? address : value;
    }

    @Override
    public SparkConf clone() {
        return new PagesConf(this, address);
    }
}
