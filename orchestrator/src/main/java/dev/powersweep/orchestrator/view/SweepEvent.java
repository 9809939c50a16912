package dev.powersweep.orchestrator.view;

import dev.powersweep.orchestrator.text.Numbers;
import dev.powersweep.worker.cell.CellState;
import java.util.List;
import java.util.Map;
import org.apache.spark.scheduler.SparkListenerEvent;

/**
 * What the driver tells Spark's listeners, and Spark's event log, of a sweep. Numbers that are not known are NaN, texts
 * that are not known empty: Spark's own JSON has no optional values. Cells are named by their place in the sweep.
 */
public sealed interface SweepEvent extends SparkListenerEvent {
    /** Letters of a name that pages have room for; a ledger may hold a name of any length. */
    int LONGEST_NAME = 300;
    /** Of one sentence or two. */
    int LONGEST_MESSAGE = 4000;
    /** Of a stack or the last lines of a log. */
    int LONGEST_DETAIL = 50_000;

    /** The text, or its beginning. */
    private static String cut(String text, int most) {
        return text == null || text.length() <= most ? text : text.substring(0, most) + "…";
    }

    /**
     * A run of a sweep begins; the cells follow.
     *
     * @param cells in the sweep
     * @param slots cells that can train at once when the run begins
     */
    record Opened(String sweep, String directory, String application, int cells, int slots, long atMillis)
            implements SweepEvent {
        public Opened {
            sweep = cut(sweep, LONGEST_NAME);
            directory = cut(directory, LONGEST_MESSAGE);
            application = cut(application, LONGEST_NAME);
        }
    }

    /** Cells that the sweep holds. */
    record Planned(List<CellPlan> cells) implements SweepEvent {}

    /**
     * Cells whose state has changed.
     *
     * @param failures failed attempts by class, of the whole sweep, as of now
     * @param logged whether the event log keeps it: of a cell that is tried again and again not every attempt is kept
     */
    record Changed(List<CellChange> cells, Map<String, Integer> failures, long atMillis, boolean logged)
            implements SweepEvent {
        @Override
        public boolean logEvent() {
            return logged;
        }
    }

    /** What the driver saw at some moment; told less often the longer the run takes. */
    record Noted(Totals totals) implements SweepEvent {}

    /** What the driver and its running cells do now; not kept in the event log. */
    record Measured(Totals totals, List<Measurement> running) implements SweepEvent {
        @Override
        public boolean logEvent() {
            return false;
        }
    }

    /**
     * Laws fitted to the cells that have finished so far.
     *
     * @param cells finished ones
     */
    record Fitted(int cells, List<Law> laws, long atMillis) implements SweepEvent {}

    /**
     * The run has ended.
     *
     * @param reason why it was stopped; empty when every cell has ended
     */
    record Closed(String reason, Totals totals) implements SweepEvent {}

    /**
     * What a cell is.
     *
     * @param cell place in the sweep, from 0
     * @param parameters N, non-embedding; 0 until its program has reported it
     * @param tokens D
     * @param batchTokens B
     * @param steps S
     * @param uniqueTokens U
     */
    record CellPlan(
            int cell,
            String id,
            String name,
            String shape,
            long parameters,
            long tokens,
            long batchTokens,
            long steps,
            long uniqueTokens,
            double learningRate,
            long seed,
            double predictedSeconds) {
        public CellPlan {
            name = cut(name, LONGEST_NAME);
            shape = cut(shape, LONGEST_NAME);
        }

        /** N for people, with so many digits. */
        String size(int digits) {
            return sizeText(parameters, digits);
        }

        static String sizeText(long parameters, int digits) {
            return parameters > 0 ? Numbers.count(parameters, digits) : "unknown";
        }
    }

    /**
     * Where a cell stands.
     *
     * @param step optimiser steps stored
     * @param loss validation loss at the end, nats/token
     * @param trainingLoss at the end, nats/token
     * @param seconds of the last attempt
     * @param failure class of the last attempt's failure
     * @param detail stack or last lines of its log
     * @param log path below the sweep's directory
     * @param curveTokens tokens seen, of the training curve as this driver saw it
     * @param curveLoss nats/token
     */
    record CellChange(
            int cell,
            String state,
            int attempt,
            long step,
            double loss,
            double trainingLoss,
            double tokensPerSecond,
            double seconds,
            String failure,
            String message,
            String detail,
            String log,
            String host,
            long atMillis,
            double[] curveTokens,
            double[] curveLoss) {
        public CellChange {
            host = cut(host, LONGEST_NAME);
            failure = cut(failure, LONGEST_NAME);
            message = cut(message, LONGEST_MESSAGE);
            detail = cut(detail, LONGEST_DETAIL);
            log = cut(log, LONGEST_MESSAGE);
        }

        /** The same change to another state. */
        CellChange in(CellState other) {
            return new CellChange(
                    cell,
                    other.name(),
                    attempt,
                    step,
                    loss,
                    trainingLoss,
                    tokensPerSecond,
                    seconds,
                    failure,
                    message,
                    detail,
                    log,
                    host,
                    atMillis,
                    curveTokens,
                    curveLoss);
        }
    }

    /**
     * @param tokens seen by then
     * @param loss of the newest step, nats/token
     */
    record Measurement(
            int cell, int attempt, long step, double tokens, double loss, double tokensPerSecond, String host) {}

    /**
     * @param tokensPerSecond of all running cells together
     * @param tokens trained by this run and stored
     * @param etaSeconds until the last cell ends
     * @param slots cells that can train at once, at that moment
     */
    record Totals(
            double tokensPerSecond, long tokens, double etaSeconds, double elapsedSeconds, int slots, long atMillis) {}

    /**
     * A fitted law, or why there is none.
     *
     * @param name as the option --law takes it
     * @param refusal empty when it was fitted
     */
    record Law(String name, String title, String formula, int rows, List<Estimate> estimates, String refusal) {}

    record Estimate(String name, double value, String unit) {}
}
