/** What a sweep will cost and in which order its cells run, decided before anything starts. */
package dev.powersweep.orchestrator.plan;
