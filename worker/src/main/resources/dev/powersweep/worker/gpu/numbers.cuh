// Numbers of both precisions and sums over a warp and a block.
//
// These sources compile under NVRTC and nvcc without any header of CUDA's, and as C++ behind the emulator of the tests.
// Throughout: no atomics on numbers, every sum in an order that the shape alone decides, 32 threads a warp.
#pragma once

#ifndef EMULATED
#define SHARED(type, name, count) __shared__ __align__(16) type name[count]
#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#endif
#endif

#define WARP 32
#define ALL_LANES 0xffffffffu

/** Bits of a bfloat16: the upper half of a float. */
struct bfloat16 {
  unsigned short bits;
};

__device__ __forceinline__ float widen(float x) { return x; }

__device__ __forceinline__ float widen(bfloat16 x) { return __uint_as_float((unsigned)x.bits << 16); }

/** Rounds to nearest, ties to even; NaN stays NaN. */
__device__ __forceinline__ void narrow(float x, bfloat16* to) {
  unsigned bits = __float_as_uint(x);
  unsigned rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
  to->bits = (unsigned short)((bits & 0x7fffffffu) > 0x7f800000u ? bits >> 16 | 0x40u : rounded);
}

__device__ __forceinline__ void narrow(float x, float* to) { *to = x; }

/** N neighbours in memory, moved by one instruction where N·sizeof(T) is at most 16. */
template <class T, int N>
struct __align__(sizeof(T) * N) Pack {
  T at[N];
};

/** N neighbours as floats. */
template <int N>
struct Floats {
  float at[N];
};

/** The address is a multiple of N elements. */
template <int N, class T>
__device__ __forceinline__ Floats<N> load(const T* from) {
  Pack<T, N> pack = *(const Pack<T, N>*)from;
  Floats<N> x;
#pragma unroll
  for (int i = 0; i < N; i++) x.at[i] = widen(pack.at[i]);
  return x;
}

template <int N, class T>
__device__ __forceinline__ void store(T* to, const Floats<N>& x) {
  Pack<T, N> pack;
#pragma unroll
  for (int i = 0; i < N; i++) narrow(x.at[i], &pack.at[i]);
  *(Pack<T, N>*)to = pack;
}

/** Every lane gets the sum; the order is a tree over lane numbers. */
template <class T>
__device__ __forceinline__ T warpSum(T x) {
#pragma unroll
  for (int step = WARP / 2; step > 0; step /= 2) x += __shfl_xor_sync(ALL_LANES, x, step);
  return x;
}

__device__ __forceinline__ float warpMax(float x) {
#pragma unroll
  for (int step = WARP / 2; step > 0; step /= 2) x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, step));
  return x;
}

/**
 * Every thread gets the sum over the block, in the order of warps.
 *
 * @param scratch one element a warp; may be used again at once
 */
template <class T>
__device__ __forceinline__ T blockSum(T x, T* scratch) {
  int warps = blockDim.x / WARP;
  x = warpSum(x);
  if (threadIdx.x % WARP == 0) scratch[threadIdx.x / WARP] = x;
  __syncthreads();
  T sum = 0;
  for (int warp = 0; warp < warps; warp++) sum += scratch[warp];
  __syncthreads();
  return sum;
}
