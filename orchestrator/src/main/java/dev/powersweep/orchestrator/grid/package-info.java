/** From a specification and a corpus to cells: shapes, counts, names, identities. */
package dev.powersweep.orchestrator.grid;
