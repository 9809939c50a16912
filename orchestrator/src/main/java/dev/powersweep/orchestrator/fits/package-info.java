/** From runs (a CSV file, or a sweep's tables) to fitted laws, and from fitted laws to JSON and terminal text. */
package dev.powersweep.orchestrator.fits;
