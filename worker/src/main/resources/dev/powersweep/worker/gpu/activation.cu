// The feed-forward map's nonlinearity and its derivative.
#include "cell.cuh"

// GELU (Hendrycks and Gimpel 2016) in the tanh form, x·sigmoid(√(8/π)·(x + 0.044715·x³)). As on the CPU sigmoids lose
// what is left of them at −40, so that both functions are 0 far below 0.
#define GELU_LINEAR 1.5957691216f
#define GELU_CUBIC (GELU_LINEAR * 0.044715f)
#define SIGMOID_BOUND 40.0f
/** sigmoid(−40) */
#define LEAST_SIGMOID 4.2483543e-18f

__device__ __forceinline__ float geluSigmoid(float x) {
  float inner = fmaf(x * x, GELU_CUBIC, GELU_LINEAR) * x;
  // Exactly 0 below the bound, whatever expf rounds: the derivative multiplies it by x³. NaN goes on.
  return inner <= -SIGMOID_BOUND ? 0.0f : 1.0f / (1.0f + expf(-inner)) - LEAST_SIGMOID;
}

struct Gelu {
  static __device__ __forceinline__ float value(float x) { return x * geluSigmoid(x); }
  static __device__ __forceinline__ float derivative(float x) {
    float sigmoid = geluSigmoid(x);
    return fmaf(x * sigmoid * (1.0f - sigmoid), fmaf(x * x, 3.0f * GELU_CUBIC, GELU_LINEAR), sigmoid);
  }
};

/** So et al. 2021. fmaxf would make 0 of a NaN. */
struct SquaredRelu {
  static __device__ __forceinline__ float value(float x) { return x < 0.0f ? 0.0f : x * x; }
  static __device__ __forceinline__ float derivative(float x) { return x < 0.0f ? 0.0f : x + x; }
};

/**
 * {@code out = f(x)}.
 *
 * grid [⌈length / 4 / threads⌉]
 */
template <class F, class T>
__device__ __forceinline__ void activate(const T* x, T* out, long long length) {
  long long i = 4 * ((long long)blockIdx.x * blockDim.x + threadIdx.x);
  if (i + 4 <= length) {
    Floats<4> v = load<4>(x + i);
#pragma unroll
    for (int k = 0; k < 4; k++) v.at[k] = F::value(v.at[k]);
    store<4>(out + i, v);
  } else {
    for (; i < length; i++) narrow(F::value(widen(x[i])), out + i);
  }
}

/** {@code d = d·f'(x)}; the same grid. */
template <class F, class T>
__device__ __forceinline__ void activateBackward(const T* x, T* d, long long length) {
  long long i = 4 * ((long long)blockIdx.x * blockDim.x + threadIdx.x);
  if (i + 4 <= length) {
    Floats<4> v = load<4>(x + i), dy = load<4>(d + i);
#pragma unroll
    for (int k = 0; k < 4; k++) dy.at[k] *= F::derivative(v.at[k]);
    store<4>(d + i, dy);
  } else {
    for (; i < length; i++) narrow(widen(d[i]) * F::derivative(widen(x[i])), d + i);
  }
}

#define ACTIVATION(F, name, T)                                                                                        \
  extern "C" __global__ void name##_##T(const T* x, T* out, long long length) { activate<F, T>(x, out, length); }     \
  extern "C" __global__ void name##Backward_##T(const T* x, T* d, long long length) {                                 \
    activateBackward<F, T>(x, d, length);                                                                             \
  }
ACTIVATION(Gelu, gelu, float)
ACTIVATION(Gelu, gelu, bfloat16)
ACTIVATION(SquaredRelu, squaredRelu, float)
ACTIVATION(SquaredRelu, squaredRelu, bfloat16)
