package dev.powersweep.orchestrator.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.bench.LargeGrid;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.Reports;
import dev.powersweep.orchestrator.plan.PlannedCell;
import dev.powersweep.orchestrator.plan.SweepPlan;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LedgerFollowerTest {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    @TempDir
    Path folder;

    private final Configuration configuration = new Configuration();
    private final AtomicLong read = new AtomicLong();
    private final List<LedgerEvent> told = new ArrayList<>();
    private SweepDirectory directory;
    private Storage storage;
    private LedgerFollower follower;

    @BeforeEach
    void open() throws IOException {
        directory = SweepDirectory.at(folder.resolve("sweep").toString(), configuration);
        storage = Storage.of(directory.root(), configuration);
        follower = new LedgerFollower(counting(storage), directory);
    }

    @Test
    void whatIsToldIsTheLedgerAtEveryMomentWhileSegmentsAreMerged() throws Exception {
        SplittableRandom random = new SplittableRandom(Long.getLong("test.seed", 1));
        SweepPlan plan = LargeGrid.forecast(LargeGrid.specification(200), 4).plan();
        assertThat(follower.next().isEmpty()).as("before there is a ledger").isTrue();
        try (Ledger ledger = ledger()) {
            ledger.append(List.of(submitted(plan))).join();
            for (PlannedCell cell : plan.cells()) {
                ledger.append(List.of(planned(cell))).join();
                if (random.nextInt(7) == 0) {
                    look();
                }
            }
            look();
            String first = plan.cells().get(0).gridCell().cell().id();
            ledger.append(List.of(
                            new LedgerEvent.Running(NOW, first, 1, 0),
                            new LedgerEvent.Ended(NOW, Reports.finished(first, 1, 10, 1, NOW))))
                    .join();
            look();
            assertThat(follower.next().isEmpty()).isTrue();
        }
        assertThat(told).hasSize(1 + 1 + plan.cells().size() + 2);
    }

    @Test
    void ofALedgerThatGrowsOnlyWhatIsNewIsRead() throws Exception {
        SweepPlan plan = LargeGrid.forecast(LargeGrid.specification(200), 4).plan();
        try (Ledger ledger = ledger()) {
            ledger.append(List.of(submitted(plan))).join();
            for (PlannedCell cell : plan.cells()) {
                ledger.append(List.of(planned(cell))).join();
                look();
            }
        }
        long bytes;
        try (Stream<Path> files = Files.list(folder.resolve("sweep/ledger"))) {
            bytes = files.filter(file -> file.getFileName().toString().startsWith("segment-"))
                    .mapToLong(file -> file.toFile().length())
                    .sum();
        }
        assertThat(read.get())
                .as(
                        "bytes read of a ledger of %d bytes, at %d looks",
                        bytes, plan.cells().size())
                .isLessThan(3 * bytes);
    }

    @Test
    void anotherDriverBeginsItAnewAndWhatItsPredecessorWroteTooLateDoesNotCount() throws Exception {
        SweepPlan plan = LargeGrid.forecast(LargeGrid.specification(4), 4).plan();
        try (Ledger first = ledger()) {
            first.append(List.of(submitted(plan), planned(plan.cells().get(0)))).join();
            look();
        }
        try (Ledger second = ledger()) {
            // As a driver does that was cut off and does not know yet that it was replaced.
            storage.createNew(
                    Segment.in(directory.ledger(), 1, 3, 3).path(),
                    (LedgerJson.line(planned(plan.cells().get(1))) + "\n").getBytes(StandardCharsets.UTF_8));
            second.append(List.of(planned(plan.cells().get(2)))).join();
            LedgerFollower.News news = look();
            assertThat(news.beginning()).isEqualTo(LedgerFollower.Beginning.ANEW);
            assertThat(news.events())
                    .hasSize(5)
                    .doesNotContain(planned(plan.cells().get(1)));
        }
    }

    @Test
    void aDamagedLedgerIsNamed() throws Exception {
        SweepPlan plan = LargeGrid.forecast(LargeGrid.specification(4), 4).plan();
        try (Ledger ledger = ledger()) {
            ledger.append(List.of(submitted(plan))).join();
            look();
            ledger.append(List.of(planned(plan.cells().get(0)))).join();
        }
        Path second = folder.resolve("sweep/ledger/segment-000001-000000002-000000002.jsonl");
        byte[] held = Files.readAllBytes(second);
        Files.delete(second);
        assertThatThrownBy(follower::next)
                .isInstanceOf(UserError.class)
                .hasMessageContaining("has lost write 2 of driver 1");
        Files.write(second, held);
        Files.writeString(folder.resolve("sweep/ledger/segment-000001-000000003-000000003.jsonl"), "nonsense\n");
        assertThatThrownBy(follower::next)
                .isInstanceOf(UserError.class)
                .hasMessageContaining("segment-000001-000000003-000000003.jsonl holds a line that is no event");
    }

    private LedgerFollower.News look() throws IOException {
        LedgerFollower.News news = follower.next();
        if (news.beginning() == LedgerFollower.Beginning.ANEW) {
            told.clear();
        }
        told.addAll(news.events());
        assertThat(told).isEqualTo(whole());
        return news;
    }

    /** As readers do, again where the writer's thread merges segments just now. */
    private List<LedgerEvent> whole() throws IOException {
        for (; ; ) {
            try {
                return LedgerReader.counting(storage, directory).events().values().stream()
                        .flatMap(List::stream)
                        .toList();
            } catch (NoSuchFileException | LedgerReader.GapException merged) {
                assertThat(merged).hasMessageContaining("segment-");
            }
        }
    }

    private Ledger ledger() throws InterruptedException {
        return Ledger.open(storage, directory, "app", "test", Lease.Timing.DEFAULT, Optional::empty);
    }

    /** Adds up the bytes that are read of segments. */
    private Storage counting(Storage of) {
        return (Storage) Proxy.newProxyInstance(
                Storage.class.getClassLoader(), new Class<?>[] {Storage.class}, (proxy, method, arguments) -> {
                    try {
                        Object result = method.invoke(of, arguments);
                        if (method.getName().equals("read")) {
                            read.addAndGet(((byte[]) result).length);
                        }
                        return result;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private static LedgerEvent.Submitted submitted(SweepPlan plan) {
        return new LedgerEvent.Submitted(NOW, plan.name(), plan.corpusHash(), plan.specification(), plan.policy());
    }

    private static LedgerEvent.Planned planned(PlannedCell cell) {
        return new LedgerEvent.Planned(
                NOW, cell.gridCell().name(), cell.gridCell().cell(), cell.predictedSeconds(), cell.memoryBytes());
    }
}
