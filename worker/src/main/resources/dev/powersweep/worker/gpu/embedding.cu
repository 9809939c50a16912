// Token and position embedding with dropout, and their gradients without atomics.
#include "cell.cuh"

template <int N>
__device__ __forceinline__ void embedRow(
    const float* token, const float* position, const Mask& mask, float* out, int width) {
  for (int i = threadIdx.x % WARP * N; i < width; i += WARP * N) {
    Floats<N> x = load<N>(token + i);
    if (position) {
      Floats<N> added = load<N>(position + i);
#pragma unroll
      for (int k = 0; k < N; k++) x.at[k] += added.at[k];
    }
#pragma unroll
    for (int k = 0; k < N; k++) x.at[k] *= mask.factor(i + k);
    store<N>(out + i, x);
  }
}

/**
 * {@code out = (tokenEmbedding[token] + positionEmbedding[row mod context]) ⊙ mask}, a row a warp.
 *
 * @param parameters [cell][stride]
 * @param tokenAt, positionAt where the tables begin in a cell's parameters; positionAt is −1 for none
 * @param standings null for no dropout
 * @param out [slice][rows][width]
 * @param partRows rows of a micro-batch in all its passes
 * @param firstRow of this pass in its micro-batch
 *
 * grid [⌈rows / warps of a block⌉, slices]
 */
extern "C" __global__ void embed(
    const int* inputs,
    const float* parameters,
    const CellRule* rules,
    const CellStanding* standings,
    float* out,
    long long stride,
    long long tokenAt,
    long long positionAt,
    int parts,
    int rows,
    int partRows,
    int firstRow,
    int context,
    int width) {
  int row = blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP, slice = blockIdx.y, cell = slice / parts;
  if (row >= rows) return;
  const float* own = parameters + cell * stride;
  Mask mask = maskOfRow(rules, standings, cell, 0, slice % parts * partRows + firstRow + row, width);
  const float* token = own + tokenAt + (size_t)inputs[(size_t)slice * rows + row] * width;
  const float* position = positionAt < 0 ? nullptr : own + positionAt + (size_t)(row % context) * width;
  float* to = out + ((size_t)slice * rows + row) * width;
  if (width % 4 == 0) {
    embedRow<4>(token, position, mask, to, width);
  } else {
    embedRow<1>(token, position, mask, to, width);
  }
}

/** Rows, in the order of their tokens, that one block adds up. */
#define BUCKET 32

/**
 * Adds gradients of rows to those of their tokens' embeddings, in the order of sortRows. A token all of whose rows
 * stand in one bucket is finished here; of one that goes on into the next the sum so far is left in {@code open}.
 *
 * @param order [slice][rows] from sortRows
 * @param gradients [slice][stride]
 * @param open [slice][buckets][2][width]: sum of the bucket's first token where it began before it, and of its
 *     last where it goes on behind it and began within it
 *
 * grid [⌈width / threads⌉, ⌈rows / BUCKET⌉, slices]
 */
extern "C" __global__ void embedBackward(
    const int* inputs,
    const int* order,
    const float* dOut,
    const CellRule* rules,
    const CellStanding* standings,
    float* gradients,
    float* open,
    long long stride,
    long long tokenAt,
    int parts,
    int rows,
    int partRows,
    int firstRow,
    int width) {
  int column = blockIdx.x * blockDim.x + threadIdx.x, bucket = blockIdx.y, slice = blockIdx.z, cell = slice / parts;
  inputs += (size_t)slice * rows;
  order += (size_t)slice * rows;
  int begin = bucket * BUCKET, end = min(rows, begin + BUCKET);
  // The bucket's rows with their tokens, and the token behind it: what is to be added is then known at once.
  SHARED(int, ownRows, BUCKET + 1);
  SHARED(int, tokens, BUCKET + 1);
  for (int i = threadIdx.x; i <= BUCKET; i += blockDim.x) {
    ownRows[i] = begin + i < rows ? order[begin + i] : 0;
    tokens[i] = begin + i < rows ? inputs[ownRows[i]] : -1;
  }
  __syncthreads();
  if (column >= width) return;
  float* ends = open + ((size_t)slice * gridDim.y + bucket) * 2 * width + column;
  bool beganBefore = begin > 0 && inputs[order[begin - 1]] == tokens[0];
  float sum = 0;
#pragma unroll 4
  for (int i = begin; i < end; i++) {
    int row = ownRows[i - begin], token = tokens[i - begin];
    Mask mask = maskOfRow(rules, standings, cell, 0, slice % parts * partRows + firstRow + row, width);
    sum += dOut[((size_t)slice * rows + row) * width + column] * mask.factor(column);
    bool goesOn = tokens[i - begin + 1] == token;
    if (goesOn && i + 1 < end) continue;
    if (beganBefore) {
      ends[0] = sum;
    } else if (goesOn) {
      ends[width] = sum;
    } else {
      gradients[slice * stride + tokenAt + (size_t)token * width + column] += sum;
    }
    beganBefore = false;
    sum = 0;
  }
}

/**
 * Finishes the tokens whose rows lie in several buckets: the block of the bucket in which one begins adds its sums up.
 *
 * grid [⌈width / threads⌉, ⌈rows / BUCKET⌉, slices]
 */
extern "C" __global__ void embedBackwardOpen(
    const int* inputs,
    const int* order,
    const float* open,
    float* gradients,
    long long stride,
    long long tokenAt,
    int rows,
    int width) {
  int column = blockIdx.x * blockDim.x + threadIdx.x, bucket = blockIdx.y, slice = blockIdx.z;
  inputs += (size_t)slice * rows;
  order += (size_t)slice * rows;
  int begin = bucket * BUCKET, last = begin + BUCKET - 1;
  if (column >= width || last + 1 >= rows) return;
  int token = inputs[order[last]];
  if (inputs[order[last + 1]] != token) return;
  bool beganBefore = begin > 0 && inputs[order[begin - 1]] == token;
  if (beganBefore) return;
  const float* ends = open + ((size_t)slice * gridDim.y + bucket) * 2 * width + column;
  float sum = ends[width];
  for (int next = last + 1; next < rows && inputs[order[next]] == token; next += BUCKET) {
    ends += 2 * (size_t)width;
    sum += ends[0];
  }
  gradients[slice * stride + tokenAt + (size_t)token * width + column] += sum;
}

/**
 * Adds the gradients of all sequences to that of each position, sequence after sequence.
 *
 * grid [⌈width / threads⌉, context, slices]
 */
extern "C" __global__ void positionBackward(
    const float* dOut,
    const CellRule* rules,
    const CellStanding* standings,
    float* gradients,
    long long stride,
    long long positionAt,
    int parts,
    int rows,
    int partRows,
    int firstRow,
    int width) {
  int column = blockIdx.x * blockDim.x + threadIdx.x, position = blockIdx.y, context = gridDim.y, slice = blockIdx.z;
  if (column >= width) return;
  float sum = 0;
  for (int row = position; row < rows; row += context) {
    Mask mask = maskOfRow(rules, standings, slice / parts, 0, slice % parts * partRows + firstRow + row, width);
    sum += dOut[((size_t)slice * rows + row) * width + column] * mask.factor(column);
  }
  gradients[slice * stride + positionAt + (size_t)position * width + column] += sum;
}
