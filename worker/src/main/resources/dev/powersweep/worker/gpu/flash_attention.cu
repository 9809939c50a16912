// Causal softmax attention in bfloat16 on tensor cores, after FlashAttention-2 (Dao 2023): scores and probabilities
// never leave the registers, the softmax is in single precision, sums over keys and over queries need no atomics.
//
// A block has 4 warps of 16 rows. Shapes as in plain_attention.cu; head widths are multiples of 16, contexts any.
//
//   packed [sequence][context][3·width]: queries, keys, values of all heads; sequences of all slices
//   out, dOut [sequence][context][width]
//   logSums, dots [sequence][head][context]; logSums to the base 2
#include "cell.cuh"
#include "tensorcore.cuh"

#ifndef FLASH_HEAD_WIDTHS
#define FLASH_HEAD_WIDTHS(K) K(HEAD_WIDTH)
#endif

#define FLASH_THREADS 128
/** Rows that a block makes. */
#define FLASH_ROWS 64
/** e to the base 2. */
#define LOG2_E 1.44269504f

/** Numbers that follow from the head width D. */
template <int D>
struct Flash {
  /** Of a row in shared memory: 16 bytes more than it needs, so that ldmatrix meets no bank twice. */
  static constexpr int PITCH = D + 8;
  /** Keys, or queries, of one round of the backward pass; fewer where registers run out. */
  static constexpr int BACKWARD = D <= 16 ? 64 : D <= 64 ? 32 : 16;
};

/** Where a block works. */
template <int D>
struct FlashHead {
  int width, context;
  size_t packed, narrow, line;
  float scale;

  __device__ __forceinline__ FlashHead(const CellRule* rules, int ofContext, int heads, int sequencesOfCell) {
    size_t sequence = blockIdx.z;
    int head = blockIdx.y;
    width = heads * D;
    context = ofContext;
    packed = sequence * context * 3 * width + head * D;
    narrow = sequence * context * width + head * D;
    line = (sequence * heads + head) * context;
    scale = rules[sequence / sequencesOfCell].attentionScale;
  }
};

/** ROWS rows from first on to shared memory, 16 bytes at a time; zeros behind the context. */
template <int ROWS, int D>
__device__ __forceinline__ void fetchTile(
    bfloat16* to, const bfloat16* from, int rowStride, int first, int context) {
  for (int i = threadIdx.x; i < ROWS * D / 8; i += FLASH_THREADS) {
    int row = i / (D / 8), column = i % (D / 8) * 8;
    uint4 eight = {0, 0, 0, 0};
    if (first + row < context) eight = *(const uint4*)(from + (size_t)(first + row) * rowStride + column);
    *(uint4*)(to + row * Flash<D>::PITCH + column) = eight;
  }
}

/** The warp's 16 rows of a tile as left operands. */
template <int D>
__device__ __forceinline__ void leftOperands(unsigned (*a)[4], const bfloat16* tile) {
  int lane = threadIdx.x % WARP, row = threadIdx.x / WARP * 16 + lane % 16;
#pragma unroll
  for (int k = 0; k < D / 16; k++) loadMatrices(a[k], tile + row * Flash<D>::PITCH + k * 16 + lane / 16 * 8);
}

/** {@code c[16, N] = a[16, D] · tile[N, D]ᵀ}. */
template <int N, int D>
__device__ __forceinline__ void scores(float (*c)[4], const unsigned (*a)[4], const bfloat16* tile) {
  int lane = threadIdx.x % WARP, row = lane / 16 * 8 + lane % 8, column = lane / 8 % 2 * 8;
#pragma unroll
  for (int n = 0; n < N / 8; n++)
#pragma unroll
    for (int e = 0; e < 4; e++) c[n][e] = 0;
#pragma unroll
  for (int k = 0; k < D / 16; k++)
#pragma unroll
    for (int n = 0; n < N / 16; n++) {
      unsigned b[4];
      loadMatrices(b, tile + (n * 16 + row) * Flash<D>::PITCH + k * 16 + column);
      multiplyAdd(c[2 * n], a[k], b);
      multiplyAdd(c[2 * n + 1], a[k], b + 2);
    }
}

