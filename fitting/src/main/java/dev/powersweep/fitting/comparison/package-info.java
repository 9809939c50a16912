/** Rival laws on the same rows: which describes them better, which predicts larger scales better. */
package dev.powersweep.fitting.comparison;
