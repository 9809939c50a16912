/** Numbers and tables as people read them. */
package dev.powersweep.orchestrator.text;
