/** The parts of a sweep's report: from results and fits to sections. */
package dev.powersweep.orchestrator.report.sections;
