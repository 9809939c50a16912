/**
 * A sweep as Spark's pages show it, while it runs and in the History Server afterwards.
 *
 * <p>The driver posts {@link dev.powersweep.orchestrator.view.SweepEvent}s on Spark's listener bus; a {@link
 * dev.powersweep.orchestrator.view.SweepBoard} is made from them, in the driver from the bus, in the History Server from
 * the event log. What is kept is bounded: per cell one plan, one state, one curve of a few dozen points, whatever the
 * number of its steps and attempts.
 */
package dev.powersweep.orchestrator.view;
