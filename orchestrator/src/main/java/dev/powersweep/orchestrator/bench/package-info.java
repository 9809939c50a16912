/** Measurements of the driver's own work: sweeps on a virtual clock, ledgers of many cells. No Spark, no trainers. */
package dev.powersweep.orchestrator.bench;
