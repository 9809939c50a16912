package dev.powersweep.orchestrator.simulation;

import dev.powersweep.orchestrator.dispatch.AttemptAction;
import dev.powersweep.orchestrator.dispatch.AttemptOrder;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.Openings;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.ledger.StoredEvents;
import dev.powersweep.orchestrator.plan.PlannedCell;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.plan.SweepPlan;
import dev.powersweep.orchestrator.plan.Trunks;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.apache.hadoop.fs.Path;

/**
 * A cluster, its storage and its clock, all of one seed. What goes wrong is bounded so that the sweep must end as an
 * undisturbed one does: no cell is to blame more often than its policy allows, no storage fails for good.
 */
final class World {
    static final Instant BEGIN = Instant.parse("2026-01-01T00:00:00Z");

    private static final RunPolicy POLICY = new RunPolicy(1, 0, 0, 5, 1, 0, 60, 3, 4, Optional.empty());
    private static final double LONGEST_SECONDS = 20_000;
    private static final int MOST_EVENTS = 50_000;
    private static final int MOST_LOSSES = 3;
    private static final int MOST_STOPS = 2;
    /** Of so many worlds one is calm. */
    private static final int CALM = 16;

    /** What a driver is started for. */
    interface Task {
        List<LedgerEvent> events(SweepState state, Instant now);
    }

    private record Happening(double at, long number, Runnable act) {}

    private final SplittableRandom random;
    private final MemoryStorage storage;
    private final Path root = new Path("file:/sweep");
    private final PriorityQueue<Happening> ahead =
            new PriorityQueue<>(Comparator.comparingDouble(Happening::at).thenComparingLong(Happening::number));
    private final List<String> hosts = new ArrayList<>();
    private final Map<String, VirtualExecutor.Sickness> sick = new HashMap<>();
    private final Map<String, VirtualCell> cells = new HashMap<>();
    private final Map<String, VirtualStore> stores = new HashMap<>();
    private final Map<String, Integer> blame = new HashMap<>();
    private final List<VirtualDriver> drivers = new ArrayList<>();
    private final Map<VirtualExecutor, VirtualDriver> employers = new HashMap<>();
    private final List<VirtualCell> planned;
    private final Map<VirtualDriver, List<AttemptReport>> reports = new HashMap<>();
    /** Nothing goes wrong but what cells do by themselves. */
    private final boolean calm;
    /** Cells are added once those before them have ended. */
    private final boolean grows;

    private int stops;
    private int submitted;
    private int losses;
    private int takeovers;
    private int runsLeft;
    private long numbers;
    private int executorIds;
    private double now;
    private boolean over;

    World(long seed, List<VirtualCell> pool) {
        random = new SplittableRandom(seed);
        calm = random.nextInt(CALM) == 0;
        storage = new MemoryStorage(random.split(), calm || random.nextInt(3) == 0 ? 0 : 0.03 * random.nextDouble());
        int count = 1 + random.nextInt(3);
        for (int i = 0; i < count; i++) {
            hosts.add("host-" + (char) ('a' + i));
        }
        int sickHosts = calm ? 0 : random.nextInt(12) == 0 ? count : random.nextInt(3) == 0 ? random.nextInt(count) : 0;
        VirtualExecutor.Sickness[] kinds = VirtualExecutor.Sickness.values();
        // Where no host has a device cells fail for want of one, as they should.
        int choices = sickHosts < count ? kinds.length : VirtualExecutor.Sickness.NO_DEVICE.ordinal();
        hosts.subList(0, sickHosts).forEach(host -> sick.put(host, kinds[random.nextInt(choices)]));
        planned = chosen(pool);
        planned.forEach(cell -> {
            cells.put(cell.id(), cell);
            stores.put(cell.id(), new VirtualStore(cell));
        });
        submitted = Math.max(1, planned.size() - random.nextInt(3));
        grows = submitted < planned.size();
        takeovers = calm ? 0 : random.nextInt(3);
        losses = calm ? MOST_LOSSES : 0;
        runsLeft = grows || random.nextInt(3) == 0 ? 1 : 0;
    }

