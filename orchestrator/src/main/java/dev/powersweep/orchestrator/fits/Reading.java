package dev.powersweep.orchestrator.fits;

/**
 * What a fit means, for a reader who has never seen its formula.
 *
 * @param sentence in plain words
 * @param basis the law and the numbers it rests on
 */
public record Reading(String sentence, String basis) {}
