// Causal softmax attention without tensor cores: for single precision, and for head widths that the tiles of
// flash_attention.cu do not fit. As there, no probabilities are stored: the backward pass makes them again from the
// logarithm of each row's sum (Dao et al. 2022).
//
// Of 32 rows in shared memory each lane takes one for scores, and each lane one column in 32 for sums over rows.
//
//   packed [sequence][context][3·width]: queries, keys, values of all heads; sequences of all slices
//   out, dOut [sequence][context][width]
//   logSums, dots [sequence][head][context]
#include "cell.cuh"

#ifndef PLAIN_HEAD_WIDTHS
#define PLAIN_HEAD_WIDTHS(K) K(HEAD_WIDTH)
#endif

#define ATTENTION_WARPS 4
#define ATTENTION_THREADS (ATTENTION_WARPS * WARP)

/** Numbers that follow from the head width D. */
template <int D>
struct Plain {
  /** Rows that a block makes: its own rows and one tile fit 48 KiB. */
  static constexpr int ROWS = D <= 64 ? 16 : D <= 128 ? 8 : 4;
  static constexpr int PER_WARP = ROWS / ATTENTION_WARPS;
  /** Columns of a lane: lane, lane + 32, … */
  static constexpr int COLUMNS = (D + WARP - 1) / WARP;
  /** Of a tile; odd, so that 32 lanes that read a column of 32 rows meet 32 banks. */
  static constexpr int PITCH = D | 1;
};

/** Where a block works. */
struct Head {
  int width, context, first;
  /** Of the sequence's first row in packed rows, in rows of the width, in lines of one number. */
  size_t packed, narrow, line;
  float scale;
};

template <int D>
__device__ __forceinline__ Head headOfBlock(
    const CellRule* rules, int context, int heads, int sequencesOfCell, int rowsOfBlock) {
  int head = blockIdx.y;
  size_t sequence = blockIdx.z;
  Head h;
  h.width = heads * D;
  h.context = context;
  h.first = blockIdx.x * rowsOfBlock;
  h.packed = sequence * context * 3 * h.width + head * D;
  h.narrow = sequence * context * h.width + head * D;
  h.line = (sequence * heads + head) * context;
  h.scale = rules[sequence / sequencesOfCell].attentionScale;
  return h;
}

/** Rows first, first + 1, … of a matrix; zeros behind its end. */
template <int D, class T>
__device__ __forceinline__ void fetchRows(
    float* to, int pitch, const T* from, int rowStride, int first, int count, int context) {
  for (int i = threadIdx.x; i < count * D; i += ATTENTION_THREADS) {
    int row = i / D, column = i % D;
    to[row * pitch + column] = first + row < context ? widen(from[(size_t)(first + row) * rowStride + column]) : 0.0f;
  }
}

template <int D>
__device__ __forceinline__ float dot(const float* a, const float* b) {
  float sum = 0;
#pragma unroll 8
  for (int i = 0; i < D; i++) sum = fmaf(a[i], b[i], sum);
  return sum;
}

/** {@code sum[column] += Σ weight of lane j · tile[j][column]}. */
template <int D>
__device__ __forceinline__ void addWeighted(float* sum, float weight, const float* tile) {
  int lane = threadIdx.x % WARP;
  for (int j = 0; j < WARP; j++) {
    float w = __shfl_sync(ALL_LANES, weight, j);
#pragma unroll
    for (int c = 0; c < Plain<D>::COLUMNS; c++) {
      int column = c * WARP + lane;
      if (column < D) sum[c] = fmaf(w, tile[j * Plain<D>::PITCH + column], sum[c]);
    }
  }
}

template <int D, class T>
__device__ __forceinline__ void storeRow(T* to, const float* row, float factor) {
#pragma unroll
  for (int c = 0; c < Plain<D>::COLUMNS; c++) {
    int column = c * WARP + threadIdx.x % WARP;
    if (column < D) narrow(row[c] * factor, to + column);
  }
}

