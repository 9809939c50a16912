/** A sweep's directory on any Hadoop file system, atomic writes in it, and the error a user can mend. */
package dev.powersweep.orchestrator.storage;
