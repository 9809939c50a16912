/** The Transformer as Deeplearning4j layers: configurations, parameter initialisers, layers on our kernels, a builder. */
package dev.powersweep.worker.network;
