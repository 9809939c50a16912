package dev.powersweep.orchestrator.publish;

import dev.powersweep.orchestrator.executor.ExecutorHost;
import dev.powersweep.orchestrator.executor.LiveUpdate;
import dev.powersweep.orchestrator.view.SweepBoard;
import dev.powersweep.orchestrator.view.SweepListener;
import dev.powersweep.orchestrator.view.SweepTab;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.SparkContext;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.api.plugin.SparkPlugin;

/**
 * Carries {@link LiveUpdate}s from executors to the driver's listeners, shows the sweep in Spark's pages, and ends
 * trainers with their executor. Without it ({@code spark.plugins} not set) a sweep runs all the same, with nothing to be
 * seen of a cell until it ends.
 */
public final class SweepPlugin implements SparkPlugin {
    private static final Logger LOG = LogManager.getLogger(SweepPlugin.class);

    @Override
    public DriverPlugin driverPlugin() {
        return new Driver();
    }

    @Override
    public ExecutorPlugin executorPlugin() {
        return new Executor();
    }

    private static final class Driver implements DriverPlugin {
        private SparkContext context;

        @Override
        public Map<String, String> init(SparkContext sparkContext, PluginContext pluginContext) {
            context = sparkContext;
            if (sparkContext.ui().isDefined()) {
                SweepBoard board = new SweepBoard();
                sparkContext.addSparkListener(new SweepListener(board));
                SweepTab.attach(sparkContext.ui().get(), board);
            }
            return Map.of();
        }

        @Override
        public Object receive(Object message) {
            if (message instanceof LiveUpdate update) {
                context.listenerBus().post(update);
            }
            return null;
        }
    }

    private static final class Executor implements ExecutorPlugin {
        private final AtomicBoolean told = new AtomicBoolean();

        @Override
        public void init(PluginContext context, Map<String, String> extraConfiguration) {
            try {
                ExecutorHost.get().live(update -> send(context, update));
            } catch (IOException e) {
                LOG.warn("no live numbers from this executor: {}", e.toString());
            }
        }

        private void send(PluginContext context, LiveUpdate update) {
            try {
                context.send(update);
            } catch (IOException | RuntimeException e) {
                if (told.compareAndSet(false, true)) {
                    LOG.warn(
                            "live numbers of executor {} do not reach the driver ({}); its cells train on, and show"
                                    + " when they end",
                            context.executorID(),
                            e.toString());
                }
            }
        }

        @Override
        public void shutdown() {
            ExecutorHost.shutDown();
        }
    }
}
