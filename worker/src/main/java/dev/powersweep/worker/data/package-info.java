/** What a cell reads: token files, the order of its training windows, and its evaluation windows. */
package dev.powersweep.worker.data;
