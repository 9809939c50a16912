/** Text to tokens to shards: held-out blocks, byte-pair encoding, and the files that trainers read. */
package dev.powersweep.orchestrator.corpus;
