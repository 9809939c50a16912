/**
 * What executors of one host share and what they ask of it: the cache of trainers and shards, scratch folders, locks.
 */
package dev.powersweep.orchestrator.executor.host;
