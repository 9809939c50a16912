/** What a sweep has brought so far, as fits and reports read it. */
package dev.powersweep.orchestrator.results;
