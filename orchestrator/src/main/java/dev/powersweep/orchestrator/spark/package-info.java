/** What executors a Spark application has, and how many tasks they run at once. */
package dev.powersweep.orchestrator.spark;
