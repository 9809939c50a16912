/**
 * The contract with programs that train cells and are not ours (docs/any-trainer.md): an assignment as variables and
 * arguments, and lines that are frames. Pure: no processes, files or clocks.
 */
package dev.powersweep.orchestrator.program;
