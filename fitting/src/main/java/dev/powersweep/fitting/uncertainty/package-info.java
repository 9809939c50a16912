/** What a fit can and cannot say: bootstrap, profiles, identifiability, hold-out. */
package dev.powersweep.fitting.uncertainty;
