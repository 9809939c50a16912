/** What a fit answers: estimates with intervals, proof of the minimum, residuals, hold-out, predictions; and its options. */
package dev.powersweep.fitting.result;
