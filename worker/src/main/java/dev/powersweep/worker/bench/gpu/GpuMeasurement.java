package dev.powersweep.worker.bench.gpu;

import dev.powersweep.worker.bench.gpu.MeasuredCells.Size;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.gpu.Device;
import dev.powersweep.worker.gpu.cuda.CudaDevice;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Measures a card; one row of JSON for each thing measured.
 *
 * <pre>
 * write-oracle FILE                              the CPU engine's records, on a machine with ND4J
 * compile KERNEL…                                machine code of their units, side by side
 * oracle FILE                                    the card's distances from them
 * bits CELLS SIZE…                               whether bits depend on neighbours
 * throughput SECONDS CELLS PRECISIONS SIZE…      tokens per second
 * profile CELLS PRECISION SIZE…                  where a step's time goes
 * replay FILE…                                   recorded kernels' launches, the card's answers beside the recorded ones
 * </pre>
 *
 * CELLS and PRECISIONS are lists with commas, a SIZE is layers,width,heads,context,batch,vocabulary.
 */
public final class GpuMeasurement {

    private GpuMeasurement() {}

    public static void main(String[] args) throws Exception {
        Report report = new Report(System.out);
        if (args[0].equals("write-oracle")) {
            OracleCurves.write(Path.of(args[1]));
            return;
        }
        Optional<Path> cubins =
                Optional.ofNullable(System.getProperty("powersweep.cubins")).map(Path::of);
        long begin = System.nanoTime();
        try (CudaDevice device = CudaDevice.open(0, cubins)) {
            report.print(report.object()
                    .put("part", "device")
                    .put("device", device.describe())
                    .put("seconds", (System.nanoTime() - begin) / 1e9));
            if (args[0].equals("compile")) {
                device.prepare(List.of(args).subList(1, args.length));
                report.print(report.object().put("part", "compile").put("seconds", (System.nanoTime() - begin) / 1e9));
            } else {
                run(device, System.out, args);
            }
        }
    }

    /** Measures one part on an open device. */
    public static void run(Device device, PrintStream out, String... args) throws IOException {
        Report report = new Report(out);
        switch (args[0]) {
            case "oracle" -> OracleCurves.compare(device, Path.of(args[1]), report);
            case "bits" -> BitIdentity.compare(device, sizes(args, 2), numbers(args[1]), report);
            case "throughput" ->
                Throughput.measure(
                        device,
                        sizes(args, 4),
                        numbers(args[2]),
                        precisions(args[3]),
                        Double.parseDouble(args[1]),
                        report);
            case "profile" -> {
                for (Size size : sizes(args, 3)) {
                    for (int cells : numbers(args[1])) {
                        StepProfile.measure(
                                device, size, cells, precisions(args[2]).get(0), report);
                    }
                }
            }
            case "replay" -> {
                for (String file : List.of(args).subList(1, args.length)) {
                    KernelReplay.compare(device, Path.of(file), report);
                }
            }
            default -> throw new IllegalArgumentException("no part " + args[0]);
        }
    }

    private static List<Size> sizes(String[] args, int from) {
        return Arrays.stream(args).skip(from).map(Size::parse).toList();
    }

    private static List<Integer> numbers(String list) {
        return Arrays.stream(list.split(",")).map(Integer::valueOf).toList();
    }

    private static List<Precision> precisions(String list) {
        return Arrays.stream(list.toUpperCase(Locale.ROOT).split(","))
                .map(Precision::valueOf)
                .toList();
    }
}
