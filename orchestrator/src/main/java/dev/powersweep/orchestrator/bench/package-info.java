/** Races against what people use today, run by {@code powersweep bench}. */
package dev.powersweep.orchestrator.bench;
