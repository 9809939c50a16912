/**
 * Trainer processes of one executor: started, asked, ended, and handed from cell to cell.
 */
package dev.powersweep.orchestrator.executor.trainer;
