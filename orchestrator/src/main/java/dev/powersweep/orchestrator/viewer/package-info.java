/**
 * A sweep's pages without Spark: what ledger and tables of a directory tell, served on this machine, several sweeps side by
 * side.
 */
package dev.powersweep.orchestrator.viewer;
