/** The trainer process: its command line, its pipe, and the run of one cell from assignment to outcome. */
package dev.powersweep.worker.trainer;
