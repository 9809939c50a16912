/** The report: a view model, its charts, and the self-contained page they are written to. */
package dev.powersweep.orchestrator.report;
