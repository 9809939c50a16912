/** The portable set: ND4J operations alone, on any of its backends, in single or double precision; the oracle. */
package dev.powersweep.worker.kernels.nd4j;
