package dev.powersweep.fitting.law;

import java.io.Serializable;

/**
 * A published parameter.
 *
 * @param name as in the formula
 * @param unit what it is counted in, "1" for a pure number
 */
public record Parameter(String name, String unit) implements Serializable {}
