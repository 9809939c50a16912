/** What is measured and compared on a card, by {@code worker/src/gpu/measure.sh}. */
package dev.powersweep.worker.bench.gpu;
