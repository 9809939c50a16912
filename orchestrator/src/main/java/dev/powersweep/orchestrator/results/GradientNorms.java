package dev.powersweep.orchestrator.results;

/**
 * Squared gradient norms of two batch sizes along a run, for the gradient noise scale (McCandlish et al. 2018, app. A).
 *
 * @param cell identity of the cell
 * @param step optimiser steps done
 * @param small mean |G|² of a micro-batch
 * @param big |G|² of the whole batch
 * @param smallTokens tokens of a micro-batch
 * @param bigTokens tokens of the whole batch
 */
public record GradientNorms(
        String cell, double[] step, double[] small, double[] big, double smallTokens, double bigTokens) {}
