package dev.powersweep.orchestrator.corpus;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class CorpusStoreTest {
    @TempDir
    private Path folder;

    @Test
    @EnabledOnOs(value = OS.LINUX, disabledReason = "a full disk is played by /dev/full")
    void aDiskThatIsFullIsToldInASentence() throws Exception {
        SweepDirectory directory = SweepDirectory.at(folder.toString(), new Configuration());
        CorpusStore store = new CorpusStore(directory, new Configuration());
        Path temporary = Path.of(store.temporary("c0ffee").toUri());
        Files.write(temporary.resolve("part-0"), new byte[1 << 20]);
        Files.createSymbolicLink(temporary.resolve("train.bin"), Path.of("/dev/full"));
        assertThatThrownBy(() -> store.concatenate(
                        new org.apache.hadoop.fs.Path(temporary.toUri()),
                        "train",
                        List.of(new TokenPart(0, 0, "part-0", 1 << 20, 1 << 20))))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("the corpus cannot be stored in")
                .hasMessageContaining("No space left on device; make room there");
    }
}
