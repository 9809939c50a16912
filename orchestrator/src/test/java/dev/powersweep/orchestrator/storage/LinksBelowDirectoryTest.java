package dev.powersweep.orchestrator.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A symbolic link below a sweep's directory, which leads to files of whoever runs the sweep. */
class LinksBelowDirectoryTest {
    @TempDir
    java.nio.file.Path folder;

    private java.nio.file.Path victim;
    private SweepDirectory directory;
    private Storage storage;

    @BeforeEach
    void link() throws IOException {
        victim = Files.createDirectory(folder.resolve("victim"));
        Files.writeString(victim.resolve("kept"), "kept");
        java.nio.file.Path sweep = Files.createDirectories(folder.resolve("sweep/tables"));
        Files.createSymbolicLink(sweep.resolve("steps"), victim);
        directory = new SweepDirectory(new Path(folder.resolve("sweep").toUri()));
        Files.writeString(folder.resolve("sweep/whole"), "whole");
        storage = directory.storage(new Configuration());
    }

    @Test
    void noOperationGoesThroughALinkedFolder() throws IOException {
        Path table = directory.table("steps");
        Path kept = Storage.child(table, "kept");
        Path fresh = Storage.child(table, "fresh");
        Path whole = new Path(directory.root(), "whole");
        Map<String, ThrowingCallable> operations = new LinkedHashMap<>();
        operations.put("list", () -> storage.list(table));
        operations.put("exists", () -> storage.exists(kept));
        operations.put("read", () -> storage.read(kept));
        operations.put("open", () -> storage.open(kept));
        operations.put("input", () -> storage.input(kept).newStream());
        operations.put("output", () -> storage.output(fresh));
        operations.put("download", () -> storage.download(kept, folder.resolve("copy")));
        operations.put("upload", () -> storage.upload(victim.resolve("kept"), fresh));
        operations.put("write", () -> storage.write(fresh, new byte[1]));
        operations.put("createNew", () -> storage.createNew(fresh, new byte[1]));
        operations.put("replace", () -> storage.replace(kept, new byte[1]));
        operations.put("publishNew", () -> storage.publishNew(whole, fresh));
        operations.put("publishOver", () -> storage.publishOver(whole, kept));
        operations.put("makeDirectory", () -> storage.makeDirectory(new Path(table, "fresh")));
        operations.put("delete", () -> storage.delete(kept));
        operations.forEach((name, operation) -> assertThatThrownBy(operation)
                .as(name)
                .isInstanceOf(IOException.class)
                .hasMessageContaining("tables/steps is a symbolic link to " + victim));
        assertThat(victim).isDirectoryContaining(file -> file.endsWith("kept"));
        assertThat(victim.toFile().list()).containsExactly("kept");
        assertThat(victim.resolve("kept")).hasContent("kept");
    }

    @Test
    void aLinkInPlaceOfAFileIsNotReadAndIsReplacedAsALink() throws IOException {
        Files.createSymbolicLink(folder.resolve("sweep/fits.json"), victim.resolve("kept"));
        assertThatThrownBy(() -> storage.read(directory.fits())).hasMessageContaining("is a symbolic link");
        assertThatThrownBy(() -> storage.list(directory.root())).hasMessageContaining("is a symbolic link");
        storage.replace(directory.fits(), "fits".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        assertThat(folder.resolve("sweep/fits.json"))
                .hasContent("fits")
                .isRegularFile()
                .matches(file -> !Files.isSymbolicLink(file));
        assertThat(victim.resolve("kept")).hasContent("kept");
    }

    @Test
    void aLinkThatIsDeletedLeavesWhatItLeadsTo() throws IOException {
        storage.delete(directory.table("steps"));
        assertThat(folder.resolve("sweep/tables")).isEmptyDirectory();
        assertThat(victim.resolve("kept")).hasContent("kept");
    }

    @Test
    void theDirectoryItselfMayBeALink() throws IOException {
        java.nio.file.Path link = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("sweep"));
        SweepDirectory linked = new SweepDirectory(new Path(link.toUri()));
        assertThat(linked.storage(new Configuration()).read(new Path(linked.root(), "whole")))
                .hasSize(5);
    }

    @Test
    void nobodyOpensASweepsDirectoryAsAUsersOwnPath() throws IOException {
        Pattern followsLinks = Pattern.compile("Storage\\.of\\(\\s*[\\w.]+\\.root\\(\\)");
        try (Stream<java.nio.file.Path> sources = Files.walk(java.nio.file.Path.of("src/main/java"))) {
            for (java.nio.file.Path source :
                    sources.filter(file -> file.toString().endsWith(".java")).toList()) {
                assertThat(Files.readString(source))
                        .as("%s: SweepDirectory.storage follows no link", source)
                        .doesNotContainPattern(followsLinks);
            }
        }
    }
}
