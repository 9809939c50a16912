package dev.powersweep.orchestrator.executor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.shard.ShardManifest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProbeTaskTest {
    @Test
    void whatIsTrainedOnForMeasuringIsAShardOfItsVocabulary(@TempDir Path folder) throws IOException {
        for (int vocabulary : List.of(256, 4096, 128_256)) {
            ProbeTask.writeShard(folder, vocabulary);
            ShardManifest manifest =
                    CellJson.read(Files.readString(folder.resolve(ShardManifest.FILE_NAME)), ShardManifest.class);
            ByteBuffer tokens = ByteBuffer.wrap(
                            Files.readAllBytes(folder.resolve(manifest.train().file())))
                    .order(ByteOrder.LITTLE_ENDIAN);
            assertThat(tokens.capacity())
                    .isEqualTo(manifest.train().tokens() * manifest.type().bytes());
            long largest = 0;
            while (tokens.hasRemaining()) {
                largest = Math.max(
                        largest,
                        switch (manifest.type()) {
                            case UINT8 -> Byte.toUnsignedInt(tokens.get());
                            case UINT16 -> Short.toUnsignedInt(tokens.getShort());
                            case UINT32 -> Integer.toUnsignedLong(tokens.getInt());
                        });
            }
            assertThat(largest).isBetween(vocabulary * 99L / 100, vocabulary - 1L);
        }
    }
}
