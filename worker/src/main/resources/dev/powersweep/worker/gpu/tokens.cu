// From a pool of tokens on the device to a step's inputs and targets, and rows in the order of their tokens.
#include "cell.cuh"

/**
 * Begins a step: takes its plan, and copies its windows from the pool.
 *
 * @param starts [slot][cell][sequences of a batch]: where each window begins in the cell's ring
 * @param inputs, targets [pass][slice][rows]; a micro-batch's sequences are cut into passes in their order
 *
 * grid [sequences of a batch, cells], any number of threads
 */
template <class Token>
__device__ __forceinline__ void readWindows(
    const Token* pool,
    const long long* starts,
    const StepPlan* plans,
    const CellRule* rules,
    CellStanding* standings,
    int* inputs,
    int* targets,
    int slots,
    int parts,
    int passes,
    int context) {
  int sequence = blockIdx.x, sequences = gridDim.x, cell = blockIdx.y, cells = gridDim.y;
  long long slot = standings[cell].steps % slots;
  if (sequence == 0 && threadIdx.x == 0) standings[cell].plan = plans[slot * cells + cell];
  long long start = starts[(slot * cells + cell) * sequences + sequence];
  int ofPass = sequences / parts / passes;
  int part = sequence / (ofPass * passes), pass = sequence / ofPass % passes, at = sequence % ofPass;
  size_t to = ((size_t)(pass * cells + cell) * parts + part) * ofPass * context + (size_t)at * context;
  const Token* ring = pool + rules[cell].ringStart;
  long long length = rules[cell].ringLength;
  for (int i = threadIdx.x; i < context; i += blockDim.x) {
    inputs[to + i] = (int)ring[(start + i) % length];
    targets[to + i] = (int)ring[(start + i + 1) % length];
  }
}

#define READ_WINDOWS(name, Token)                                                                                     \
  extern "C" __global__ void name(const Token* pool, const long long* starts, const StepPlan* plans,                  \
      const CellRule* rules, CellStanding* standings, int* inputs, int* targets, int slots, int parts, int passes,    \
      int context) {                                                                                                  \
    readWindows<Token>(pool, starts, plans, rules, standings, inputs, targets, slots, parts, passes, context);        \
  }
READ_WINDOWS(readWindows8, unsigned char)
READ_WINDOWS(readWindows16, unsigned short)
READ_WINDOWS(readWindows32, unsigned int)

#define SORT_THREADS 256
#define DIGITS 16

/**
 * Orders the rows of each slice by token, equal ones by row: a stable radix sort of 4 bits a round, in one block. Each
 * thread counts and moves a stretch of neighbours, so that no atomics are needed.
 *
 * @param tokens [slice][rows]
 * @param order, other [slice][rows]: row numbers; the result stands in {@code order}
 * @param rounds such that 16^rounds is at least the vocabulary
 *
 * grid [slices], SORT_THREADS threads
 */
extern "C" __global__ void __launch_bounds__(SORT_THREADS)
    sortRows(const int* tokens, int* order, int* other, int rows, int rounds) {
  SHARED(int, counts, DIGITS * SORT_THREADS);
  SHARED(int, totals, SORT_THREADS);
  int thread = threadIdx.x;
  tokens += (size_t)blockIdx.x * rows;
  int* from = (rounds % 2 ? other : order) + (size_t)blockIdx.x * rows;
  int* to = (rounds % 2 ? order : other) + (size_t)blockIdx.x * rows;
  int stretch = (rows + SORT_THREADS - 1) / SORT_THREADS;
  int begin = min(rows, thread * stretch), end = min(rows, begin + stretch);
  for (int i = begin; i < end; i++) from[i] = i;
  for (int round = 0; round < rounds; round++) {
    int shift = 4 * round;
    for (int digit = 0; digit < DIGITS; digit++) counts[digit * SORT_THREADS + thread] = 0;
    for (int i = begin; i < end; i++) counts[(tokens[from[i]] >> shift & 15) * SORT_THREADS + thread]++;
    __syncthreads();
    // Exclusive sums of all counts, digit by digit and within a digit by thread: each thread adds DIGITS neighbours.
    int sum = 0;
    for (int i = 0; i < DIGITS; i++) sum += counts[thread * DIGITS + i];
    totals[thread] = sum;
    __syncthreads();
    for (int step = 1; step < SORT_THREADS; step *= 2) {
      int before = thread >= step ? totals[thread - step] : 0;
      __syncthreads();
      totals[thread] += before;
      __syncthreads();
    }
    int at = totals[thread] - sum;
    for (int i = 0; i < DIGITS; i++) {
      int count = counts[thread * DIGITS + i];
      counts[thread * DIGITS + i] = at;
      at += count;
    }
    __syncthreads();
    for (int i = begin; i < end; i++) to[counts[(tokens[from[i]] >> shift & 15) * SORT_THREADS + thread]++] = from[i];
    __syncthreads();
    int* old = from;
    from = to;
    to = old;
  }
}
