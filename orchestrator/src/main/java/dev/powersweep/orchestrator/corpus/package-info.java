/** Text to tokens to shards: held-out blocks, byte-pair encoding, and the files that trainers map into memory. */
package dev.powersweep.orchestrator.corpus;
