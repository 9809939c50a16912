/** What this machine or cluster can run, and what to mend before a sweep is started on it. */
package dev.powersweep.orchestrator.doctor;