/** {@code o[16, D] += p[16, N] · tile[N, D]}, p rounded to bfloat16. */
template <int N, int D>
__device__ __forceinline__ void addProduct(float (*o)[4], const float (*p)[4], const bfloat16* tile) {
  int lane = threadIdx.x % WARP;
#pragma unroll
  for (int k = 0; k < N / 16; k++) {
    const float *left = p[2 * k], *right = p[2 * k + 1];
    unsigned a[4] = {
        pack(left[0], left[1]), pack(left[2], left[3]), pack(right[0], right[1]), pack(right[2], right[3])};
#pragma unroll
    for (int d = 0; d < D / 16; d++) {
      unsigned b[4];
      loadTransposed(b, tile + (k * 16 + lane % 16) * Flash<D>::PITCH + d * 16 + lane / 16 * 8);
      multiplyAdd(o[2 * d], a, b);
      multiplyAdd(o[2 * d + 1], a, b + 2);
    }
  }
}

template <int D>
__device__ __forceinline__ void clear(float (*o)[4]) {
#pragma unroll
  for (int d = 0; d < D / 8; d++)
#pragma unroll
    for (int e = 0; e < 4; e++) o[d][e] = 0;
}

/** The warp's 16 rows, those inside the context; {@code to} is the sequence's row 0. */
template <int D>
__device__ __forceinline__ void storeFragments(
    bfloat16* to, int rowStride, int first, int context, const float (*o)[4], const float* factors) {
#pragma unroll
  for (int half = 0; half < 2; half++) {
    int row = first + threadIdx.x / WARP * 16 + fragmentRow(2 * half);
    if (row >= context) continue;
#pragma unroll
    for (int d = 0; d < D / 8; d++)
      *(unsigned*)(to + (size_t)row * rowStride + d * 8 + fragmentColumn(0)) =
          pack(o[d][2 * half] * factors[half], o[d][2 * half + 1] * factors[half]);
  }
}

/** grid [⌈context / FLASH_ROWS⌉, heads, sequences], FLASH_THREADS threads */
template <int D>
__device__ __forceinline__ void flashForward(
    const bfloat16* packed,
    bfloat16* out,
    float* logSums,
    const CellRule* rules,
    int context,
    int heads,
    int sequencesOfCell) {
  SHARED(bfloat16, keys, FLASH_ROWS * Flash<D>::PITCH);
  SHARED(bfloat16, values, FLASH_ROWS * Flash<D>::PITCH);
  FlashHead<D> h(rules, context, heads, sequencesOfCell);
  int packedRow = 3 * h.width, warpRow = threadIdx.x / WARP * 16;
  // Blocks with many keys begin first.
  int first = (gridDim.x - 1 - blockIdx.x) * FLASH_ROWS;
  // Queries stay in registers.
  fetchTile<FLASH_ROWS, D>(keys, packed + h.packed, packedRow, first, context);
  __syncthreads();
  unsigned a[D / 16][4];
  leftOperands<D>(a, keys);
  float o[D / 8][4], s[FLASH_ROWS / 8][4], top[2] = {-INFINITY, -INFINITY}, sum[2] = {0, 0};
  float scale = h.scale * LOG2_E;
  clear<D>(o);
  for (int key = 0; key <= first; key += FLASH_ROWS) {
    __syncthreads();
    fetchTile<FLASH_ROWS, D>(keys, packed + h.packed + h.width, packedRow, key, context);
    fetchTile<FLASH_ROWS, D>(values, packed + h.packed + 2 * h.width, packedRow, key, context);
    __syncthreads();
    scores<FLASH_ROWS, D>(s, a, keys);
    float highest[2] = {top[0], top[1]};
#pragma unroll
    for (int n = 0; n < FLASH_ROWS / 8; n++)
#pragma unroll
      for (int e = 0; e < 4; e++) {
        if (key == first && n * 8 + fragmentColumn(e) > warpRow + fragmentRow(e)) s[n][e] = -INFINITY;
        highest[e / 2] = fmaxf(highest[e / 2], s[n][e]);
      }
#pragma unroll
    for (int r = 0; r < 2; r++) {
      // The four lanes that share a row.
      highest[r] = fmaxf(highest[r], __shfl_xor_sync(ALL_LANES, highest[r], 1));
      highest[r] = fmaxf(highest[r], __shfl_xor_sync(ALL_LANES, highest[r], 2));
      float fade = exp2f((top[r] - highest[r]) * scale);
      top[r] = highest[r];
      sum[r] *= fade;
#pragma unroll
      for (int d = 0; d < D / 8; d++) {
        o[d][2 * r] *= fade;
        o[d][2 * r + 1] *= fade;
      }
    }
#pragma unroll
    for (int n = 0; n < FLASH_ROWS / 8; n++)
#pragma unroll
      for (int e = 0; e < 4; e++) {
        s[n][e] = exp2f((s[n][e] - top[e / 2]) * scale);
        sum[e / 2] += s[n][e];
      }
    addProduct<FLASH_ROWS, D>(o, s, values);
  }
  float factors[2];
#pragma unroll
  for (int r = 0; r < 2; r++) {
    sum[r] += __shfl_xor_sync(ALL_LANES, sum[r], 1);
    sum[r] += __shfl_xor_sync(ALL_LANES, sum[r], 2);
    factors[r] = 1.0f / sum[r];
    int row = first + warpRow + fragmentRow(2 * r);
    if (threadIdx.x % 4 == 0 && row < context) logSums[h.line + row] = top[r] * scale + log2f(sum[r]);
  }
  storeFragments<D>(out + h.narrow, h.width, first, context, o, factors);
}

