/** Scaling laws, one file each: form, units, source. */
package dev.powersweep.fitting.law;
