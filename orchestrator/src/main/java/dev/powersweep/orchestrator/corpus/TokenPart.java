package dev.powersweep.orchestrator.corpus;

import java.io.Serializable;

/** What one task stored: tokens of one set, a range of the blocks' order. */
record TokenPart(int set, int partition, String file, long tokens, long textBytes) implements Serializable {}
