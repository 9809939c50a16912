/** The numeric kernels a Transformer needs, as one interface; see the sub-packages for its two implementations. */
package dev.powersweep.worker.kernels;
