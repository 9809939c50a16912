/**
 * The fast CPU set: Vector API kernels and direct BLAS calls on ND4J's off-heap buffers, single precision.
 *
 * <p>Results do not depend on what the just-in-time compiler has done so far: sums over lanes are made by an explicit
 * tree, because {@code reduceLanes(ADD)} promises no order, and exponentials by one polynomial for vectors and tails.
 */
package dev.powersweep.worker.kernels.cpu;
