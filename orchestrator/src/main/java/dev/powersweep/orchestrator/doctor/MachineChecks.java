package dev.powersweep.orchestrator.doctor;

import com.sun.management.OperatingSystemMXBean;
import dev.powersweep.orchestrator.executor.host.RunnableFolder;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Checks of the machine it runs on; on a cluster it runs inside a task of every executor. */
final class MachineChecks {
    /** A trainer of a small cell: heap, arrays, libraries. */
    private static final long TRAINER_BYTES = 300L << 20;
    /** Unpacked trainer and native libraries. */
    private static final long SCRATCH_BYTES = 2L << 30;

    private MachineChecks() {}

    static List<Finding> run() {
        List<Finding> findings = new ArrayList<>();
        findings.add(java());
        findings.add(platform());
        findings.add(cores());
        findings.add(memory());
        findings.add(scratch(Path.of(System.getProperty("java.io.tmpdir"))));
        findings.add(hostName());
        findings.add(user(System.getProperty("user.name")));
        findings.addAll(gpus());
        findings.add(NetworkChecks.run());
        return findings;
    }

    private static Finding java() {
        int feature = Runtime.version().feature();
        String seen = System.getProperty("java.vm.name") + " " + Runtime.version();
        return feature >= 17
                ? Finding.good("Java", seen)
                : Finding.broken("Java", seen, "install a JDK 17 or newer and set JAVA_HOME to it");
    }

    private static Finding platform() {
        String seen = System.getProperty("os.name") + " " + System.getProperty("os.arch");
        boolean amd64 = System.getProperty("os.arch").equals("amd64");
        if (!amd64 || !System.getProperty("os.name").equals("Linux")) {
            return Finding.warning(
                    "platform", seen, "build here, so that the trainer carries this platform's native libraries");
        }
        String flags = cpuInfo("flags");
        if (flags.contains(" avx512f")) {
            return Finding.good("platform", seen + ", AVX-512, " + cpuInfo("model name"));
        }
        return flags.contains(" avx2")
                ? Finding.good("platform", seen + ", AVX2, " + cpuInfo("model name"))
                : Finding.warning("platform", seen + " without AVX2", "expect a fraction of the usual speed");
    }

    private static String cpuInfo(String key) {
        try {
            return Files.readAllLines(Path.of("/proc/cpuinfo"), StandardCharsets.UTF_8).stream()
                    .filter(line -> line.startsWith(key))
                    .findFirst()
                    .map(line -> line.substring(line.indexOf(':') + 1))
                    .orElse("");
        } catch (IOException e) {
            return "";
        }
    }

    private static Finding cores() {
        int cores = Runtime.getRuntime().availableProcessors();
        double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
        String seen = String.format(Locale.ROOT, "%d, load average %.1f", cores, load);
        return load > 1.5 * cores
                ? Finding.warning("cores", seen, "others use this machine: throughput will vary")
                : Finding.good("cores", seen);
    }

    private static Finding memory() {
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long free = availableMemory(system);
        long wanted = Runtime.getRuntime().availableProcessors() * TRAINER_BYTES + (1L << 30);
        String seen = gib(free) + " available of " + gib(system.getTotalMemorySize());
        return free >= wanted
                ? Finding.good("memory", seen)
                : Finding.warning(
                        "memory",
                        seen,
                        "a driver and one small trainer per core want " + gib(wanted)
                                + "; run fewer slots with --master local[n]");
    }

    /** Free memory as the kernel reckons it: the page cache can be given back. */
    private static long availableMemory(OperatingSystemMXBean system) {
        try {
            return Files.readAllLines(Path.of("/proc/meminfo"), StandardCharsets.UTF_8).stream()
                    .filter(line -> line.startsWith("MemAvailable:"))
                    .findFirst()
                    .map(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) << 10)
                    .orElseGet(system::getFreeMemorySize);
        } catch (IOException e) {
            return system.getFreeMemorySize();
        }
    }

    private static Finding hostName() {
        try {
            return Finding.good("host name", InetAddress.getLocalHost().toString());
        } catch (UnknownHostException e) {
            return Finding.warning(
                    "host name",
                    e.getMessage().lines().findFirst().orElse("") + ": this machine's own name has no address",
                    "sweeps on this machine alone run; for a cluster add the name to /etc/hosts, or set"
                            + " SPARK_LOCAL_IP");
        }
    }

    /** Java knows no name of a user without an entry in the system's list of users, and Hadoop then refuses to work. */
    static Finding user(String name) {
        return name == null || name.isBlank() || name.equals("?")
                ? Finding.broken(
                        "user",
                        "this process's user id has no name",
                        "add an entry for it to /etc/passwd (in a container: when the image is built, or by its entry"
                                + " point), or run as a user that has one")
                : Finding.good("user", name);
    }

    private static Finding scratch(Path directory) {
        try {
            Path probe = Files.createTempFile(directory, "powersweep", ".probe");
            Files.delete(probe);
            Optional<String> noexec = RunnableFolder.trouble(directory);
            if (noexec.isPresent()) {
                return Finding.broken(
                        "scratch",
                        noexec.get().substring(0, noexec.get().indexOf(';')),
                        "mount it with exec, or name another folder with JAVA_TOOL_OPTIONS=-Djava.io.tmpdir=DIR"
                                + " (docs/operations.md)");
            }
            long free = Files.getFileStore(directory).getUsableSpace();
            String seen = directory + ", " + gib(free) + " free";
            return free >= SCRATCH_BYTES
                    ? Finding.good("scratch", seen)
                    : Finding.warning(
                            "scratch",
                            seen,
                            "the trainer, its checkpoints and shards want " + gib(SCRATCH_BYTES)
                                    + "; point java.io.tmpdir elsewhere");
        } catch (IOException e) {
            return Finding.broken(
                    "scratch", directory + " is not writable: " + e.getMessage(), "point java.io.tmpdir elsewhere");
        }
    }

    /** One finding a GPU; none when the machine has no NVIDIA driver. */
    private static List<Finding> gpus() {
        List<Finding> findings = new ArrayList<>();
        for (String line : nvidiaSmi()) {
            findings.add(GpuCoverage.judge(line));
        }
        return findings;
    }

    private static List<String> nvidiaSmi() {
        try {
            Process process = new ProcessBuilder(
                            "nvidia-smi",
                            "--query-gpu=index,name,compute_cap,memory.total,driver_version",
                            "--format=csv,noheader")
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            List<String> lines = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> line.split(",").length == 5)
                    .toList();
            return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0 ? lines : List.of();
        } catch (IOException e) {
            return List.of();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return List.of();
        }
    }

    static String gib(long bytes) {
        return String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30));
    }
}