/**
 * From scores p and d = dOut·valueᵀ to probabilities and gradients of scores (without their scale). Rows are queries
 * and columns keys, or the other way round.
 *
 * @param shift the number of the fragment's first row less that of its first column
 */
template <int N, bool ROWS_ARE_QUERIES>
__device__ __forceinline__ void differentiate(
    float (*p)[4], float (*d)[4], const float* logSums, const float* dots, float scale, int shift) {
#pragma unroll
  for (int n = 0; n < N / 8; n++)
#pragma unroll
    for (int e = 0; e < 4; e++) {
      int row = fragmentRow(e), column = n * 8 + fragmentColumn(e), query = ROWS_ARE_QUERIES ? row : column;
      bool seen = ROWS_ARE_QUERIES ? column <= row + shift : row + shift <= column;
      p[n][e] = seen ? exp2f(fminf(p[n][e] * scale - logSums[query], 0.0f)) : 0.0f;
      d[n][e] = p[n][e] * (d[n][e] - dots[query]);
    }
}

/** Numbers of COUNT rows; such that probabilities behind the context become 0. */
template <int COUNT>
__device__ __forceinline__ void fetchLines(
    float* sums, float* ownDots, const float* logSums, const float* dots, int first, int context) {
  for (int i = threadIdx.x; i < COUNT; i += FLASH_THREADS) {
    sums[i] = first + i < context ? logSums[first + i] : INFINITY;
    ownDots[i] = first + i < context ? dots[first + i] : 0.0f;
  }
}

/** Gradients of 64 keys and values. The same grid as forward. */
template <int D>
__device__ __forceinline__ void flashKeys(
    const bfloat16* packed,
    const bfloat16* dOut,
    const float* logSums,
    const float* dots,
    bfloat16* dPacked,
    const CellRule* rules,
    int context,
    int heads,
    int sequencesOfCell) {
  const int N = Flash<D>::BACKWARD;
  SHARED(bfloat16, own, FLASH_ROWS * Flash<D>::PITCH);
  SHARED(bfloat16, queries, N * Flash<D>::PITCH);
  SHARED(bfloat16, gradients, N * Flash<D>::PITCH);
  SHARED(float, sums, N);
  SHARED(float, ownDots, N);
  FlashHead<D> h(rules, context, heads, sequencesOfCell);
  int packedRow = 3 * h.width, first = blockIdx.x * FLASH_ROWS, warpRow = threadIdx.x / WARP * 16;
  unsigned keys[D / 16][4], values[D / 16][4];
  fetchTile<FLASH_ROWS, D>(own, packed + h.packed + h.width, packedRow, first, context);
  __syncthreads();
  leftOperands<D>(keys, own);
  __syncthreads();
  fetchTile<FLASH_ROWS, D>(own, packed + h.packed + 2 * h.width, packedRow, first, context);
  __syncthreads();
  leftOperands<D>(values, own);
  float ofKeys[D / 8][4], ofValues[D / 8][4], p[N / 8][4], d[N / 8][4];
  clear<D>(ofKeys);
  clear<D>(ofValues);
  for (int query = first; query < context; query += N) {
    __syncthreads();
    fetchTile<N, D>(queries, packed + h.packed, packedRow, query, context);
    fetchTile<N, D>(gradients, dOut + h.narrow, h.width, query, context);
    fetchLines<N>(sums, ownDots, logSums + h.line, dots + h.line, query, context);
    __syncthreads();
    scores<N, D>(p, keys, queries);
    scores<N, D>(d, values, gradients);
    differentiate<N, false>(p, d, sums, ownDots, h.scale * LOG2_E, first + warpRow - query);
    addProduct<N, D>(ofValues, p, gradients);
    addProduct<N, D>(ofKeys, d, queries);
  }
  float scales[2] = {h.scale, h.scale}, ones[2] = {1, 1};
  storeFragments<D>(dPacked + h.packed + h.width, packedRow, first, context, ofKeys, scales);
  storeFragments<D>(dPacked + h.packed + 2 * h.width, packedRow, first, context, ofValues, ones);
}

