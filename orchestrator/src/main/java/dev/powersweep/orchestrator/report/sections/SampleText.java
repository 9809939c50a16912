package dev.powersweep.orchestrator.report.sections;

/**
 * What a sweep's best cell writes.
 *
 * @param cell its name
 * @param loss validation loss, nats per token
 * @param prompt held-out text that it was given
 * @param text that it went on with
 */
public record SampleText(String cell, double loss, String prompt, String text) {}
