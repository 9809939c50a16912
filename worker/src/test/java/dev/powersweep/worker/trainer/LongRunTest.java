package dev.powersweep.worker.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.Cells;
import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.data.ShardFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a trainer takes over ten thousand steps, as the kernel and its own log of collections tell it. */
class LongRunTest {
    private static final int STEPS = 10_000;
    private static final Pattern PAUSE = Pattern.compile("Pause .* ([0-9.]+)ms$");

    @TempDir
    Path scratch;

    @Test
    @Tag("nightly")
    void tenThousandStepsTakeNoMoreMemoryAndHardlyAnyCollection() throws Exception {
        Path shards = scratch.resolve("shard");
        ShardFixture.words(shards, 1, 200_000, 2_000);
        // The smallest cell that anybody sweeps: a run of a few seconds is all start-up and shows nothing.
        Cell cell =
                Cells.of(ModelShape.gpt(2, 32, 2, 64, 256), new DataRule(ShardFixture.CORPUS, STEPS, 16, 100_000), 3);
        // A report every few steps and some checkpoints: everything that a trainer does must stay flat, not the step
        // alone.
        Assignment assignment = new Assignment(
                cell, 1, shards.toString(), scratch.resolve("checkpoints").toString(), Optional.empty(), 0, 2, 0.05);
        Path log = scratch.resolve("gc.log");
        List<Long> resident = new ArrayList<>();
        double seconds = 0;
        int steps = 0;
        try (TrainerProcess trainer =
                TrainerProcess.startWith(scratch, List.of("-Xlog:gc:file=" + log + "::filecount=0"), "serve")) {
            trainer.next();
            trainer.send(assignment);
            Frame frame;
            do {
                frame = trainer.next();
                if (frame instanceof Frame.Steps rows) {
                    steps += rows.rows();
                    seconds += Arrays.stream(rows.seconds()).sum();
                    // After the compiler has done its work.
                    if (steps > STEPS / 4) {
                        resident.add(residentBytes(trainer.pid()));
                    }
                }
            } while (!(frame instanceof Frame.Outcome));
            assertThat(frame).isInstanceOf(Frame.Finished.class);
        }
        assertThat(steps).isEqualTo(STEPS);
        assertThat(resident).hasSizeGreaterThan(20);
        int quarter = resident.size() / 4;
        double early = mean(resident.subList(0, quarter));
        double late = mean(resident.subList(resident.size() - quarter, resident.size()));
        double collecting = collectionSeconds(log);
        System.out.printf(
                "%d steps in %.1f s; resident %.1f MiB early, %.1f MiB late; collections %.4f s%n",
                STEPS, seconds, early / (1 << 20), late / (1 << 20), collecting);
        assertThat(late - early).as("growth in bytes of resident memory").isLessThan(4 << 20);
        assertThat(collecting / seconds).as("share of time in collections").isLessThan(0.01);
    }

    private static double mean(List<Long> values) {
        return values.stream().mapToLong(value -> value).average().orElseThrow();
    }

    private static long residentBytes(long pid) throws IOException {
        return Files.readString(Path.of("/proc/" + pid + "/status"))
                .lines()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) << 10)
                .findFirst()
                .orElseThrow();
    }

    private static double collectionSeconds(Path log) throws IOException {
        double seconds = 0;
        for (String line : Files.readAllLines(log)) {
            Matcher pause = PAUSE.matcher(line);
            if (pause.find()) {
                seconds += Double.parseDouble(pause.group(1)) / 1e3;
            }
        }
        return seconds;
    }
}
