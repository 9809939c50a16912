/**
 * What a sweep that is told only what it may spend should train, and, by simulation, what it will answer and how
 * precisely.
 */
package dev.powersweep.orchestrator.design;
