package dev.powersweep.orchestrator.grid;

import dev.powersweep.orchestrator.spec.BatchSize;
import dev.powersweep.orchestrator.spec.GridSpec.RateChoice;
import dev.powersweep.orchestrator.spec.GridSpec.Variant;
import dev.powersweep.orchestrator.spec.ModelSize;

/**
 * One entry of each axis.
 *
 * @param tokens D asked for
 * @param unique U asked for; 0 where the axis is absent
 */
record GridPoint(ModelSize size, long tokens, BatchSize batch, long unique, RateChoice rate, Variant variant) {}
