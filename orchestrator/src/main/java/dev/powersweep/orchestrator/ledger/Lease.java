package dev.powersweep.orchestrator.ledger;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.FileAlreadyExistsException;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.hadoop.fs.Path;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * The right to write to a sweep's ledger. Each driver owns an epoch of its own; the newest one is the owner.
 *
 * <p>Guarantees: no two drivers create the same epoch, and a driver whose epoch is not the newest any more learns so at
 * its next write, which then does not count. Does not rest on clocks that agree: the life of a driver elsewhere is
 * judged by whether its heartbeat changes while one looks on.
 */
public final class Lease implements AutoCloseable {
    private static final Logger LOG = LogManager.getLogger(Lease.class);
    /** A driver writes down how far each earlier one's writes count. */
    private static final long MOST_EPOCHS = 100_000;

    /**
     * How often a driver renews its lease, and when another takes it for dead.
     *
     * @param renewal between beats
     * @param expiry without a heartbeat after which a driver counts as dead
     */
    public record Timing(Duration renewal, Duration expiry) {
        public static final Timing DEFAULT = new Timing(Duration.ofSeconds(3), Duration.ofSeconds(15));
    }

    /**
     * Who owns an epoch.
     *
     * @param processStart of the pid, so that a reused number is told apart; empty when the system does not say
     */
    public record Holder(
            long epoch, String host, long pid, Optional<Instant> processStart, String user, Instant since) {
        String text() {
            return "pid " + pid + " on " + host + " (user " + user + ", since " + since + ")";
        }
    }

    /**
     * A sign of life.
     *
     * @param live what the driver is doing, for {@code status}
     */
    public record Heartbeat(long count, Instant at, Life life, Optional<LiveNumbers> live) {}

    public enum Life {
        ALIVE,
        RELEASED
    }

    private final Storage storage;
    private final Path ledger;
    private final Holder holder;
    private final Path successor;
    private final CountDownLatch ending = new CountDownLatch(1);
    private Optional<Thread> keeper = Optional.empty();
    private long beats;

    private Lease(Storage storage, Path ledger, Holder holder) {
        this.storage = storage;
        this.ledger = ledger;
        this.holder = holder;
        successor = successor(ledger, holder.epoch());
    }

    /** Takes the sweep over from a dead or finished driver; throws {@link UserError} naming the holder if one lives. */
    static Lease acquire(Storage storage, SweepDirectory directory, Timing timing)
            throws IOException, InterruptedException {
        Path ledger = directory.ledger();
        long epoch = newestEpoch(storage, ledger);
        if (epoch >= MOST_EPOCHS) {
            throw new UserError(file(ledger, epoch) + " says that the sweep has had " + epoch
                    + " drivers, which is not so: delete it");
        }
        if (epoch > 0) {
            Holder former = holder(storage, ledger, epoch);
            if (living(storage, ledger, former, timing)) {
                throw held(directory, former);
            }
        }
        Holder holder = new Holder(
                epoch + 1,
                hostName(),
                ProcessHandle.current().pid(),
                ProcessHandle.current().info().startInstant(),
                System.getProperty("user.name", "?"),
                Instant.now());
        try {
            claim(storage, ledger, holder);
        } catch (FileAlreadyExistsException e) {
            throw held(directory, holder(storage, ledger, epoch + 1));
        }
        Lease lease = new Lease(storage, ledger, holder);
        lease.heartbeat(Optional.empty());
        return lease;
    }

    /** Throws {@link UserError} naming the holder when a process of this machine holds the sweep. */
    public static void refuseWhileHeldHere(Storage storage, SweepDirectory directory) throws IOException {
        Optional<Sighting> seen = look(storage, directory);
        boolean held = seen.isPresent()
                && seen.get()
                        .heartbeat()
                        .map(heartbeat -> heartbeat.life() == Life.ALIVE)
                        .orElse(true)
                && processHere(seen.get().holder()).orElse(false);
        if (held) {
            throw held(directory, seen.get().holder());
        }
    }

    /** The newest holder and its newest heartbeat; empty where nobody ever ran. */
    public static Optional<Sighting> look(Storage storage, SweepDirectory directory) throws IOException {
        long epoch = newestEpoch(storage, directory.ledger());
        if (epoch == 0) {
            return Optional.empty();
        }
        Holder holder = holder(storage, directory.ledger(), epoch);
        return Optional.of(new Sighting(holder, heartbeat(storage, directory.ledger(), epoch)));
    }

    /** What another process can read of the newest driver. */
    public record Sighting(Holder holder, Optional<Heartbeat> heartbeat) {
        /** Whether its process lives here or its heartbeat is recent, by the clocks of two machines. */
        public boolean seemsAlive(Timing timing) {
            if (heartbeat.isEmpty() || heartbeat.get().life() == Life.RELEASED) {
                return false;
            }
            return processHere(holder)
                    .orElseGet(() -> Duration.between(heartbeat.get().at(), Instant.now())
                                    .compareTo(timing.expiry())
                            < 0);
        }
    }

    public long epoch() {
        return holder.epoch();
    }

    public Holder holder() {
        return holder;
    }

    /** Whether another driver has taken over. */
    boolean lost() throws IOException {
        return storage.exists(successor);
    }

    /** The file that is there once a driver has taken over from the one that owns an epoch. */
    static Path successor(Path ledger, long epoch) {
        return file(ledger, epoch + 1);
    }

