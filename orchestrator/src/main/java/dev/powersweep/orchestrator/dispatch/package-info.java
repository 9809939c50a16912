/**
 * The driver's decisions and an attempt's, as values: what happened ({@link
 * dev.powersweep.orchestrator.dispatch.LedgerEvent}, {@link dev.powersweep.orchestrator.dispatch.Outcome}), what follows
 * from it ({@link dev.powersweep.orchestrator.dispatch.Dispatcher}, {@link
 * dev.powersweep.orchestrator.dispatch.AttemptMachine}), and where the sweep stands ({@link
 * dev.powersweep.orchestrator.dispatch.SweepState}).
 *
 * <p>Pure: no Spark, Hadoop, threads, clocks, files or log. Instants and events come in, orders and events go out, so that
 * one seed replays a whole sweep. The build refuses other imports.
 */
package dev.powersweep.orchestrator.dispatch;
