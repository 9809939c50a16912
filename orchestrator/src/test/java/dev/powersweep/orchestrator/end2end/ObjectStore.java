package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.ROOT;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * S3Proxy on loopback, over a folder: a server that speaks S3, as a process with its own class path, which asks for
 * signed requests. Its clients find endpoint and behaviour in a {@code core-site.xml} and credentials in their environment,
 * as a user's do.
 */
final class ObjectStore implements AutoCloseable {
    static final String IDENTITY = "powersweep-test";
    /** Of this store alone, and long enough to be found wherever it leaks to. */
    static final String SECRET = "hPq7wZ2kT9xV4mJ8sL3nR6bY1cD5fG0aEuIoKtMw";

    private static final Path JARS = ROOT.resolve("orchestrator/target/object-store");

    private final Path folder;
    private final Daemon server;
    private final String endpoint;

    private ObjectStore(Path folder, Daemon server, String endpoint) {
        this.folder = folder;
        this.server = server;
        this.endpoint = endpoint;
    }

    /** Fetches client and server by Maven if they are not there, and starts the server with an empty bucket. */
    static ObjectStore start(Path folder, String bucket) throws IOException, InterruptedException {
        copyJars("deploy/s3a", "-Ds3a.jars=" + clientJars());
        copyJars("orchestrator/src/test/object-store", "-Dobject-store.jars=" + JARS.resolve("server"));
        Files.createDirectories(folder.resolve("buckets").resolve(bucket));
        Path settings = Files.writeString(
                folder.resolve("s3proxy.conf"),
                """
                s3proxy.authorization=aws-v2-or-v4
                s3proxy.identity=%s
                s3proxy.credential=%s
                s3proxy.endpoint=http://127.0.0.1:0
                jclouds.provider=filesystem
                jclouds.identity=local
                jclouds.credential=local
                jclouds.filesystem.basedir=%s
                """
                        .formatted(IDENTITY, SECRET, folder.resolve("buckets")));
        Daemon server = Daemon.start(
                "S3Proxy",
                folder.resolve("s3proxy.log"),
                Map.of(),
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx256m",
                        "-XX:+UseSerialGC",
                        "-cp",
                        JARS.resolve("server") + "/*",
                        "org.gaul.s3proxy.Main",
                        "--properties",
                        settings.toString()));
        String endpoint = "http://127.0.0.1:"
                + server.await("Started .*\\{127\\.0\\.0\\.1:(\\d+)}").group(1);
        ObjectStore store = new ObjectStore(folder, server, endpoint);
        store.writeClientConfiguration();
        return store;
    }

    static Path clientJars() {
        return JARS.resolve("client");
    }

    private static void copyJars(String pom, String into) {
        PowerSweepProcess.run(Map.of(), "mvnw", "-q", "-B", "-f", pom, "dependency:copy-dependencies", into)
                .orFail();
    }

    private void writeClientConfiguration() throws IOException {
        Map<String, String> settings = Map.of(
                "fs.s3a.endpoint", endpoint,
                "fs.s3a.endpoint.region", "us-east-1",
                "fs.s3a.path.style.access", "true",
                "fs.s3a.connection.ssl.enabled", "false",
                "fs.s3a.create.conditional.enabled", "true",
                "fs.s3a.aws.credentials.provider",
                        "software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider");
        Files.createDirectories(clientConfiguration());
        Files.writeString(
                clientConfiguration().resolve("core-site.xml"),
                settings.entrySet().stream()
                        .map(entry -> "<property><name>" + entry.getKey() + "</name><value>" + entry.getValue()
                                + "</value></property>")
                        .collect(Collectors.joining("\n", "<configuration>\n", "\n</configuration>\n")));
    }

    /** What a user's HADOOP_CONF_DIR would be; holds no credentials. */
    Path clientConfiguration() {
        return folder.resolve("conf");
    }

    /** What a user of the store sets. */
    Map<String, String> environment() {
        return Map.of(
                "POWERSWEEP_JARS",
                clientJars().toString(),
                "HADOOP_CONF_DIR",
                clientConfiguration().toString(),
                "AWS_ACCESS_KEY_ID",
                IDENTITY,
                "AWS_SECRET_ACCESS_KEY",
                SECRET);
    }

    /** The folder that holds the objects of a bucket. */
    Path bucket(String name) {
        return folder.resolve("buckets").resolve(name);
    }

    String log() {
        return server.log();
    }

    @Override
    public void close() {
        server.close();
    }
}
