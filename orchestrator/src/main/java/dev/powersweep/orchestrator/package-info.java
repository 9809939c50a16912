/** The Spark driver: spec, grid, plan, run, tables, fits, report. */
package dev.powersweep.orchestrator;
