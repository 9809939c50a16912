// Tensor-core instructions on bfloat16, in PTX: NVRTC has no header for them. The emulator brings its own.
#pragma once
#include "numbers.cuh"

#ifndef EMULATED
/** Two floats as neighbours in memory, rounded to nearest even; low comes first. */
__device__ __forceinline__ unsigned pack(float low, float high) {
  unsigned both;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
  return both;
}

/** {@code d[16, 8] += a[16, 16] · b[16, 8]} in the fragments of mma.m16n8k16. */
__device__ __forceinline__ void multiplyAdd(float* d, const unsigned* a, const unsigned* b) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/** Four 8×8 matrices from shared memory; lanes 8j to 8j + 7 give the rows of matrix j, each of 16 bytes. */
__device__ __forceinline__ void loadMatrices(unsigned* to, const void* row) {
  unsigned address = (unsigned)__cvta_generic_to_shared(row);
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3},[%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(address)
               : "memory");
}

/** The same, each matrix transposed. */
__device__ __forceinline__ void loadTransposed(unsigned* to, const void* row) {
  unsigned address = (unsigned)__cvta_generic_to_shared(row);
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3},[%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(address)
               : "memory");
}
#endif

// A fragment of 16 rows and 8 columns: lane l holds row l / 4 in elements 0 and 1 and row l / 4 + 8 in elements 2 and
// 3, columns 2·(l mod 4) and the one after it.

/** Row of element e in a 16-row fragment. */
__device__ __forceinline__ int fragmentRow(int element) { return threadIdx.x % WARP / 4 + element / 2 * 8; }

/** Column of element e in an 8-column fragment. */
__device__ __forceinline__ int fragmentColumn(int element) { return threadIdx.x % 4 * 2 + element % 2; }
