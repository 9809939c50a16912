/**
 * The truth about a sweep: what was submitted and what happened to each cell, as events that are appended and never
 * changed. The driver, its tables and {@code status} are rebuilt from it.
 *
 * <p>Layout of DIR/ledger: {@code segment-EPOCH-FIRST-LAST.jsonl}, one event a line; {@code lease-EPOCH.json}, created
 * once by the driver that owns the epoch; {@code _beat-EPOCH.json}, replaced every few seconds while it lives.
 */
package dev.powersweep.orchestrator.ledger;
