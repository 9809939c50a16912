/** Where a driver listens, who may ask its pages, and what of ours listens on a machine. */
package dev.powersweep.orchestrator.network;
