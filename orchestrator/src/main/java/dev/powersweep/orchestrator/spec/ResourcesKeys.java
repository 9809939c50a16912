package dev.powersweep.orchestrator.spec;

import static dev.powersweep.orchestrator.spec.SpecKey.optional;
import static dev.powersweep.orchestrator.spec.SpecKey.withDefault;

import dev.powersweep.orchestrator.spec.ValueKind.Numeric;
import dev.powersweep.orchestrator.spec.ValueKind.Section;
import dev.powersweep.orchestrator.spec.ValueKind.Text;

/** The keys of {@code resources}. */
final class ResourcesKeys {
    private static final int MOST_CELLS_PER_GPU = 64;

    private static final SpecKey<Integer> THREADS =
            withDefault("threads", Numeric.whole(1, 1024), "1", "Threads of a trainer.");
    private static final SpecKey<Long> MEMORY = optional(
            "memory",
            Numeric.bytesFrom(128L << 20),
            "the plan's estimate with room to spare",
            "Most memory of a trainer.");
    private static final SpecKey<Integer> GPUS =
            withDefault("gpus", Numeric.whole(0, 64), "0", "GPUs of a trainer; 0 for the CPU backend.");
    private static final SpecKey<Integer> CELLS_PER_GPU = withDefault(
            "cellsPerGpu",
            Numeric.whole(1, MOST_CELLS_PER_GPU),
            "1",
            "Cells that PowerSweep's own trainer trains on a GPU at once; those of one model, batch and precision take"
                    + " their steps together, others in turn. No cell's numbers change by it, but for one that finds no"
                    + " room and takes smaller passes. An executor needs `resources.threads` cores for each.");
    private static final SpecKey<String> TRAINER_JAVA =
            optional("trainerJava", Text.ANY, "the executor's own", "Java home that trainers run on.");

    static final Section<ResourcesSpec> SECTION = Section.of(
            resources -> new ResourcesSpec(
                    resources.get(THREADS),
                    resources.findLong(MEMORY),
                    resources.get(GPUS),
                    resources.get(CELLS_PER_GPU),
                    resources.find(TRAINER_JAVA)),
            THREADS,
            MEMORY,
            GPUS,
            CELLS_PER_GPU,
            TRAINER_JAVA);

    private ResourcesKeys() {}

    /** Notes cells that were to share what they do not have, or a trainer that has one cell a process. */
    static void refuseSharing(Settings resources, boolean ofProgram) {
        int cells = resources.get(CELLS_PER_GPU);
        if (cells > 1 && ofProgram) {
            resources.wrong(
                    CELLS_PER_GPU,
                    "= " + cells + " is for PowerSweep's own trainer: a program of your own is started for each cell;"
                            + " give 1, or take away trainer");
        } else if (cells > 1 && resources.get(GPUS) == 0) {
            resources.wrong(CELLS_PER_GPU, "= " + cells + " is for GPUs; give resources.gpus: 1, or cellsPerGpu: 1");
        }
    }

    /** Notes cards that PowerSweep's own trainer would leave idle. */
    static void refuseSeveralGpus(Settings resources) {
        int gpus = resources.get(GPUS);
        if (gpus > 1) {
            resources.wrong(
                    GPUS,
                    "= " + gpus
                            + " is for programs of your own: PowerSweep's trainer trains a cell on one GPU; give 1, and"
                            + " as many cells run at once as there are GPUs");
        }
    }
}