    /** Makes the holder the owner of its epoch; throws {@link FileAlreadyExistsException} where another one is. */
    static void claim(Storage storage, Path ledger, Holder holder) throws IOException {
        storage.createNew(file(ledger, holder.epoch()), LedgerJson.bytes(holder));
    }

    synchronized void heartbeat(Optional<LiveNumbers> live) throws IOException {
        write(new Heartbeat(++beats, Instant.now(), Life.ALIVE, live));
    }

    /** Renews until {@link #close}, or until the lease is lost; then calls {@code onLoss}. */
    void keep(Timing timing, Supplier<Optional<LiveNumbers>> live, Runnable onLoss) {
        Thread thread = new Thread(
                () -> {
                    try {
                        // Not ended by an interrupt, which would close a file that is being written.
                        while (!ending.await(timing.renewal().toMillis(), TimeUnit.MILLISECONDS)) {
                            try {
                                if (lost()) {
                                    onLoss.run();
                                    return;
                                }
                                heartbeat(live.get());
                            } catch (IOException | RuntimeException e) {
                                LOG.warn("the lease on {} could not be renewed: {}", ledger, e.toString());
                            }
                        }
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                },
                "lease");
        thread.setDaemon(true);
        thread.start();
        keeper = Optional.of(thread);
    }

    /** Ends renewal without giving the lease back: it is another driver's. */
    void abandon() {
        ending.countDown();
        keeper.ifPresent(thread -> {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    @Override
    public void close() {
        abandon();
        try {
            write(new Heartbeat(++beats, Instant.now(), Life.RELEASED, Optional.empty()));
        } catch (IOException e) {
            LOG.warn("the lease on {} could not be given back: {}", ledger, e.toString());
        }
    }

    private void write(Heartbeat heartbeat) throws IOException {
        storage.replace(heartbeatFile(ledger, holder.epoch()), LedgerJson.bytes(heartbeat));
    }

    private static boolean living(Storage storage, Path ledger, Holder former, Timing timing)
            throws IOException, InterruptedException {
        Optional<Heartbeat> before = heartbeat(storage, ledger, former.epoch());
        if (before.isPresent() && before.get().life() == Life.RELEASED) {
            return false;
        }
        Optional<Boolean> here = processHere(former);
        if (here.isPresent()) {
            return here.get();
        }
        LOG.info("waiting {} s for a sign of life of {}", timing.expiry().toSeconds(), former.text());
        long end = System.nanoTime() + timing.expiry().toNanos();
        while (System.nanoTime() < end) {
            TimeUnit.MILLISECONDS.sleep(Math.min(500, timing.expiry().toMillis()));
            Optional<Heartbeat> now = heartbeat(storage, ledger, former.epoch());
            if (now.isPresent() && now.get().life() == Life.RELEASED) {
                return false;
            }
            if (!now.map(Heartbeat::count).equals(before.map(Heartbeat::count))) {
                return true;
            }
        }
        return false;
    }

    /** Whether the holder's process lives; empty when it is not on this host. */
    private static Optional<Boolean> processHere(Holder holder) {
        if (!holder.host().equals(hostName())) {
            return Optional.empty();
        }
        return Optional.of(LiveProcess.of(holder.pid(), holder.processStart()).isPresent());
    }

    /** A damaged file tells nothing of its holder, who is then known by his beats alone. */
    private static Holder holder(Storage storage, Path ledger, long epoch) throws IOException {
        Path file = file(ledger, epoch);
        try {
            return LedgerJson.read(storage.read(file), Holder.class);
        } catch (JsonProcessingException e) {
            LOG.warn("{} is damaged ({})", file, e.getOriginalMessage());
            return new Holder(epoch, "a host unknown", 0, Optional.empty(), "unknown", Instant.EPOCH);
        }
    }

    /** Empty where there is none, or a damaged one, which the next replaces if its driver lives. */
    private static Optional<Heartbeat> heartbeat(Storage storage, Path ledger, long epoch) throws IOException {
        Path file = heartbeatFile(ledger, epoch);
        try {
            return storage.exists(file)
                    ? Optional.of(LedgerJson.read(storage.read(file), Heartbeat.class))
                    : Optional.empty();
        } catch (JsonProcessingException e) {
            LOG.debug("{} is damaged", file, e);
            return Optional.empty();
        }
    }

    static long newestEpoch(Storage storage, Path ledger) throws IOException {
        OptionalLong newest = storage.list(ledger).stream()
                .map(Storage.Entry::name)
                .filter(name -> name.matches("lease-\\d{6,9}\\.json"))
                .mapToLong(name -> Long.parseLong(name.substring("lease-".length(), name.length() - ".json".length())))
                .max();
        return newest.orElse(0);
    }

    private static UserError held(SweepDirectory directory, Holder holder) {
        return new UserError("another driver is running the sweep in " + directory.root() + ": " + holder.text()
                + "; wait for it to end or stop it, then submit again");
    }

    static String hostName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return System.getenv().getOrDefault("HOSTNAME", "localhost");
        }
    }

    private static Path file(Path ledger, long epoch) {
        return new Path(ledger, String.format(Locale.ROOT, "lease-%06d.json", epoch));
    }

    private static Path heartbeatFile(Path ledger, long epoch) {
        return new Path(ledger, String.format(Locale.ROOT, "_beat-%06d.json", epoch));
    }
}
