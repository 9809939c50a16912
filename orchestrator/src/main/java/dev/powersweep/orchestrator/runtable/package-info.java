/**
 * Anybody's table of runs: files of many forms as rows of text, headers as quantities, rows as runs. What could have been
 * read otherwise is told or refused; nothing is dropped unsaid.
 */
package dev.powersweep.orchestrator.runtable;