/** Gradients of 64 queries. The same grid as forward. */
template <int D>
__device__ __forceinline__ void flashQueries(
    const bfloat16* packed,
    const bfloat16* dOut,
    const float* logSums,
    const float* dots,
    bfloat16* dPacked,
    const CellRule* rules,
    int context,
    int heads,
    int sequencesOfCell) {
  const int N = Flash<D>::BACKWARD;
  SHARED(bfloat16, own, FLASH_ROWS * Flash<D>::PITCH);
  SHARED(bfloat16, keys, N * Flash<D>::PITCH);
  SHARED(bfloat16, values, N * Flash<D>::PITCH);
  SHARED(float, sums, FLASH_ROWS);
  SHARED(float, ownDots, FLASH_ROWS);
  FlashHead<D> h(rules, context, heads, sequencesOfCell);
  int packedRow = 3 * h.width, warpRow = threadIdx.x / WARP * 16;
  int first = (gridDim.x - 1 - blockIdx.x) * FLASH_ROWS;
  unsigned queries[D / 16][4], gradients[D / 16][4];
  fetchTile<FLASH_ROWS, D>(own, packed + h.packed, packedRow, first, context);
  fetchLines<FLASH_ROWS>(sums, ownDots, logSums + h.line, dots + h.line, first, context);
  __syncthreads();
  leftOperands<D>(queries, own);
  __syncthreads();
  fetchTile<FLASH_ROWS, D>(own, dOut + h.narrow, h.width, first, context);
  __syncthreads();
  leftOperands<D>(gradients, own);
  float ofQueries[D / 8][4], p[N / 8][4], d[N / 8][4];
  clear<D>(ofQueries);
  int end = min(context, first + FLASH_ROWS);
  for (int key = 0; key < end; key += N) {
    __syncthreads();
    fetchTile<N, D>(keys, packed + h.packed + h.width, packedRow, key, context);
    fetchTile<N, D>(values, packed + h.packed + 2 * h.width, packedRow, key, context);
    __syncthreads();
    scores<N, D>(p, queries, keys);
    scores<N, D>(d, gradients, values);
    differentiate<N, true>(p, d, sums + warpRow, ownDots + warpRow, h.scale * LOG2_E, first + warpRow - key);
    addProduct<N, D>(ofQueries, d, keys);
  }
  float scales[2] = {h.scale, h.scale};
  storeFragments<D>(dPacked + h.packed, packedRow, first, context, ofQueries, scales);
}

#define FLASH_ATTENTION(D)                                                                                            \
  extern "C" __global__ void __launch_bounds__(FLASH_THREADS) flashForward_##D(const bfloat16* packed,                \
      bfloat16* out, float* logSums, const CellRule* rules, int context, int heads, int sequencesOfCell) {            \
    flashForward<D>(packed, out, logSums, rules, context, heads, sequencesOfCell);                                    \
  }                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(FLASH_THREADS) flashKeys_##D(const bfloat16* packed,                   \
      const bfloat16* dOut, const float* logSums, const float* dots, bfloat16* dPacked, const CellRule* rules,        \
      int context, int heads, int sequencesOfCell) {                                                                  \
    flashKeys<D>(packed, dOut, logSums, dots, dPacked, rules, context, heads, sequencesOfCell);                       \
  }                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(FLASH_THREADS) flashQueries_##D(const bfloat16* packed,                \
      const bfloat16* dOut, const float* logSums, const float* dots, bfloat16* dPacked, const CellRule* rules,        \
      int context, int heads, int sequencesOfCell) {                                                                  \
    flashQueries<D>(packed, dOut, logSums, dots, dPacked, rules, context, heads, sequencesOfCell);                    \
  }
FLASH_HEAD_WIDTHS(FLASH_ATTENTION)
