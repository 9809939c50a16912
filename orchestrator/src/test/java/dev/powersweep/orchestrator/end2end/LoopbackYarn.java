package dev.powersweep.orchestrator.end2end;

import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.yarn.conf.YarnConfiguration;
import org.apache.hadoop.yarn.server.MiniYARNCluster;

/**
 * YARN on loopback, a process of its own: {@code LoopbackYarn NODE_MANAGERS MEGABYTES_EACH YARN_SITE}. Containers are
 * processes that its NodeManagers start.
 */
public final class LoopbackYarn {
    private LoopbackYarn() {}

    /** Writes the clients' {@code yarn-site.xml} and says {@code ready} once applications are taken. */
    public static void main(String[] arguments) throws Exception {
        Configuration configuration = new YarnConfiguration();
        configuration.set(YarnConfiguration.YARN_MINICLUSTER_NM_PMEM_MB, arguments[1]);
        configuration.setInt(YarnConfiguration.RM_SCHEDULER_MINIMUM_ALLOCATION_MB, 256);
        // One queue, in which the one application may be all application master.
        configuration.set("yarn.scheduler.capacity.root.queues", "default");
        configuration.set("yarn.scheduler.capacity.root.default.capacity", "100");
        configuration.set("yarn.scheduler.capacity.maximum-am-resource-percent", "1");
        // A full disk of the machine that tests is not what is tested.
        configuration.setFloat(YarnConfiguration.NM_MAX_PER_DISK_UTILIZATION_PERCENTAGE, 100);
        MiniYARNCluster cluster = new MiniYARNCluster("yarn", Integer.parseInt(arguments[0]), 1, 1);
        cluster.init(configuration);
        cluster.start();
        // Whole or not at all: the folder is on this process's own class path, too.
        Path site = Path.of(arguments[2]);
        Path part = site.resolveSibling(site.getFileName() + ".part");
        try (OutputStream out = Files.newOutputStream(part)) {
            cluster.getConfig().writeXml(out);
        }
        Files.move(part, site, StandardCopyOption.ATOMIC_MOVE);
        System.out.println("ready");
        System.out.flush();
        Thread.currentThread().join();
    }
}
