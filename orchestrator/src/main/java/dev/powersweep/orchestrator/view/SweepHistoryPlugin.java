package dev.powersweep.orchestrator.view;

import java.lang.ref.SoftReference;
import java.util.List;
import java.util.function.Supplier;
import org.apache.spark.SparkConf;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.status.AppHistoryServerPlugin;
import org.apache.spark.status.ElementTrackingStore;
import org.apache.spark.ui.SparkUI;
import org.apache.spark.util.kvstore.KVStore;
import scala.Function0;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.BoxedUnit;

/** Brings the Sweep tab into Spark's History Server; found there by {@code META-INF/services}. */
public final class SweepHistoryPlugin implements AppHistoryServerPlugin {

    @Override
    public Seq<SparkListener> createListeners(SparkConf conf, ElementTrackingStore store) {
        SweepBoard board = new SweepBoard();
        store.onFlush((Function0<BoxedUnit>) () -> {
            SweepDocument.write(board, store);
            return BoxedUnit.UNIT;
        });
        return CollectionConverters.asScala(List.<SparkListener>of(new SweepListener(board)))
                .toSeq();
    }

    @Override
    public void setupUI(SparkUI ui) {
        KVStore store = ui.store().store();
        try {
            if (store.count(SweepDocument.class) == 0) {
                return;
            }
        } catch (Exception e) {
            throw new IllegalStateException("Spark's store of the application cannot be read", e);
        }
        Cached board = new Cached(store);
        SweepTab.attach(ui, () -> board.get().picture().map(picture -> picture.fromTheLog(System.currentTimeMillis())));
    }

    /** Read when somebody looks, and dropped when memory is short: a History Server keeps many applications. */
    private static final class Cached implements Supplier<SweepBoard> {
        private final KVStore store;
        private SoftReference<SweepBoard> board = new SoftReference<>(null);

        Cached(KVStore store) {
            this.store = store;
        }

        @Override
        public synchronized SweepBoard get() {
            SweepBoard known = board.get();
            if (known == null) {
                known = SweepDocument.read(store);
                board = new SoftReference<>(known);
            }
            return known;
        }
    }
}