/** grid [⌈context / ROWS⌉, heads, sequences], ATTENTION_THREADS threads */
template <class T, int D>
__device__ __forceinline__ void plainForward(
    const T* packed, T* out, float* logSums, const CellRule* rules, int context, int heads, int sequencesOfCell) {
  typedef Plain<D> Size;
  SHARED(float, queries, Size::ROWS * D);
  SHARED(float, tile, WARP * Size::PITCH);
  Head h = headOfBlock<D>(rules, context, heads, sequencesOfCell, Size::ROWS);
  int lane = threadIdx.x % WARP, mine = threadIdx.x / WARP * Size::PER_WARP, packedRow = 3 * h.width;
  fetchRows<D>(queries, D, packed + h.packed, packedRow, h.first, Size::ROWS, context);
  float sum[Size::PER_WARP][Size::COLUMNS], top[Size::PER_WARP], total[Size::PER_WARP], score[Size::PER_WARP];
#pragma unroll
  for (int i = 0; i < Size::PER_WARP; i++) {
    top[i] = -INFINITY;
    total[i] = 0;
#pragma unroll
    for (int c = 0; c < Size::COLUMNS; c++) sum[i][c] = 0;
  }
  int end = min(context, h.first + Size::ROWS);
  for (int key = 0; key < end; key += WARP) {
    fetchRows<D>(tile, Size::PITCH, packed + h.packed + h.width, packedRow, key, WARP, context);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < Size::PER_WARP; i++) {
      float s = dot<D>(queries + (mine + i) * D, tile + lane * Size::PITCH) * h.scale;
      score[i] = key + lane <= h.first + mine + i ? s : -INFINITY;
    }
    __syncthreads();
    fetchRows<D>(tile, Size::PITCH, packed + h.packed + 2 * h.width, packedRow, key, WARP, context);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < Size::PER_WARP; i++) {
      // Every row sees key 0, so that the top is a number from the first tile on.
      float highest = fmaxf(top[i], warpMax(score[i]));
      float fade = expf(top[i] - highest), p = expf(score[i] - highest);
      top[i] = highest;
      total[i] = total[i] * fade + warpSum(p);
#pragma unroll
      for (int c = 0; c < Size::COLUMNS; c++) sum[i][c] *= fade;
      addWeighted<D>(sum[i], p, tile);
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < Size::PER_WARP; i++) {
    int row = h.first + mine + i;
    if (row >= context) continue;
    storeRow<D>(out + h.narrow + (size_t)row * h.width, sum[i], 1.0f / total[i]);
    if (lane == 0) logSums[h.line + row] = top[i] + logf(total[i]);
  }
}

template <int N, class T>
__device__ __forceinline__ float dot(const T* a, const T* b, int lane, int lanes, int width) {
  float sum = 0;
  for (int k = N * lane; k < width; k += N * lanes) {
    Floats<N> x = load<N>(a + k), y = load<N>(b + k);
#pragma unroll
    for (int i = 0; i < N; i++) sum = fmaf(x.at[i], y.at[i], sum);
  }
  return sum;
}

/**
 * {@code dots = Σ dOut·out} of each row and head.
 *
 * @param lanes of a head, a power of two and at most 32
 *
 * grid [⌈tokens·heads·lanes / threads⌉]
 */
template <class T>
__device__ __forceinline__ void attentionDots(
    const T* out, const T* dOut, float* dots, int tokens, int context, int heads, int headWidth, int lanes) {
  long long thread = (long long)blockIdx.x * blockDim.x + threadIdx.x, i = thread / lanes;
  int lane = threadIdx.x % lanes, head = i % heads;
  long long token = i / heads;
  float sum = 0;
  if (token < tokens) {
    size_t at = (size_t)i * headWidth;
    sum = headWidth % 8 == 0 ? dot<8>(out + at, dOut + at, lane, lanes, headWidth)
                             : dot<1>(out + at, dOut + at, lane, lanes, headWidth);
  }
  for (int step = lanes / 2; step > 0; step /= 2) sum += __shfl_xor_sync(ALL_LANES, sum, step);
  if (lane == 0 && token < tokens) dots[((token / context) * heads + head) * context + token % context] = sum;
}

