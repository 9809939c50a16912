// LayerNorm (Ba et al. 2016) and RMSNorm (Zhang and Sennrich 2019) with the residual sum in front of them.
#include "cell.cuh"

#define NORM_EPSILON 1e-5f
/** Widest row that a warp keeps in registers. */
#define MOST_KEPT 256

/** Of one row, by one warp, N neighbours at a time. */
template <class T, int N>
__device__ __forceinline__ void addNormaliseRow(
    const float* x,
    const T* branch,
    const Mask& mask,
    float* sum,
    const float* gain,
    const float* bias,
    T* out,
    float* statistics,
    int width) {
  int first = threadIdx.x % WARP * N;
  float mean = 0;
  for (int i = first; i < width; i += WARP * N) {
    Floats<N> v = load<N>(x + i);
    if (branch) {
      Floats<N> added = load<N>(branch + i);
#pragma unroll
      for (int k = 0; k < N; k++) v.at[k] = fmaf(added.at[k], mask.factor(i + k), v.at[k]);
      store<N>(sum + i, v);
    }
#pragma unroll
    for (int k = 0; k < N; k++) mean += v.at[k];
  }
  mean = bias ? warpSum(mean) / width : 0.0f;
  // Each lane reads again what it wrote itself.
  const float* normed = branch ? sum : x;
  float squares = 0;
  for (int i = first; i < width; i += WARP * N) {
    Floats<N> v = load<N>(normed + i);
#pragma unroll
    for (int k = 0; k < N; k++) squares = fmaf(v.at[k] - mean, v.at[k] - mean, squares);
  }
  float reciprocal = 1.0f / sqrtf(warpSum(squares) / width + NORM_EPSILON);
  for (int i = first; i < width; i += WARP * N) {
    Floats<N> v = load<N>(normed + i), scale = load<N>(gain + i);
#pragma unroll
    for (int k = 0; k < N; k++) v.at[k] = (v.at[k] - mean) * reciprocal * scale.at[k];
    if (bias) {
      Floats<N> shift = load<N>(bias + i);
#pragma unroll
      for (int k = 0; k < N; k++) v.at[k] += shift.at[k];
    }
    store<N>(out + i, v);
  }
  if (first == 0) {
    statistics[0] = mean;
    statistics[1] = reciprocal;
  }
}

/** The same with the row in registers: at most M packs of N neighbours a lane. */
template <class T, int N, int M>
__device__ __forceinline__ void addNormaliseKept(
    const float* x,
    const T* branch,
    const Mask& mask,
    float* sum,
    const float* gain,
    const float* bias,
    T* out,
    float* statistics,
    int width) {
  int first = threadIdx.x % WARP * N;
  Floats<N> v[M];
  float mean = 0, squares = 0;
#pragma unroll
  for (int j = 0; j < M; j++) {
    int i = first + j * WARP * N;
    if (i >= width) break;
    v[j] = load<N>(x + i);
    if (branch) {
      Floats<N> added = load<N>(branch + i);
#pragma unroll
      for (int k = 0; k < N; k++) v[j].at[k] = fmaf(added.at[k], mask.factor(i + k), v[j].at[k]);
      store<N>(sum + i, v[j]);
    }
#pragma unroll
    for (int k = 0; k < N; k++) mean += v[j].at[k];
  }
  mean = bias ? warpSum(mean) / width : 0.0f;
#pragma unroll
  for (int j = 0; j < M; j++) {
    if (first + j * WARP * N >= width) break;
#pragma unroll
    for (int k = 0; k < N; k++) squares = fmaf(v[j].at[k] - mean, v[j].at[k] - mean, squares);
  }
  float reciprocal = 1.0f / sqrtf(warpSum(squares) / width + NORM_EPSILON);
#pragma unroll
  for (int j = 0; j < M; j++) {
    int i = first + j * WARP * N;
    if (i >= width) break;
    Floats<N> scale = load<N>(gain + i);
#pragma unroll
    for (int k = 0; k < N; k++) v[j].at[k] = (v[j].at[k] - mean) * reciprocal * scale.at[k];
    if (bias) {
      Floats<N> shift = load<N>(bias + i);
#pragma unroll
      for (int k = 0; k < N; k++) v[j].at[k] += shift.at[k];
    }
    store<N>(out + i, v[j]);
  }
  if (first == 0) {
    statistics[0] = mean;
    statistics[1] = reciprocal;
  }
}

