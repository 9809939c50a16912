package dev.powersweep.worker.bench.gpu;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.powersweep.worker.bench.gpu.MeasuredCells.Size;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.gpu.CellGroup;
import dev.powersweep.worker.gpu.Device;
import dev.powersweep.worker.gpu.Grid;
import dev.powersweep.worker.gpu.Product;
import java.nio.ByteBuffer;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;

/** Where a step's time goes: each of its operations alone, captured many times over. */
final class StepProfile {

    private static final int REPEATS = 50;

    private StepProfile() {}

    static void measure(Device device, Size size, int cells, Precision precision, Report report) {
        Recorder recorder = new Recorder(device);
        try (CellGroup group = new CellGroup(recorder, size.runs(cells, 1), precision, 0)) {
            group.enqueue(4);
            group.drain();
            report.row("profile", size.name(), precision, row -> {
                double total = 0;
                int operations = 0;
                for (Operation operation : recorder.step.values()) {
                    operation.microseconds = microseconds(device, operation.work);
                    total += operation.microseconds * operation.count;
                    operations += operation.count;
                }
                row.put("cells", cells).put("operations", operations).put("microseconds", total);
                ObjectNode shares = row.putObject("shares");
                recorder.step.entrySet().stream()
                        .sorted(Comparator.comparingDouble(
                                entry -> -entry.getValue().microseconds * entry.getValue().count))
                        .forEach(entry -> shares.put(
                                entry.getKey(),
                                String.format(
                                        java.util.Locale.ROOT,
                                        "%d x %.2f",
                                        entry.getValue().count,
                                        entry.getValue().microseconds)));
            });
        }
    }

    private static double microseconds(Device device, Runnable work) {
        Device.Work many = device.capture(() -> {
            for (int i = 0; i < REPEATS; i++) {
                work.run();
            }
        });
        many.run();
        wait(device);
        long begin = System.nanoTime();
        many.run();
        wait(device);
        return (System.nanoTime() - begin) / 1e3 / REPEATS;
    }

    private static void wait(Device device) {
        device.read(0, ByteBuffer.allocate(0));
    }

    private static final class Operation {
        final Runnable work;
        int count;
        double microseconds;

        Operation(Runnable work) {
            this.work = work;
        }
    }

    /** Notes what a captured step consists of. */
    private static final class Recorder implements Device {
        private final Device device;
        final Map<String, Operation> step = new LinkedHashMap<>();
        private boolean capturing;

        Recorder(Device device) {
            this.device = device;
        }

        private void note(String name, Runnable work) {
            if (capturing) {
                step.computeIfAbsent(name, key -> new Operation(work)).count++;
            }
            work.run();
        }

        @Override
        public String describe() {
            return device.describe();
        }

        @Override
        public long allocate(long bytes) {
            return device.allocate(bytes);
        }

        @Override
        public void free(long address) {
            device.free(address);
        }

        @Override
        public void write(long address, ByteBuffer from) {
            device.write(address, from);
        }

        @Override
        public void read(long address, ByteBuffer to) {
            device.read(address, to);
        }

        @Override
        public void zero(long address, long bytes) {
            note("zero", () -> device.zero(address, bytes));
        }

        @Override
        public void launch(String kernel, Grid grid, int threads, long... arguments) {
            note(kernel, () -> device.launch(kernel, grid, threads, arguments));
        }

        @Override
        public void multiply(Product p) {
            String name = "product " + p.rows() + "x" + p.inner() + "x" + p.columns() + " of " + p.batch() + " "
                    + p.a().order().name().charAt(0) + p.b().order().name().charAt(0)
                    + (p.beforeGelu() == 0 ? "" : " and GELU");
            note(name, () -> device.multiply(p));
        }

        @Override
        public void beside(Runnable work) {
            device.beside(work);
        }

        @Override
        public void join() {
            device.join();
        }

        @Override
        public Work capture(Runnable work) {
            return device.capture(() -> {
                capturing = true;
                work.run();
                capturing = false;
            });
        }

        @Override
        public void close() {}
    }
}
