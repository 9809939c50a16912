// Rotary positions (Su et al. 2021): element i of a head turns with element i + headWidth/2.
#include "cell.cuh"

/**
 * Rotates queries and keys in place by their position.
 *
 * @param packed [rows][3·width]: queries, keys, values of all heads; rows of all slices
 * @param turns [context][headWidth/2][2]: cosine and sine
 * @param direction 1 forward, −1 to rotate gradients back
 *
 * grid [rows], any number of threads
 */
template <class T>
__device__ __forceinline__ void rotate(
    T* packed, const float* turns, int context, int heads, int headWidth, float direction) {
  int row = blockIdx.x, pairs = headWidth / 2;
  T* own = packed + (size_t)row * 3 * heads * headWidth;
  const float* turn = turns + (size_t)(row % context) * headWidth;
  for (int i = threadIdx.x; i < 2 * heads * pairs; i += blockDim.x) {
    int pair = i % pairs;
    T *first = own + i / pairs * headWidth + pair, *second = first + pairs;
    float cosine = turn[2 * pair], sine = turn[2 * pair + 1] * direction, a = widen(*first), b = widen(*second);
    narrow(a * cosine - b * sine, first);
    narrow(a * sine + b * cosine, second);
  }
}

#define ROTATE(T)                                                                                                     \
  extern "C" __global__ void rotate_##T(                                                                              \
      T* packed, const float* turns, int context, int heads, int headWidth, float direction) {                        \
    rotate<T>(packed, turns, context, heads, headWidth, direction);                                                   \
  }
ROTATE(float)
ROTATE(bfloat16)
