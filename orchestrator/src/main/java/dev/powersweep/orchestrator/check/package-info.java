/**
 * Whether a program keeps the contract of docs/any-trainer.md: one small cell trained, killed, stopped, resumed and
 * compared, and what the program should mend in sentences.
 */
package dev.powersweep.orchestrator.check;