/**
 * {@code sum = x + branch ⊙ mask} and {@code out = norm(sum)·gain + bias}, a row a warp.
 *
 * @param x, sum [slice][rows][width], the residual stream in single precision
 * @param branch the same shape; null to norm x itself, and sum is then not written
 * @param parameters [cell][stride]; the gain begins at gainAt, the bias at biasAt, which is −1 for RMSNorm
 * @param standings null for no dropout
 * @param statistics [slice][rows][2]: mean (0 for RMSNorm) and reciprocal deviation
 *
 * grid [⌈rows / warps of a block⌉, slices]
 */
template <class T>
__device__ __forceinline__ void addNormalise(
    const float* x,
    const T* branch,
    float* sum,
    const float* parameters,
    const CellRule* rules,
    const CellStanding* standings,
    T* out,
    float* statistics,
    long long stride,
    long long gainAt,
    long long biasAt,
    int site,
    int parts,
    int rows,
    int partRows,
    int firstRow,
    int width) {
  int row = blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP, slice = blockIdx.y, cell = slice / parts;
  if (row >= rows) return;
  size_t line = (size_t)slice * rows + row, at = line * width;
  const float* own = parameters + cell * stride;
  Mask mask = maskOfRow(rules, standings, cell, site, slice % parts * partRows + firstRow + row, width);
  const T* added = branch ? branch + at : nullptr;
  float* total = branch ? sum + at : nullptr;
  const float* bias = biasAt < 0 ? nullptr : own + biasAt;
  x += at;
  out += at;
  statistics += 2 * line;
  const float* gain = own + gainAt;
  if (width % 2 == 0 && width <= 2 * WARP) {
    addNormaliseKept<T, 2, 1>(x, added, mask, total, gain, bias, out, statistics, width);
  } else if (width % 4 == 0 && width <= 4 * WARP) {
    addNormaliseKept<T, 4, 1>(x, added, mask, total, gain, bias, out, statistics, width);
  } else if (width % 4 == 0 && width <= MOST_KEPT) {
    addNormaliseKept<T, 4, MOST_KEPT / 4 / WARP>(x, added, mask, total, gain, bias, out, statistics, width);
  } else if (width % 4 == 0) {
    addNormaliseRow<T, 4>(x, added, mask, total, gain, bias, out, statistics, width);
  } else {
    addNormaliseRow<T, 1>(x, added, mask, total, gain, bias, out, statistics, width);
  }
}

/** Rows whose shares of the gradients of gain and bias one block adds up. */
#define NORM_ROWS 32
/** Most warps of such a block. */
#define NORM_WARPS 8

/**
 * The gradient of the normed input of one row, by one warp: written to dx, or added to it; and times the mask of the
 * branch below to {@code dBranch}.
 */
template <class T, int N>
__device__ __forceinline__ void normaliseBackwardRow(
    const T* dOut,
    const float* x,
    float mean,
    float reciprocal,
    const float* gain,
    bool centred,
    const Mask& mask,
    float* dx,
    T* dBranch,
    bool add,
    int width) {
  int first = threadIdx.x % WARP * N;
  float sum = 0, product = 0;
  for (int i = first; i < width; i += WARP * N) {
    Floats<N> dy = load<N>(dOut + i), v = load<N>(x + i), scale = load<N>(gain + i);
#pragma unroll
    for (int k = 0; k < N; k++) {
      float scaled = dy.at[k] * scale.at[k];
      sum += scaled;
      product = fmaf(scaled, (v.at[k] - mean) * reciprocal, product);
    }
  }
  sum = centred ? warpSum(sum) / width : 0.0f;
  product = warpSum(product) / width;
  for (int i = first; i < width; i += WARP * N) {
    Floats<N> dy = load<N>(dOut + i), v = load<N>(x + i), scale = load<N>(gain + i), d;
    if (add) d = load<N>(dx + i);
#pragma unroll
    for (int k = 0; k < N; k++) {
      float normed = (v.at[k] - mean) * reciprocal;
      float value = (dy.at[k] * scale.at[k] - sum - normed * product) * reciprocal;
      d.at[k] = add ? d.at[k] + value : value;
    }
    store<N>(dx + i, d);
    if (dBranch) {
#pragma unroll
      for (int k = 0; k < N; k++) d.at[k] *= mask.factor(i + k);
      store<N>(dBranch + i, d);
    }
  }
}

/**
 * All rows of a block, by warps that keep a row in registers, at most M packs of N neighbours a lane, and what they have
 * seen of the gradients of gain and bias.
 *
 * @param kept [warps][2][width] in shared memory
 */