    private List<VirtualCell> chosen(List<VirtualCell> pool) {
        List<VirtualCell> from = new ArrayList<>(pool);
        List<VirtualCell> chosen = new ArrayList<>();
        if (random.nextInt(3) == 0) {
            // All that share a trunk, or all but some.
            String trunk = pool.get(random.nextInt(pool.size())).trunk();
            pool.stream().filter(cell -> cell.trunk().equals(trunk)).forEach(chosen::add);
            from.removeAll(chosen);
            Collections.shuffle(chosen, new Random(random.nextLong()));
        }
        int count = Math.max(chosen.size(), 2 + random.nextInt(5));
        while (chosen.size() < count) {
            chosen.add(from.remove(random.nextInt(from.size())));
        }
        return chosen;
    }

    /** Runs to the end; throws {@link AssertionError} when anything is not as it must be. */
    void run() {
        hire(this::submission);
        if (takeovers > 0) {
            in(5 + 100 * random.nextDouble(), this::another);
        }
        in(5 + 60 * random.nextDouble(), this::loseSome);
        int events = 0;
        while (!over) {
            Happening next = ahead.poll();
            if (next == null) {
                throw new AssertionError("nothing happens any more, and the sweep has not ended");
            }
            now = next.at();
            if (now > LONGEST_SECONDS || ++events > MOST_EVENTS) {
                throw new AssertionError("the sweep does not end");
            }
            next.act().run();
        }
        verifyEnd();
    }

    private List<LedgerEvent> submission(SweepState state, Instant at) {
        List<PlannedCell> plan = planned.subList(0, submitted).stream()
                .map(each -> new PlannedCell(
                        new dev.powersweep.orchestrator.grid.GridCell("cell-" + each.id(), each.cell()),
                        each.steps(),
                        1))
                .toList();
        return Openings.submitted(state, new SweepPlan("trial", "name: trial\n", "c0ffee", plan, POLICY), at);
    }

    private List<LedgerEvent> again(SweepState state, Instant at) {
        Set<String> wanted = new HashSet<>();
        for (CellRecord cell : state.cells()) {
            if (cell.state().terminal() && cell.state() != CellState.FAILED && random.nextInt(3) == 0) {
                wanted.add(cell.cell().id());
            }
        }
        return Openings.requested(state, wanted, at);
    }

