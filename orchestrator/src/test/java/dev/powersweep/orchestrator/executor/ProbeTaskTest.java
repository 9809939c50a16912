package dev.powersweep.orchestrator.executor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.driver.StandInTrainer.Trouble;
import dev.powersweep.orchestrator.driver.Sweeps;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.shard.ShardManifest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
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

    /** As of a card: their neighbours are part of what is measured. */
    @Test
    void slotsThatShareATrainerMeasureInItAtOnce(@TempDir Path folder) throws Exception {
        Path jar = Sweeps.trainerJar(folder);
        ExecutorHost.shutDown();
        try (JavaSparkContext spark = new JavaSparkContext(
                new SparkConf().setMaster("local[2]").setAppName("probe").set("spark.ui.enabled", "false"))) {
            // The stand-in takes the last two digits of a cell's seed, which is the slot, for what it is to do wrong.
            List<String> orders = IntStream.of(0, 100)
                    .mapToObj(slot -> new ProbeTask.Order(
                            Sweeps.POLICY.sharing(2),
                            0,
                            Optional.of(jar.toString()),
                            List.of(Sweeps.cell(1, 10, Trouble.NONE), Sweeps.cell(2, 10, Trouble.NONE)),
                            // After which no kind is begun: of a starved machine two seconds are the first one's.
                            60,
                            slot))
                    .map(LedgerJson::line)
                    .toList();
            List<ProbeTask.Report> reports = spark.parallelize(orders, 2).map(new ProbeTask()).collect().stream()
                    .map(json -> LedgerJson.read(json, ProbeTask.Report.class))
                    .toList();
            assertThat(reports).hasSize(2).allSatisfy(report -> {
                assertThat(report.problem()).isEmpty();
                assertThat(report.rates()).hasSize(2);
            });
            assertThat(ExecutorHost.get().pool().started()).isEqualTo(1);
        } finally {
            ExecutorHost.shutDown();
        }
    }
}
