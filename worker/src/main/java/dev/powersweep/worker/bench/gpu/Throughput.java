package dev.powersweep.worker.bench.gpu;

import dev.powersweep.worker.bench.gpu.MeasuredCells.Size;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.gpu.CellGroup;
import dev.powersweep.worker.gpu.Device;
import java.util.Arrays;
import java.util.List;

/** Tokens per second of groups of cells: the median of rounds, each of whole queues. */
final class Throughput {

    private static final int ROUNDS = 3;

    private Throughput() {}

    static void measure(
            Device device,
            List<Size> sizes,
            List<Integer> cells,
            List<Precision> precisions,
            double seconds,
            Report report) {
        for (Precision precision : precisions) {
            for (Size size : sizes) {
                for (int count : cells) {
                    report.row("throughput", size.name(), precision, row -> {
                        long opened = System.nanoTime();
                        try (CellGroup group = new CellGroup(device, size.runs(count, 1), precision, 0)) {
                            double step = round(group, 0);
                            double warmUp = (System.nanoTime() - opened) / 1e9;
                            double[] rounds = new double[ROUNDS];
                            for (int i = 0; i < ROUNDS; i++) {
                                rounds[i] = round(group, seconds);
                            }
                            Arrays.sort(rounds);
                            double perStep = rounds[ROUNDS / 2];
                            row.put("cells", count)
                                    .put(
                                            "tokensPerSecond",
                                            count * size.run(1).cell().batchTokens() / perStep)
                                    .put("millisecondsPerStep", 1e3 * perStep)
                                    .put("spread", rounds[ROUNDS - 1] / rounds[0])
                                    .put("mebibytes", group.memory() >> 20)
                                    .put("warmUpSeconds", warmUp)
                                    .put("firstStepSeconds", step);
                        }
                    });
                }
            }
        }
    }

    /** Seconds per step, of about so many seconds and at least one queue; of one step for 0. */
    private static double round(CellGroup group, double seconds) {
        int queue = seconds > 0 ? group.mostQueued() : 1;
        long begin = System.nanoTime();
        long steps = 0;
        do {
            group.enqueue(queue);
            group.drain().forEach(progress -> progress.diverged().ifPresent(why -> {
                throw new IllegalStateException(why);
            }));
            steps += queue;
        } while (System.nanoTime() - begin < seconds * 1e9);
        return (System.nanoTime() - begin) / 1e9 / steps;
    }
}
