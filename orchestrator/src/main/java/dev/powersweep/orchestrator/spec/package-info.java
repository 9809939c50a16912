/**
 * The sweep specification: keys ({@link dev.powersweep.orchestrator.spec.SpecKeys} and a class for each section), from which the reader's
 * checks, the published JSON Schema and the reference page are all made, and the immutable records it is read into.
 */
package dev.powersweep.orchestrator.spec;
