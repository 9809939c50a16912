package dev.powersweep.fitting.batch;

/**
 * One measured critical batch size.
 *
 * @param n parameters N of the model
 * @param loss the level of loss L at which steps and data were compared
 * @param data E_min, the data that a small batch needs to reach the level
 * @param steps S_min, the steps that a large batch needs
 * @param criticalBatch B_crit = E_min/S_min
 * @param batches how many batch sizes reached the level
 */
public record CriticalBatchPoint(double n, double loss, double data, double steps, double criticalBatch, int batches) {}
