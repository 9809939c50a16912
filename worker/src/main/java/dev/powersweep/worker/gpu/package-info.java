/** Training on a card: its kernels, what they are given, and the order in which a step calls them, for several cells at once. */
package dev.powersweep.worker.gpu;