/** Gradients of ROWS queries. The same grid as forward. */
template <class T, int D>
__device__ __forceinline__ void plainQueries(
    const T* packed,
    const T* dOut,
    const float* logSums,
    const float* dots,
    T* dPacked,
    const CellRule* rules,
    int context,
    int heads,
    int sequencesOfCell) {
  typedef Plain<D> Size;
  SHARED(float, queries, Size::ROWS * D);
  SHARED(float, gradients, Size::ROWS * D);
  SHARED(float, tile, WARP * Size::PITCH);
  Head h = headOfBlock<D>(rules, context, heads, sequencesOfCell, Size::ROWS);
  int lane = threadIdx.x % WARP, mine = threadIdx.x / WARP * Size::PER_WARP, packedRow = 3 * h.width;
  fetchRows<D>(queries, D, packed + h.packed, packedRow, h.first, Size::ROWS, context);
  fetchRows<D>(gradients, D, dOut + h.narrow, h.width, h.first, Size::ROWS, context);
  float sum[Size::PER_WARP][Size::COLUMNS], d[Size::PER_WARP];
#pragma unroll
  for (int i = 0; i < Size::PER_WARP; i++)
#pragma unroll
    for (int c = 0; c < Size::COLUMNS; c++) sum[i][c] = 0;
  int end = min(context, h.first + Size::ROWS);
  for (int key = 0; key < end; key += WARP) {
    fetchRows<D>(tile, Size::PITCH, packed + h.packed + 2 * h.width, packedRow, key, WARP, context);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < Size::PER_WARP; i++) d[i] = dot<D>(gradients + (mine + i) * D, tile + lane * Size::PITCH);
    __syncthreads();
    fetchRows<D>(tile, Size::PITCH, packed + h.packed + h.width, packedRow, key, WARP, context);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < Size::PER_WARP; i++) {
      int row = h.first + mine + i;
      bool seen = row < context && key + lane <= row;
      float s = dot<D>(queries + (mine + i) * D, tile + lane * Size::PITCH) * h.scale;
      float p = seen ? expf(fminf(s - logSums[h.line + row], 0.0f)) : 0.0f;
      addWeighted<D>(sum[i], seen ? p * (d[i] - dots[h.line + row]) : 0.0f, tile);
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < Size::PER_WARP; i++) {
    int row = h.first + mine + i;
    if (row < context) storeRow<D>(dPacked + h.packed + (size_t)row * packedRow, sum[i], h.scale);
  }
}

