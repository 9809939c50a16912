/** The training benchmark: ours and a peer in alternation. */
package dev.powersweep.worker.bench;
