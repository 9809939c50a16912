package dev.powersweep.orchestrator.end2end;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.protocol.HdfsConstants.DatanodeReportType;

/** HDFS on loopback: a NameNode and DataNodes, each a process that can be killed. */
final class LoopbackHdfs implements AutoCloseable {
    private final Path folder;
    private final Daemon nameNode;
    private final String uri;
    private final List<Daemon> dataNodes = new ArrayList<>();

    private LoopbackHdfs(Path folder, Daemon nameNode, String uri) {
        this.folder = folder;
        this.nameNode = nameNode;
        this.uri = uri;
    }

    /** Starts it and waits until every DataNode has registered. */
    static LoopbackHdfs start(Path folder, int dataNodes) throws IOException, InterruptedException {
        Files.createDirectories(folder);
        Daemon nameNode = Daemon.start(
                "NameNode",
                folder.resolve("namenode.log"),
                Map.of(),
                java(
                        folder,
                        LoopbackNameNode.class.getName(),
                        folder.resolve("name").toString()));
        String uri = "hdfs://127.0.0.1:" + nameNode.await("(?m)^port (\\d+)$").group(1);
        LoopbackHdfs hdfs = new LoopbackHdfs(folder, nameNode, uri);
        try {
            hdfs.writeClientConfiguration(dataNodes);
            for (int number = 0; number < dataNodes; number++) {
                hdfs.dataNodes.add(hdfs.startDataNode(number));
            }
            hdfs.awaitDataNodes();
        } catch (IOException | InterruptedException | RuntimeException | Error e) {
            hdfs.close();
            throw e;
        }
        return hdfs;
    }

    /** Without a slash at its end. */
    String uri() {
        return uri;
    }

    /** What a user's HADOOP_CONF_DIR would be. */
    Path clientConfiguration() {
        return folder.resolve("conf");
    }

    Configuration configuration() {
        Configuration configuration = new Configuration();
        configuration.set("dfs.replication", Integer.toString(Math.max(1, dataNodes.size())));
        return configuration;
    }

    /** As the superuser, who is whoever runs this. */
    DistributedFileSystem files() throws IOException {
        return (DistributedFileSystem) FileSystem.get(URI.create(uri), configuration());
    }

    int dataNodes() {
        return dataNodes.size();
    }

    /**
     * The local files that hold the blocks of a file, one a replica; by the NameNode's own names for them, since a file
     * of the same length may lie beside it.
     */
    List<Path> blocksOf(org.apache.hadoop.fs.Path file) throws IOException {
        Set<String> names = files().getClient().getLocatedBlocks(file.toUri().getPath(), 0).getLocatedBlocks().stream()
                .map(block -> block.getBlock().getBlockName())
                .collect(Collectors.toSet());
        List<Path> found = new ArrayList<>();
        for (int number = 0; number < dataNodes.size(); number++) {
            try (Stream<Path> walk = Files.walk(blocks(number))) {
                walk.filter(local -> names.contains(local.getFileName().toString()))
                        .forEach(found::add);
            }
        }
        return found;
    }

    private Path blocks(int dataNode) {
        return folder.resolve("data" + dataNode + "/blocks");
    }

    void killDataNode(int number) {
        dataNodes.get(number).kill();
    }

    void restartDataNode(int number) throws IOException {
        dataNodes.set(number, startDataNode(number));
    }

    /** Waits until as many DataNodes as were started are alive. */
    void awaitDataNodes() throws IOException, InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(300);
        while (files().getDataNodeStats(DatanodeReportType.LIVE).length < dataNodes.size()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("DataNodes did not register; see " + folder + "\n"
                        + dataNodes.stream().map(Daemon::log).collect(Collectors.joining("\n")));
            }
            TimeUnit.MILLISECONDS.sleep(100);
        }
    }

    private Daemon startDataNode(int number) throws IOException {
        Path home = Files.createDirectories(folder.resolve("data" + number));
        Files.writeString(
                home.resolve("hdfs-site.xml"),
                xml(Map.of(
                        "fs.defaultFS", uri,
                        "dfs.datanode.data.dir", blocks(number).toUri().toString(),
                        "dfs.datanode.address", "127.0.0.1:0",
                        "dfs.datanode.http.address", "127.0.0.1:0",
                        "dfs.datanode.ipc.address", "127.0.0.1:0",
                        "dfs.datanode.hostname", "127.0.0.1",
                        "dfs.heartbeat.interval", "1")));
        return Daemon.start(
                "DataNode " + number,
                home.resolve("datanode.log"),
                Map.of(),
                java(home, "org.apache.hadoop.hdfs.server.datanode.DataNode"));
    }

    private void writeClientConfiguration(int replicas) throws IOException {
        Files.createDirectories(clientConfiguration());
        Files.writeString(
                clientConfiguration().resolve("hdfs-site.xml"),
                xml(Map.of("dfs.replication", Integer.toString(replicas))));
        Files.writeString(clientConfiguration().resolve("core-site.xml"), xml(Map.of("fs.defaultFS", uri)));
    }

    /** The command of a Java program on the class path of the tests, with a folder of Hadoop settings before it. */
    static List<String> java(Path configuration, String... main) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                configuration + ":"
                        + System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))));
        command.addAll(List.of(main));
        return command;
    }

    private static String xml(Map<String, String> settings) {
        return settings.entrySet().stream()
                .map(entry -> "<property><name>" + entry.getKey() + "</name><value>" + entry.getValue()
                        + "</value></property>")
                .collect(Collectors.joining("\n", "<configuration>\n", "\n</configuration>\n"));
    }

    @Override
    public void close() {
        dataNodes.forEach(Daemon::close);
        nameNode.close();
    }

    /** The text of a file of it. */
    String text(org.apache.hadoop.fs.Path file) throws IOException {
        try (var in = files().open(file)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