template <class T, int N, int M>
__device__ __forceinline__ void normaliseBackwardKept(
    const T* dOut,
    const float* x,
    const float* statistics,
    const float* gain,
    bool centred,
    const CellRule* rules,
    const CellStanding* standings,
    int cell,
    int site,
    unsigned batchRow,
    float* dx,
    T* dBranch,
    bool add,
    int rows,
    int width,
    float* kept,
    float* share) {
  int first = threadIdx.x % WARP * N, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
  Floats<N> ofGain[M], ofBias[M];
#pragma unroll
  for (int j = 0; j < M; j++)
#pragma unroll
    for (int k = 0; k < N; k++) ofGain[j].at[k] = ofBias[j].at[k] = 0;
  for (int row = warp; row < rows; row += warps) {
    size_t at = (size_t)row * width;
    float mean = statistics[2 * row], reciprocal = statistics[2 * row + 1], sum = 0, product = 0;
    Mask mask = maskOfRow(rules, standings, cell, site, batchRow + row, width);
    Floats<N> scaled[M], normed[M];
#pragma unroll
    for (int j = 0; j < M; j++) {
      int i = first + j * WARP * N;
      if (i >= width) break;
      Floats<N> dy = load<N>(dOut + at + i), scale = load<N>(gain + i);
      normed[j] = load<N>(x + at + i);
#pragma unroll
      for (int k = 0; k < N; k++) {
        normed[j].at[k] = (normed[j].at[k] - mean) * reciprocal;
        ofGain[j].at[k] = fmaf(dy.at[k], normed[j].at[k], ofGain[j].at[k]);
        ofBias[j].at[k] += dy.at[k];
        scaled[j].at[k] = dy.at[k] * scale.at[k];
        sum += scaled[j].at[k];
        product = fmaf(scaled[j].at[k], normed[j].at[k], product);
      }
    }
    sum = centred ? warpSum(sum) / width : 0.0f;
    product = warpSum(product) / width;
#pragma unroll
    for (int j = 0; j < M; j++) {
      int i = first + j * WARP * N;
      if (i >= width) break;
      Floats<N> d;
      if (add) d = load<N>(dx + at + i);
#pragma unroll
      for (int k = 0; k < N; k++) {
        float value = (scaled[j].at[k] - sum - normed[j].at[k] * product) * reciprocal;
        d.at[k] = add ? d.at[k] + value : value;
      }
      store<N>(dx + at + i, d);
      if (dBranch) {
#pragma unroll
        for (int k = 0; k < N; k++) d.at[k] *= mask.factor(i + k);
        store<N>(dBranch + at + i, d);
      }
    }
  }
#pragma unroll
  for (int j = 0; j < M; j++) {
    int i = first + j * WARP * N;
    if (i >= width) break;
    store<N>(kept + warp * 2 * width + i, ofGain[j]);
    store<N>(kept + warp * 2 * width + width + i, ofBias[j]);
  }
  __syncthreads();
  for (int i = threadIdx.x; i < 2 * width; i += blockDim.x) {
    float total = 0;
    for (int other = 0; other < warps; other++) total += kept[other * 2 * width + i];
    share[i] = total;
  }
}

/**
 * First stage: the gradient of the norm's input, and this block's share of those of gain and bias.
 *
 * @param dOut [slice][rows][width]
 * @param x what was normed
 * @param shares [slice][⌈rows / NORM_ROWS⌉][2][width]: of the gain's gradient and of the bias's
 * @param dx the residual stream's gradient, single precision
 * @param dBranch dx times the mask of the branch below, as the products read it; null where they read dx
 * @param add 1 to add to dx, 0 to replace it
 *
 * grid [⌈rows / NORM_ROWS⌉, slices], at most 256 threads
 */
