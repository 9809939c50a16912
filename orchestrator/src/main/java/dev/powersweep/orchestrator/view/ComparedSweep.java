package dev.powersweep.orchestrator.view;

/**
 * A sweep beside others.
 *
 * @param base address of its pages
 * @param corpus identity of the text that its losses are of
 * @param bitsPerByteOfANat bits per byte of text for a nat per token; NaN before a cell has finished
 */
public record ComparedSweep(SweepPicture picture, String base, String corpus, double bitsPerByteOfANat) {}
