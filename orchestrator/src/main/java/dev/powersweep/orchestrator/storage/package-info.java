/** A sweep's directory on any Hadoop file system, atomic writes in it, and the error that a user can correct. */
package dev.powersweep.orchestrator.storage;
