package dev.powersweep.orchestrator.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.Reports;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Writes of which the storage does not say, or says wrongly, whether they succeeded. */
@Timeout(60)
class UnknownWritesTest {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
    private static final Lease.Timing QUICK = new Lease.Timing(Duration.ofMillis(200), Duration.ofMillis(2500));

    @TempDir
    Path folder;

    private SweepDirectory directory;
    private Storage sound;
    /** Operations on segments that report an error, and how often they still do. */
    private String failing = "";

    private boolean afterwards;
    private int failures;

    @BeforeEach
    void open() throws IOException {
        Configuration configuration = new Configuration();
        directory = SweepDirectory.at(folder.resolve("sweep").toString(), configuration);
        sound = Storage.of(directory.root(), configuration);
        sound.makeDirectory(directory.ledger());
    }

    private void fail(String operation, boolean afterItWasDone, int times) {
        failing = operation;
        afterwards = afterItWasDone;
        failures = times;
    }

    private Storage fragile() {
        InvocationHandler handler = (proxy, method, arguments) -> method.isDefault()
                ? InvocationHandler.invokeDefault(proxy, method, arguments)
                : carriedOut(method, arguments);
        return (Storage) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Storage.class}, handler);
    }

    private Object carriedOut(Method method, Object[] arguments) throws Throwable {
        boolean fails = failures > 0
                && method.getName().equals(failing)
                && arguments[arguments.length - 1].toString().contains("/segment-");
        if (fails) {
            failures--;
            if (!afterwards) {
                throw new IOException("connection refused");
            }
        }
        Object answer;
        try {
            answer = method.invoke(sound, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
        if (fails) {
            throw new IOException("connection reset");
        }
        return answer;
    }

    private SegmentWriter writer() {
        return new SegmentWriter(fragile(), directory.ledger(), 1, millis -> {});
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private List<String> stored() throws IOException {
        List<Path> files;
        try (Stream<Path> all = Files.list(folder.resolve("sweep/ledger"))) {
            files = all.filter(file -> file.getFileName().toString().startsWith("segment-"))
                    .sorted()
                    .toList();
        }
        List<String> texts = new ArrayList<>();
        for (Path file : files) {
            texts.add(Files.readString(file));
        }
        return texts;
    }

    @Test
    void aWriteThatReportsAnErrorAndCameThroughCountsOnce() throws Exception {
        SegmentWriter writer = writer();
        for (int times = 1; times <= 3; times++) {
            fail("publishNew", true, times);
            assertThat(writer.write(text("write " + times))).isInstanceOf(SegmentWriter.Result.Stored.class);
        }
        assertThat(stored()).containsExactly("write 1", "write 2", "write 3");
    }

    @Test
    void whatCannotBeReadBackIsUnknownAndStandsBeforeWhatIsWrittenNext() throws Exception {
        for (boolean cameThrough : List.of(true, false)) {
            long epoch = cameThrough ? 1 : 2;
            fail("publishNew", cameThrough, 1);
            // After the first try nothing can be asked any more.
            SegmentWriter writer =
                    new SegmentWriter(fragile(), directory.ledger(), epoch, millis -> fail("exists", false, 1));
            assertThat(writer.write(text("first " + epoch))).isInstanceOf(SegmentWriter.Result.Unknown.class);
            failures = 0;
            assertThat(writer.write(text("second " + epoch))).isInstanceOf(SegmentWriter.Result.Stored.class);
        }
        assertThat(stored()).containsExactly("first 1", "second 1", "first 2", "second 2");
    }

    @Test
    void aFirstWriteThatFailsIsToldInAClearSentenceAndLeavesNeitherWriterNorLease() throws Exception {
        fail("publishNew", false, Integer.MAX_VALUE);
        assertThatThrownBy(() -> Ledger.open(fragile(), directory, "app", "test", QUICK, Optional::empty))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("cannot write to " + directory.root())
                .hasMessageContaining("connection refused")
                .hasMessageContaining("choose another --output or make it writable");
        assertThat(Thread.getAllStackTraces().keySet().stream().map(Thread::getName))
                .doesNotContain("ledger");
        failures = 0;
        try (Ledger next = Ledger.open(fragile(), directory, "app", "test", QUICK, Optional::empty)) {
            assertThat(next.epoch()).isEqualTo(2);
        }
    }

    @Test
    void anEventThatCannotBeWrittenAsJsonIsToldToAllWhoWaitAndNothingIsStoredAfterIt() throws Exception {
        AttemptReport sound = Reports.finished("00112233445566aa", 1, 10, 1, NOW);
        LedgerEvent broken = new LedgerEvent.Ended(
                NOW,
                new AttemptReport(
                        sound.cell(), 1, null, sound.work(), NOW, NOW, sound.place(), sound.trainer(), sound.log()));
        LedgerEvent submitted = new LedgerEvent.Submitted(NOW, "trial", "c0ffee", "name: trial\n", RunPolicy.DEFAULT);
        try (Ledger ledger = Ledger.open(fragile(), directory, "app", "test", QUICK, Optional::empty)) {
            List<CompletableFuture<Void>> waiting = new ArrayList<>();
            waiting.add(ledger.append(List.of(broken)));
            for (int i = 0; i < 10; i++) {
                waiting.add(ledger.append(List.of(submitted)));
            }
            for (CompletableFuture<Void> each : waiting) {
                assertThatThrownBy(() -> each.get(20, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
            }
        }
        assertThat(LedgerReader.read(fragile(), directory).submitted()).isEmpty();
    }
}
