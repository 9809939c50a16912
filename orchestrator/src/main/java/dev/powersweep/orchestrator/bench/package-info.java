/**
 * Measurements that anybody can repeat: races against what people use today, sweeps on a virtual clock, ledgers of many
 * cells.
 */
package dev.powersweep.orchestrator.bench;
