/**
 * The driver's side of a run: its loop, attempts as Spark jobs, the measurement of speed before it, and what follows from
 * what cells have stored.
 */
package dev.powersweep.orchestrator.driver;
