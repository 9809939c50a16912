/** From fitted laws to the run worth training: how to spend a budget, and which further cells would tell most. */
package dev.powersweep.orchestrator.budget;
