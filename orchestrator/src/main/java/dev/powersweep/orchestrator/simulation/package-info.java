/** A sweep on a virtual clock: the decisions of a real one, with trainers that only say how long they would have taken. */
package dev.powersweep.orchestrator.simulation;
