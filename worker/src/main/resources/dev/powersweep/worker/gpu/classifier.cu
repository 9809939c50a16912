// Softmax cross-entropy and its gradient in two passes over a row of logits; probabilities are not stored.
#include "cell.cuh"

#define CLASSIFIER_WARPS 32

/** A sum of exponentials relative to another maximum. One of nothing is 0 at −∞; NaN has to stay. */
__device__ __forceinline__ float faded(float sum, float top, float highest) {
  return sum == 0.0f ? 0.0f : sum * expf(top - highest);
}

/** The largest of a thread's logits and the sum of exponentials relative to it. */
struct Exponentials {
  float top, sum;

  template <int N>
  __device__ __forceinline__ void add(const Floats<N>& v, float scale) {
    float x[N], highest = v.at[0] * scale;
#pragma unroll
    for (int k = 0; k < N; k++) {
      x[k] = v.at[k] * scale;
      highest = fmaxf(highest, x[k]);
    }
    if (highest > top) {
      sum *= expf(top - highest);
      top = highest;
    }
    // A NaN, which no maximum shows, has to show in the loss.
#pragma unroll
    for (int k = 0; k < N; k++) sum += expf(x[k] - top);
  }
};

template <int N>
__device__ __forceinline__ Exponentials exponentials(const float* x, float scale, int vocabulary) {
  Exponentials own = {-INFINITY, 0};
  for (int i = N * threadIdx.x; i < vocabulary; i += N * blockDim.x) own.add(load<N>(x + i), scale);
  return own;
}

template <int N, class T>
__device__ __forceinline__ void differentiate(
    const float* x, T* d, float scale, float highest, float reciprocal, float factor, int target, int vocabulary) {
  for (int i = N * threadIdx.x; i < vocabulary; i += N * blockDim.x) {
    Floats<N> v = load<N>(x + i);
#pragma unroll
    for (int k = 0; k < N; k++) {
      float probability = expf(v.at[k] * scale - highest) * reciprocal;
      v.at[k] = (i + k == target ? probability - 1.0f : probability) * factor;
    }
    store<N>(d + i, v);
  }
}

/**
 * Loss of each row, and the gradient of its logits.
 *
 * @param logits [cell][row][vocabulary], single precision
 * @param dLogits the same shape: the softmax less the target, times weight·logitScale; may be logits; null for none
 * @param targets, losses of the first row; those of the next cell begin {@code cellStride} on
 * @param weight factor of each row's loss in what is differentiated
 *
 * grid [rows, cells], a multiple of 32 threads, at most 1,024
 */
template <class T>
__device__ __forceinline__ void classify(
    const float* logits,
    T* dLogits,
    const int* targets,
    float* losses,
    const CellRule* rules,
    long long cellStride,
    int vocabulary,
    float weight) {
  SHARED(float, tops, CLASSIFIER_WARPS);
  SHARED(float, sums, CLASSIFIER_WARPS);
  int row = blockIdx.x, cell = blockIdx.y, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
  size_t at = ((size_t)cell * gridDim.x + row) * vocabulary;
  const float* x = logits + at;
  float scale = rules[cell].logitScale;
  bool fours = vocabulary % 4 == 0;
  Exponentials own = fours ? exponentials<4>(x, scale, vocabulary) : exponentials<1>(x, scale, vocabulary);
  float highest = warpMax(own.top), sum = warpSum(faded(own.sum, own.top, highest));
  if (threadIdx.x % WARP == 0) {
    tops[warp] = highest;
    sums[warp] = sum;
  }
  __syncthreads();
  highest = tops[0];
  for (int i = 1; i < warps; i++) highest = fmaxf(highest, tops[i]);
  sum = 0;
  for (int i = 0; i < warps; i++) sum += faded(sums[i], tops[i], highest);
  int target = targets[cell * cellStride + row];
  float ofTarget = x[target] * scale;
  if (dLogits) {
    // The loss needs the target's logit before it is overwritten.
    __syncthreads();
    T* d = dLogits + at;
    float factor = weight * scale, reciprocal = 1.0f / sum;
    if (fours) {
      differentiate<4>(x, d, scale, highest, reciprocal, factor, target, vocabulary);
    } else {
      differentiate<1>(x, d, scale, highest, reciprocal, factor, target, vocabulary);
    }
  }
  if (threadIdx.x == 0) losses[cell * cellStride + row] = logf(sum) + (highest - ofTarget);
}

#define CLASSIFY(T)                                                                                                   \
  extern "C" __global__ void classify_##T(const float* logits, T* dLogits, const int* targets, float* losses,         \
      const CellRule* rules, long long cellStride, int vocabulary, float weight) {                                    \
    classify<T>(logits, dLogits, targets, losses, rules, cellStride, vocabulary, weight);                             \
  }
CLASSIFY(float)
CLASSIFY(bfloat16)
