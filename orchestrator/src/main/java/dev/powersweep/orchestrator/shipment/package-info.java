/**
 * The files of a program that trains cells, and the jars of listeners: found beside the specification, hashed, stored in
 * the sweep's directory.
 */
package dev.powersweep.orchestrator.shipment;
