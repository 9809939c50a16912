package dev.powersweep.orchestrator.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.driver.StandInTrainer.Trouble;
import dev.powersweep.orchestrator.driver.Sweeps;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Sweeps on virtual clusters, each of one seed: the real dispatcher, state machine of attempts, ledger and projections,
 * under lost executors, late and doubled updates, torn and unknown writes, full disks, hung and dying trainers, wrong
 * clocks, killed and superseded drivers, growth and reruns.
 *
 * <p>{@code -Dsimulation.seed=N} replays one seed, {@code -Dsimulation.seeds=N} runs more of them.
 */
class SimulationTest {
    private static final int SEEDS = 10_000;
    private static final int SHOWN = 5;
    private static final String REPLAY = "./mvnw test -pl orchestrator -am -Dtest=SimulationTest"
            + " -Dsurefire.failIfNoSpecifiedTests=false -Dsimulation.seed=";

    @Test
    void whateverGoesWrongASweepEndsAsAnUndisturbedOne() {
        List<VirtualCell> pool = pool();
        Long single = Long.getLong("simulation.seed");
        if (single != null) {
            new World(single, pool).run();
            return;
        }
        long first = Long.getLong("test.seed", 1) * 1_000_003;
        int seeds = Integer.getInteger("simulation.seeds", SEEDS);
        ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
        LongStream.range(first, first + seeds).parallel().forEach(seed -> {
            if (failures.size() >= SHOWN) {
                return;
            }
            try {
                new World(seed, pool).run();
            } catch (RuntimeException | AssertionError e) {
                failures.add(REPLAY + seed + "\n" + e);
            }
        });
        assertThat(failures).isEmpty();
    }

    /**
     * 1006775: a merge of the ledger's segments that reported an error and had come through was followed by one that
     * overlapped it, and no driver could read the ledger any more. 20260161784203: trainers that die alike in a row by
     * chance stop a sweep, and the same submitted again ends it. 77022386: a cell spent its attempts on a sick host that
     * was alone there. 20260161784466: two cells that needed a smaller micro-batch stopped the sweep.
     */
    @ParameterizedTest
    @ValueSource(longs = {1_006_775, 77_022_386, 20_260_161_784_203L, 20_260_161_784_466L})
    void seedsThatFoundAFaultStayGreen(long seed) {
        new World(seed, pool()).run();
    }

    /** Cells of every kind, alone and with others that share their trunk; well ones are most. */
    private static List<VirtualCell> pool() {
        List<VirtualCell> pool = new ArrayList<>();
        VirtualCell.Kind[] kinds = VirtualCell.Kind.values();
        for (int i = 0; i < 16; i++) {
            VirtualCell.Kind kind = i < 10 ? VirtualCell.Kind.WELL : kinds[i - 10];
            pool.add(new VirtualCell(Sweeps.cell(1 + i % 2, 4 + i, Trouble.NONE), kind));
        }
        // The last one of each trains its trunk.
        trunk(pool, 0, VirtualCell.Kind.WELL, VirtualCell.Kind.WELL, VirtualCell.Kind.WELL, VirtualCell.Kind.WELL);
        trunk(pool, 1, VirtualCell.Kind.WELL, VirtualCell.Kind.NEEDS_SMALL_MICRO_BATCH, VirtualCell.Kind.HAS_A_BUG);
        trunk(pool, 2, VirtualCell.Kind.POISON, VirtualCell.Kind.DIVERGES, VirtualCell.Kind.WELL);
        trunk(pool, 3, VirtualCell.Kind.WELL, VirtualCell.Kind.WELL, VirtualCell.Kind.THROWS);
        return pool;
    }

    /** Cells of one trunk, of 7, 11, 15 steps and so on. */
    private static void trunk(List<VirtualCell> pool, int number, VirtualCell.Kind... kinds) {
        for (int i = 0; i < kinds.length; i++) {
            pool.add(new VirtualCell(Sweeps.branch(7 + 4 * i, Trouble.values()[number]), kinds[i]));
        }
    }
}
