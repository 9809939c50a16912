/** Tokens on disk: raw little-endian token files, in nanoGPT's layout, with a manifest beside them. */
package dev.powersweep.worker.shard;
