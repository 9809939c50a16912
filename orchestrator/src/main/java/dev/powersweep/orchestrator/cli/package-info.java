/** The command line: commands, options, exit codes, and what each prints. */
package dev.powersweep.orchestrator.cli;