/** Gradients of ROWS keys and values. The same grid as forward. */
template <class T, int D>
__device__ __forceinline__ void plainKeys(
    const T* packed,
    const T* dOut,
    const float* logSums,
    const float* dots,
    T* dPacked,
    const CellRule* rules,
    int context,
    int heads,
    int sequencesOfCell) {
  typedef Plain<D> Size;
  SHARED(float, keys, Size::ROWS * D);
  SHARED(float, values, Size::ROWS * D);
  SHARED(float, tile, WARP * Size::PITCH);
  Head h = headOfBlock<D>(rules, context, heads, sequencesOfCell, Size::ROWS);
  int lane = threadIdx.x % WARP, mine = threadIdx.x / WARP * Size::PER_WARP, packedRow = 3 * h.width;
  fetchRows<D>(keys, D, packed + h.packed + h.width, packedRow, h.first, Size::ROWS, context);
  fetchRows<D>(values, D, packed + h.packed + 2 * h.width, packedRow, h.first, Size::ROWS, context);
  float ofKeys[Size::PER_WARP][Size::COLUMNS], ofValues[Size::PER_WARP][Size::COLUMNS];
  float p[Size::PER_WARP], d[Size::PER_WARP];
#pragma unroll
  for (int i = 0; i < Size::PER_WARP; i++)
#pragma unroll
    for (int c = 0; c < Size::COLUMNS; c++) ofKeys[i][c] = ofValues[i][c] = 0;
  for (int query = h.first / WARP * WARP; query < context; query += WARP) {
    bool inside = query + lane < context;
    float logSum = inside ? logSums[h.line + query + lane] : 0.0f, own = inside ? dots[h.line + query + lane] : 0.0f;
    fetchRows<D>(tile, Size::PITCH, packed + h.packed, packedRow, query, WARP, context);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < Size::PER_WARP; i++) {
      float s = dot<D>(keys + (mine + i) * D, tile + lane * Size::PITCH) * h.scale;
      p[i] = inside && query + lane >= h.first + mine + i ? expf(fminf(s - logSum, 0.0f)) : 0.0f;
    }
    __syncthreads();
    fetchRows<D>(tile, Size::PITCH, dOut + h.narrow, h.width, query, WARP, context);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < Size::PER_WARP; i++) {
      d[i] = p[i] * (dot<D>(values + (mine + i) * D, tile + lane * Size::PITCH) - own);
      addWeighted<D>(ofValues[i], p[i], tile);
    }
    __syncthreads();
    fetchRows<D>(tile, Size::PITCH, packed + h.packed, packedRow, query, WARP, context);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < Size::PER_WARP; i++) addWeighted<D>(ofKeys[i], d[i], tile);
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < Size::PER_WARP; i++) {
    int row = h.first + mine + i;
    if (row >= context) continue;
    T* to = dPacked + h.packed + (size_t)row * packedRow;
    storeRow<D>(to + h.width, ofKeys[i], h.scale);
    storeRow<D>(to + 2 * h.width, ofValues[i], 1.0f);
  }
}

#define PLAIN_DOTS(T)                                                                                                 \
  extern "C" __global__ void attentionDots_##T(                                                                       \
      const T* out, const T* dOut, float* dots, int tokens, int context, int heads, int headWidth, int lanes) {       \
    attentionDots<T>(out, dOut, dots, tokens, context, heads, headWidth, lanes);                                      \
  }
PLAIN_DOTS(float)
PLAIN_DOTS(bfloat16)

// Two blocks a multiprocessor at least: left to itself ptxas takes too few registers on some cards, and spills.
#define PLAIN_ATTENTION_OF(T, D)                                                                                      \
  extern "C" __global__ void __launch_bounds__(ATTENTION_THREADS, 2) plainForward_##T##_##D(const T* packed, T* out,  \
      float* logSums, const CellRule* rules, int context, int heads, int sequencesOfCell) {                           \
    plainForward<T, D>(packed, out, logSums, rules, context, heads, sequencesOfCell);                                 \
  }                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(ATTENTION_THREADS, 2) plainQueries_##T##_##D(const T* packed,          \
      const T* dOut, const float* logSums, const float* dots, T* dPacked, const CellRule* rules, int context,         \
      int heads, int sequencesOfCell) {                                                                               \
    plainQueries<T, D>(packed, dOut, logSums, dots, dPacked, rules, context, heads, sequencesOfCell);                 \
  }                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(ATTENTION_THREADS, 2) plainKeys_##T##_##D(const T* packed,             \
      const T* dOut, const float* logSums, const float* dots, T* dPacked, const CellRule* rules, int context,         \
      int heads, int sequencesOfCell) {                                                                               \
    plainKeys<T, D>(packed, dOut, logSums, dots, dPacked, rules, context, heads, sequencesOfCell);                    \
  }
#define PLAIN_ATTENTION(D) PLAIN_ATTENTION_OF(float, D) PLAIN_ATTENTION_OF(bfloat16, D)
PLAIN_HEAD_WIDTHS(PLAIN_ATTENTION)
