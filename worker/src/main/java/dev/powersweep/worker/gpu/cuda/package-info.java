/** NVIDIA cards: the driver, NVRTC and cuBLASLt of the machine, by JNA. */
package dev.powersweep.worker.gpu.cuda;
