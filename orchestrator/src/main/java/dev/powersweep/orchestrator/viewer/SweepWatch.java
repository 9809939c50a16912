package dev.powersweep.orchestrator.viewer;

import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.ledger.Lease;
import dev.powersweep.orchestrator.ledger.LedgerFollower;
import dev.powersweep.orchestrator.ledger.LedgerFollower.News;
import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.publish.CurrentFit;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.tables.ResultTables;
import dev.powersweep.orchestrator.view.CellView;
import dev.powersweep.orchestrator.view.SweepEvent;
import dev.powersweep.orchestrator.view.SweepPicture;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * A sweep's directory as it is read beside the sweep's driver. It is looked into when a page is asked for, at
 * most once a second; safe for use by several threads.
 */
public final class SweepWatch {
    private static final Logger LOG = LogManager.getLogger(SweepWatch.class);
    private static final long NANOS_BETWEEN_LOOKS = 1_000_000_000L;
    /** How long a page waits for its curves before it is shown without some of them. */
    private static final long PATIENCE_MILLIS = 300;
    /** A driver publishes steps only now and then, and a table's listing is not for nothing. */
    private static final long NANOS_BETWEEN_LISTINGS = 5_000_000_000L;

    /** What there is to be known of the text that a sweep's losses are of. */
    public record Text(String corpusHash, double bitsPerByteOfANat) {}

    private final SweepDirectory directory;
    private final Storage storage;
    private final LedgerFollower follower;
    private final StoredCurves curves;
    private final AtomicReference<Optional<SweepEvent.Fitted>> fitted = new AtomicReference<>(Optional.empty());
    private final CurrentFit fit = new CurrentFit(this::fitted);
    private LedgerPicture ledger;
    private Optional<Lease.Sighting> driver = Optional.empty();
    private boolean alive;
    /** Whether a page was asked for. */
    private boolean asked;

    private long looked = System.nanoTime() - NANOS_BETWEEN_LOOKS;
    private long changes;
    private long listed = System.nanoTime();
    private String trouble = "";

    private SweepWatch(SweepDirectory directory, Storage storage, Configuration configuration) {
        this.directory = directory;
        this.storage = storage;
        this.follower = new LedgerFollower(storage, directory);
        this.curves = new StoredCurves(new ResultTables(directory, configuration));
        this.ledger = new LedgerPicture(directory.root().toString());
    }

    /**
     * Looks into a directory for the first time.
     *
     * @throws UserError where it holds no sweep, or cannot be read
     */
    public static SweepWatch open(SweepDirectory directory, Configuration configuration) {
        try {
            SweepWatch watch = new SweepWatch(directory, directory.storage(configuration), configuration);
            watch.read();
            if (watch.ledger.state().submitted().isEmpty()) {
                throw new UserError(directory.root() + " holds no sweep: give the directory that powersweep run"
                        + " wrote, or start a sweep there");
            }
            return watch;
        } catch (IOException e) {
            throw new UserError("cannot read the ledger of " + directory.root() + ": " + e.getMessage(), e);
        }
    }

    /** The name of the sweep. */
    public synchronized String name() {
        return ledger.state().submitted().map(LedgerEvent.Submitted::sweep).orElse("");
    }

    public SweepDirectory directory() {
        return directory;
    }

    /** What its losses are of. */
    public synchronized Text text() {
        return new Text(
                ledger.state()
                        .submitted()
                        .map(LedgerEvent.Submitted::corpusHash)
                        .orElse(""),
                ledger.bitsPerByteOfANat());
    }

    /**
     * The sweep as the directory had it when it was last looked into, for no page: no law is fitted for it. Its curves are
     * on their way afterwards.
     */
    SweepPicture preview() {
        SweepPicture known;
        synchronized (this) {
            known = picture();
        }
        return withCurves(known, wantCurves(known));
    }

    /** The sweep as of now, without curves. */
    public synchronized SweepPicture summary() {
        if (!asked) {
            // The first page is not made to wait for laws: they are fitted before the next one, which is asked for
            // soon.
            asked = true;
            looked = System.nanoTime() - NANOS_BETWEEN_LOOKS;
            return picture().refreshed(SweepPicture.Refresh.SOON);
        }
        if (System.nanoTime() - looked >= NANOS_BETWEEN_LOOKS) {
            look();
        }
        return picture();
    }

