/**
 * The sweep specification: its keys ({@link dev.powersweep.orchestrator.spec.SpecKeys} and a class for each section),
 * from which the reader's checks, the published JSON Schema and the reference page are made, and the immutable records
 * that it is read into.
 */
package dev.powersweep.orchestrator.spec;
