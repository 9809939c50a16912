/**
 * The Transformer as Deeplearning4j layers: configurations, parameter initialisers, layers on our kernels, a builder, and
 * its flat vectors as kernels see them.
 */
package dev.powersweep.worker.network;