    private void hire(Task task) {
        for (int tries = 0; ; tries++) {
            try {
                Duration error = Duration.ofSeconds(random.nextInt(5) == 0 ? random.nextLong(-86_400, 86_400) : 0);
                VirtualDriver driver = new VirtualDriver(this, error, task);
                drivers.add(driver);
                driver.tick();
                return;
            } catch (IOException e) {
                if (tries == 1000) {
                    throw new AssertionError("no driver can be started: " + e, e);
                }
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    /** The newest driver is killed, or held for dead; another one goes on. */
    private void another() {
        VirtualDriver newest = drivers.get(drivers.size() - 1);
        if (newest.done() || takeovers == 0) {
            return;
        }
        if (random.nextBoolean()) {
            newest.die();
        }
        hire((state, at) -> List.of());
        if (--takeovers > 0) {
            in(5 + 100 * random.nextDouble(), this::another);
        }
    }

    /** What an attempt has stored. */
    void committed(VirtualCell cell, AttemptAction.Commit commit) {
        VirtualStore store = stores.get(cell.id());
        if (commit.outcome().isPresent()) {
            store.shared().ifPresent(shared -> stores.get(shared.cell()).release(shared.steps()));
        }
        // Drivers that end between a trunk and its branches.
        boolean trunk = store.states().contains(commit.step());
        if (trunk && takeovers > 0 && random.nextInt(4) == 0) {
            in(2 * random.nextDouble(), this::another);
        }
    }

    VirtualStore store(String cell) {
        return stores.get(cell);
    }

    private void loseSome() {
        VirtualDriver newest = drivers.get(drivers.size() - 1);
        List<VirtualExecutor> alive =
                newest.executors().stream().filter(each -> !each.dead()).toList();
        if (losses < MOST_LOSSES && !alive.isEmpty()) {
            losses++;
            lose(alive.get(random.nextInt(alive.size())));
            in(5 + 100 * random.nextDouble(), this::loseSome);
        }
    }

    /** An executor is gone, and another one comes in its place. */
    void lose(VirtualExecutor executor) {
        if (executor.dead()) {
            return;
        }
        executor.die();
        Optional<VirtualAttempt> attempt = executor.busy();
        attempt.ifPresent(VirtualAttempt::vanish);
        VirtualDriver driver = employers.get(executor);
        in(0.1 + random.nextDouble(), () -> driver.executorLost(executor, attempt));
        in(2 + 20 * random.nextDouble(), () -> driver.executors().add(executor(driver, executor.host())));
    }

    /** An attempt whose driver is gone: some end at once, some go on for a while. */
    void orphan(VirtualAttempt attempt) {
        in(random.nextBoolean() ? 0 : 30 * random.nextDouble(), attempt::vanish);
    }

    void hire(VirtualDriver driver, List<VirtualExecutor> executors) {
        for (String host : hosts) {
            for (int slot = 1 + random.nextInt(2); slot > 0; slot--) {
                executors.add(executor(driver, host));
            }
        }
    }

    private VirtualExecutor executor(VirtualDriver driver, String host) {
        VirtualExecutor executor = new VirtualExecutor("e" + ++executorIds, host, Optional.ofNullable(sick.get(host)));
        employers.put(executor, driver);
        return executor;
    }

    void begin(AttemptOrder order, VirtualExecutor executor) {
        String id = order.gridCell().cell().id();
        VirtualAttempt attempt = new VirtualAttempt(this, cells.get(id), order, executor, stores.get(id));
        executor.take(attempt);
        in(0.05, attempt::begin);
    }

    void reported(VirtualAttempt attempt, VirtualExecutor executor, AttemptReport report) {
        executor.free();
        if (executor.dead()) {
            return;
        }
        in(0.1, () -> {
            VirtualDriver driver = employers.get(executor);
            reports.computeIfAbsent(driver, any -> new ArrayList<>()).add(report);
            driver.ended(report);
        });
    }

    /** Over the network: late, twice, out of order, or not at all. */
    void tell(VirtualExecutor executor, VirtualAttempt.Update update) {
        for (int copies = random.nextInt(5) == 0 ? random.nextInt(3) : 1; copies > 0; copies--) {
            in(
                    3 * random.nextDouble() * random.nextDouble(),
                    () -> employers.get(executor).heard(update));
        }
    }

    void ended(VirtualDriver driver) {
        if (driver != drivers.get(drivers.size() - 1)) {
            return;
        }
        if (driver.stopped().isPresent()) {
            verifyStop(driver);
            // Users mend what they are told of.
            sick.clear();
            in(10, () -> hire(this::submission));
            return;
        }
        if (runsLeft > 0) {
            runsLeft--;
            submitted = planned.size();
            in(
                    10,
                    () -> hire((state, at) -> {
                        List<LedgerEvent> events = new ArrayList<>(again(state, at));
                        events.addAll(submission(state, at));
                        return events;
                    }));
        } else {
            over = true;
        }
    }

    /** Trainers that die by chance may do so alike in a row; the same is then submitted again, as a user would. */
    private void verifyStop(VirtualDriver driver) {
        String reason = driver.stopped().orElseThrow();
        if (reason.startsWith("no host is left")) {
            if (!sick.keySet().containsAll(hosts)) {
                throw new AssertionError("the sweep stopped while there were hosts that are well: " + reason);
            }
            return;
        }
        List<Optional<FailureClass>> classes = reports.getOrDefault(driver, List.of()).stream()
                .map(AttemptReport::failure)
                .filter(failure -> !failure.equals(Optional.of(FailureClass.LOST_EXECUTOR)))
                .toList();
        // Those that ran when it stopped have ended since.
        int alike = POLICY.equalFailuresToStop();
        boolean right = IntStream.rangeClosed(0, classes.size() - alike)
                .mapToObj(first -> Set.copyOf(classes.subList(first, first + alike)))
                .anyMatch(kinds -> kinds.size() == 1 && !kinds.contains(Optional.<FailureClass>empty()));
        if (!right || ++stops > MOST_STOPS) {
            throw new AssertionError("the sweep stopped: " + reason);
        }
    }

    private void verifyEnd() {
        VirtualDriver last = drivers.get(drivers.size() - 1);
        SweepState stored = read();
        for (CellRecord cell : stored.cells()) {
            VirtualCell known = cells.get(cell.cell().id());
            if (!last.state().cell(known.id()).equals(Optional.of(cell))) {
                throw new AssertionError("the ledger says " + cell + " and the last driver "
                        + last.state().cell(known.id()));
            }
            if (cell.state() != known.end()) {
                throw new AssertionError("a cell that " + known.kind() + " ends " + cell.state() + " and not "
                        + known.end() + ": " + cell.last().map(AttemptReport::outcome));
            }
            boolean whole = cell.state() != CellState.FINISHED
                    || (stores.get(known.id()).step() == known.steps()
                            && cell.last().orElseThrow().step() == known.steps());
            calmEnd(cell, known);
            if (!whole) {
                throw new AssertionError(
                        "a finished cell has " + stores.get(known.id()).step() + " of " + known.steps() + " steps");
            }
        }
        if (stored.cells().size() != submitted) {
            throw new AssertionError("the sweep has " + stored.cells().size() + " cells and not " + submitted);
        }
    }

    /** Where nothing happened from outside, nothing was tried twice, and of what is shared nothing was trained twice. */
    private void calmEnd(CellRecord cell, VirtualCell known) {
        VirtualStore store = stores.get(known.id());
        if (!calm || known.kind() != VirtualCell.Kind.WELL || cell.generation() > 0) {
            return;
        }
        boolean groupIsWell = !grows
                && planned.stream()
                        .filter(other -> other.trunk().equals(known.trunk()))
                        .allMatch(other -> other.kind() == VirtualCell.Kind.WELL);
        long shared =
                Trunks.of(planned.stream().map(VirtualCell::cell).toList()).sharedSteps(known.cell());
        if (cell.attempts() != 1 || (groupIsWell && store.trained() != known.steps() - shared)) {
            throw new AssertionError("nothing happened, and cell " + known.id() + " was tried " + cell.attempts()
                    + " times and trained " + store.trained() + " of " + known.steps() + " steps, of which it shares "
                    + shared);
        }
    }

    private SweepState read() {
        for (int tries = 0; ; tries++) {
            try {
                return LedgerReader.read(storage, new SweepDirectory(root));
            } catch (IOException e) {
                if (tries == 1000) {
                    throw new AssertionError(e);
                }
            }
        }
    }

    List<LedgerEvent> replayed() {
        return StoredEvents.of(storage, new SweepDirectory(root));
    }

    VirtualAttempt.Mishap mishap(VirtualCell cell) {
        VirtualAttempt.Mishap[] all = VirtualAttempt.Mishap.values();
        if (calm || random.nextInt(3) != 0 || blame.merge(cell.id(), 1, Integer::sum) >= POLICY.maxAttempts()) {
            return VirtualAttempt.Mishap.NONE;
        }
        return all[random.nextInt(all.length)];
    }

    void in(double seconds, Runnable act) {
        ahead.add(new Happening(now + seconds, numbers++, act));
    }

    double now() {
        return now;
    }

    double stepSeconds() {
        return 0.2 + 2 * random.nextDouble();
    }

    SplittableRandom random() {
        return random;
    }

    RunPolicy policy() {
        return POLICY;
    }

    MemoryStorage storage() {
        return storage;
    }

    Path root() {
        return root;
    }
}
