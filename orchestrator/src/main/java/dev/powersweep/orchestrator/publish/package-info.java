/**
 * What a running sweep shows: to Spark's pages, event log and metrics, and on the terminal.
 */
package dev.powersweep.orchestrator.publish;