    /**
     * The sweep as of now.
     *
     * @param cell whose curve is wanted; empty for those that the page of the whole sweep shows
     */
    public SweepPicture picture(Optional<String> cell) {
        SweepPicture summary = summary();
        Set<String> wanted = cell.isPresent() ? wantCurves(cell.flatMap(summary::cell).stream()) : wantCurves(summary);
        curves.await(PATIENCE_MILLIS);
        return withCurves(summary, wanted);
    }

    private Set<String> wantCurves(SweepPicture page) {
        return wantCurves(page.curvesWanted().stream());
    }

    private Set<String> wantCurves(Stream<CellView> cells) {
        Set<String> wanted = cells.map(of -> of.plan().id()).collect(Collectors.toSet());
        curves.want(wanted, stamp());
        return wanted;
    }

    /** Changes when the table of steps may have grown. */
    private synchronized Long stamp() {
        if (alive && System.nanoTime() - listed > NANOS_BETWEEN_LISTINGS) {
            listed = System.nanoTime();
            changes++;
        }
        return changes;
    }

    private SweepPicture withCurves(SweepPicture picture, Set<String> wanted) {
        Map<String, MeanCurve.Points> stored = curves.curves();
        SweepPicture drawn = picture.with(picture.cells().stream()
                .map(cell -> wanted.contains(cell.plan().id())
                        ? withCurve(
                                cell, Optional.ofNullable(stored.get(cell.plan().id())))
                        : cell)
                .toList());
        String lacking = curves.trouble();
        return (curves.isReading() ? drawn.refreshed(SweepPicture.Refresh.SOON) : drawn)
                .noticed(lacking.isEmpty() ? picture.notice() : (picture.notice() + " " + lacking).strip());
    }

    /** What is stored, and then what the driver has told since. */
    private static CellView withCurve(CellView cell, Optional<MeanCurve.Points> stored) {
        if (stored.isEmpty()) {
            return cell;
        }
        double[] tokens = stored.get().tokens();
        double last = tokens.length == 0 ? 0 : tokens[tokens.length - 1];
        int[] later = IntStream.range(0, cell.curveTokens().length)
                .filter(i -> cell.curveTokens()[i] > last)
                .toArray();
        return cell.with(
                DoubleStream.concat(Arrays.stream(tokens), Arrays.stream(later).mapToDouble(i -> cell.curveTokens()[i]))
                        .toArray(),
                DoubleStream.concat(
                                Arrays.stream(stored.get().loss()),
                                Arrays.stream(later).mapToDouble(i -> cell.curveLoss()[i]))
                        .toArray());
    }

    private void look() {
        looked = System.nanoTime();
        try {
            read();
            trouble = "";
        } catch (IOException | UserError e) {
            if (trouble.isEmpty()) {
                LOG.warn("{} cannot be read: {}", directory.root(), e.toString());
            }
            trouble = "The directory cannot be read just now, and this is how it was: " + e.getMessage();
        }
    }

    private void read() throws IOException {
        News news = follower.next();
        if (news.beginning() == LedgerFollower.Beginning.ANEW) {
            ledger = new LedgerPicture(directory.root().toString());
        }
        if (!news.isEmpty()) {
            try {
                ledger.apply(news.events());
            } catch (IllegalStateException e) {
                throw LedgerReader.impossible(directory, e);
            }
            changes++;
        }
        driver = Lease.look(storage, directory);
        alive = driver.map(seen -> seen.seemsAlive(Lease.Timing.DEFAULT)).orElse(false);
        if (!asked) {
            return;
        }
        if (alive) {
            fit.offer(ledger.state());
        } else {
            fit.offerLast(ledger.state());
        }
    }

    private void fitted(SweepEvent event) {
        if (event instanceof SweepEvent.Fitted laws) {
            fitted.set(Optional.of(laws));
        }
    }

    private SweepPicture picture() {
        SweepPicture known = ledger.picture(driver, alive, fitted.get()).orElseThrow();
        SweepPicture picture = fit.isFitting() ? known.refreshed(SweepPicture.Refresh.SOON) : known;
        return trouble.isEmpty() ? picture : picture.noticed((trouble + " " + picture.notice()).strip());
    }
}
