package dev.powersweep.orchestrator.end2end;

import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hdfs.MiniDFSCluster;

/** The NameNode of {@link LoopbackHdfs}, as a process: {@code LoopbackNameNode FOLDER}. */
public final class LoopbackNameNode {
    private LoopbackNameNode() {}

    /** Says {@code port N} once clients are served. */
    public static void main(String[] arguments) throws Exception {
        Configuration configuration = new Configuration();
        // A killed DataNode is to be taken for dead within seconds: 2 · recheck + 10 · heartbeat.
        configuration.set("dfs.namenode.heartbeat.recheck-interval", "1000");
        configuration.set("dfs.heartbeat.interval", "1");
        configuration.set("dfs.namenode.rpc-bind-host", "127.0.0.1");
        configuration.set("dfs.namenode.fs-limits.min-block-size", "0");
        MiniDFSCluster cluster = new MiniDFSCluster.Builder(
                        configuration, Path.of(arguments[0]).toFile())
                .numDataNodes(0)
                .build();
        System.out.println("port " + cluster.getNameNodePort());
        System.out.flush();
        Thread.currentThread().join();
    }
}
