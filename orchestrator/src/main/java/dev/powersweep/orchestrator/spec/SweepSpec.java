package dev.powersweep.orchestrator.spec;

import java.util.Optional;

/**
 * A sweep as its user asked for it, every default filled in.
 *
 * @param name of the sweep; the specification's file name without its extension unless given
 * @param context tokens a sequence holds, n_ctx
 * @param trainer a program that trains the cells; empty for PowerSweep's own trainer
 * @param output DIR where none is named on the command line
 * @param text the YAML as submitted, overrides applied
 */
public record SweepSpec(
        String name,
        CorpusSpec corpus,
        TokenizerSpec tokenizer,
        int context,
        Optional<TrainerSpec> trainer,
        ModelSpec model,
        GridSpec grid,
        TrainingSpec training,
        EvaluationSpec evaluation,
        ResourcesSpec resources,
        RunSpec run,
        Optional<String> output,
        String text) {}
