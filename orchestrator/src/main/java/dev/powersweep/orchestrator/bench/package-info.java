/**
 * Measurements that can be repeated: comparisons with tools in use today, sweeps on a virtual clock, ledgers of many
 * cells.
 */
package dev.powersweep.orchestrator.bench;
