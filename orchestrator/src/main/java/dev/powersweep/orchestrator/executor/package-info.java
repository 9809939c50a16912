/**
 * The executor's side of a sweep: the Spark task of an attempt, its supervisor, and what it tells the driver.
 */
package dev.powersweep.orchestrator.executor;
