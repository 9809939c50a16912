/** The Transformer: layout of its parameters, initial weights, forward and backward pass over an abstract kernel set. */
package dev.powersweep.worker.model;
