/** What was observed: columns of numbers, checked once. */
package dev.powersweep.fitting.runs;
