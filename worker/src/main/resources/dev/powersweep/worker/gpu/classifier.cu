// Softmax cross-entropy and its gradient in two passes over a row of logits; probabilities are not stored.
#include "cell.cuh"

#define CLASSIFIER_WARPS 32

/** A sum of exponentials relative to another maximum. One of nothing is 0 at −∞; NaN has to stay. */
__device__ __forceinline__ float faded(float sum, float top, float highest) {
  return sum == 0.0f ? 0.0f : sum * expf(top - highest);
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
  float top = -INFINITY, sum = 0;
  for (int i = threadIdx.x; i < vocabulary; i += blockDim.x) {
    float v = x[i] * scale;
    // Also where v is NaN, which has to show in the loss.
    if (!(v <= top)) {
      sum *= expf(top - v);
      top = v;
    }
    sum += expf(v - top);
  }
  float highest = warpMax(top);
  sum = warpSum(faded(sum, top, highest));
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
    for (int i = threadIdx.x; i < vocabulary; i += blockDim.x) {
      float probability = expf(x[i] * scale - highest) * reciprocal;
      narrow((i == target ? probability - 1.0f : probability) * factor, d + i);
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