template <class T>
__device__ __forceinline__ void normaliseBackward(
    const T* dOut,
    const float* x,
    const float* statistics,
    const float* parameters,
    const CellRule* rules,
    const CellStanding* standings,
    float* shares,
    float* dx,
    T* dBranch,
    long long stride,
    long long gainAt,
    int centred,
    int add,
    int site,
    int parts,
    int rows,
    int partRows,
    int firstRow,
    int width) {
  int slice = blockIdx.y, cell = slice / parts, begin = blockIdx.x * NORM_ROWS, end = min(rows, begin + NORM_ROWS);
  size_t line = (size_t)slice * rows;
  const float* gain = parameters + cell * stride + gainAt;
  float* share = shares + ((size_t)slice * gridDim.x + blockIdx.x) * 2 * width;
  SHARED(float, kept, NORM_WARPS * 2 * MOST_KEPT);
  if (width <= MOST_KEPT && (width % 4 == 0 || width % 2 == 0 && width <= 2 * WARP)) {
    size_t at = (line + begin) * width;
    T* branch = dBranch ? dBranch + at : nullptr;
    unsigned batchRow = slice % parts * partRows + firstRow + begin;
    statistics += 2 * (line + begin);
    if (width <= 2 * WARP) {
      normaliseBackwardKept<T, 2, 1>(dOut + at, x + at, statistics, gain, centred, rules, standings, cell, site,
          batchRow, dx + at, branch, add, end - begin, width, kept, share);
    } else if (width <= 4 * WARP) {
      normaliseBackwardKept<T, 4, 1>(dOut + at, x + at, statistics, gain, centred, rules, standings, cell, site,
          batchRow, dx + at, branch, add, end - begin, width, kept, share);
    } else {
      normaliseBackwardKept<T, 4, MOST_KEPT / 4 / WARP>(dOut + at, x + at, statistics, gain, centred, rules, standings,
          cell, site, batchRow, dx + at, branch, add, end - begin, width, kept, share);
    }
    return;
  }
  for (int row = begin + threadIdx.x / WARP; row < end; row += blockDim.x / WARP) {
    size_t at = (line + row) * width;
    float mean = statistics[2 * (line + row)], reciprocal = statistics[2 * (line + row) + 1];
    Mask mask = maskOfRow(rules, standings, cell, site, slice % parts * partRows + firstRow + row, width);
    T* branch = dBranch ? dBranch + at : nullptr;
    if (width % 4 == 0) {
      normaliseBackwardRow<T, 4>(
          dOut + at, x + at, mean, reciprocal, gain, centred, mask, dx + at, branch, add, width);
    } else {
      normaliseBackwardRow<T, 1>(
          dOut + at, x + at, mean, reciprocal, gain, centred, mask, dx + at, branch, add, width);
    }
  }
  for (int column = threadIdx.x; column < width; column += blockDim.x) {
    float ofGain = 0, ofBias = 0;
    for (int row = begin; row < end; row++) {
      size_t at = (line + row) * width + column;
      float mean = statistics[2 * (line + row)], reciprocal = statistics[2 * (line + row) + 1];
      float dy = widen(dOut[at]);
      ofGain = fmaf(dy, (x[at] - mean) * reciprocal, ofGain);
      ofBias += dy;
    }
    share[column] = ofGain;
    share[width + column] = ofBias;
  }
}

/**
 * Second stage: adds the shares to the gradients of gain and bias, in the order of rows.
 *
 * grid [⌈width / threads⌉, slices]
 */
extern "C" __global__ void normaliseShares(
    const float* shares, float* gradients, long long stride, long long gainAt, long long biasAt, int count, int width) {
  int column = blockIdx.x * blockDim.x + threadIdx.x, slice = blockIdx.y;
  if (column >= width) return;
  float ofGain = 0, ofBias = 0;
  const float* share = shares + (size_t)slice * count * 2 * width + column;
  for (int i = 0; i < count; i++) {
    ofGain += share[(size_t)i * 2 * width];
    ofBias += share[(size_t)i * 2 * width + width];
  }
  float* own = gradients + slice * stride;
  own[gainAt + column] += ofGain;
  if (biasAt >= 0) own[biasAt + column] += ofBias;
}

#define NORMS(T)                                                                                                      \
  extern "C" __global__ void addNormalise_##T(const float* x, const T* branch, float* sum, const float* parameters,   \
      const CellRule* rules, const CellStanding* standings, T* out, float* statistics, long long stride,              \
      long long gainAt, long long biasAt, int site, int parts, int rows, int partRows, int firstRow, int width) {     \
    addNormalise<T>(x, branch, sum, parameters, rules, standings, out, statistics, stride, gainAt, biasAt, site,      \
        parts, rows, partRows, firstRow, width);                                                                      \
  }                                                                                                                   \
  extern "C" __global__ void normaliseBackward_##T(const T* dOut, const float* x, const float* statistics,            \
      const float* parameters, const CellRule* rules, const CellStanding* standings, float* shares, float* dx,        \
      T* dBranch, long long stride, long long gainAt, int centred, int add, int site, int parts, int rows,            \
      int partRows, int firstRow, int width) {                                                                        \
    normaliseBackward<T>(dOut, x, statistics, parameters, rules, standings, shares, dx, dBranch, stride, gainAt,      \
        centred, add, site, parts, rows, partRows, firstRow, width);                                                  \
  }
NORMS(float)
NORMS(bfloat16)
