// From gradients to the next parameters: norms, clipping, AdamW (Loshchilov and Hutter 2019), and what a step tells.
#include "cell.cuh"

#define NOT_A_NUMBER __longlong_as_double(0x7ff8000000000000ll)

/** Elements whose squares one block adds up. */
#define SQUARES_BLOCK 4096

/**
 * Adds the parts' gradients up, in their order, and measures them.
 *
 * @param gradients [cell][part][stride], stride a multiple of 4; the first part becomes the sum
 * @param squares [cell][blocks][2]: of each part by itself, added; of the sum
 *
 * grid [⌈stride / SQUARES_BLOCK⌉, cells], at most 1,024 threads
 */
extern "C" __global__ void addParts(float* gradients, double* squares, long long stride, int parts) {
  SHARED(double, scratch, WARP);
  int cell = blockIdx.y;
  float* own = gradients + (size_t)cell * parts * stride;
  long long begin = (long long)blockIdx.x * SQUARES_BLOCK, end = min(stride, begin + SQUARES_BLOCK);
  float small = 0, big = 0;
  for (long long i = begin + 4 * threadIdx.x; i < end; i += 4 * blockDim.x) {
    Floats<4> total = load<4>(own + i);
#pragma unroll
    for (int k = 0; k < 4; k++) small = fmaf(total.at[k], total.at[k], small);
    for (int part = 1; part < parts; part++) {
      Floats<4> x = load<4>(own + part * stride + i);
#pragma unroll
      for (int k = 0; k < 4; k++) {
        small = fmaf(x.at[k], x.at[k], small);
        total.at[k] += x.at[k];
      }
    }
#pragma unroll
    for (int k = 0; k < 4; k++) big = fmaf(total.at[k], total.at[k], big);
    if (parts > 1) store<4>(own + i, total);
  }
  double smallSum = blockSum((double)small, scratch), bigSum = blockSum((double)big, scratch);
  if (threadIdx.x == 0) {
    double* to = squares + 2 * ((size_t)cell * gridDim.x + blockIdx.x);
    to[0] = smallSum;
    to[1] = bigSum;
  }
}

/**
 * Ends the measurement of a step: its loss and norms, whether the cell goes on, and the factor of its gradient. A cell
 * that stops here makes no update, and neither do its later steps.
 *
 * @param losses [pass][cell][passRows]
 * @param squares [cell][blocks][2] from addParts
 * @param results [slot][cell]
 *
 * grid [cells], at most 1,024 threads
 */
extern "C" __global__ void judge(
    const float* losses,
    const double* squares,
    const CellRule* rules,
    CellStanding* standings,
    StepResult* results,
    int slots,
    int passes,
    int passRows,
    int blocks,
    int parts) {
  SHARED(double, scratch, WARP);
  int cell = blockIdx.x, cells = gridDim.x;
  double loss = 0, small = 0, big = 0;
  for (int pass = 0; pass < passes; pass++) {
    const float* own = losses + ((size_t)pass * cells + cell) * passRows;
    for (int i = threadIdx.x; i < passRows; i += blockDim.x) loss += own[i];
  }
  for (int i = threadIdx.x; i < blocks; i += blockDim.x) {
    small += squares[2 * ((size_t)cell * blocks + i)];
    big += squares[2 * ((size_t)cell * blocks + i) + 1];
  }
  loss = blockSum(loss, scratch) / ((double)passes * passRows);
  small = blockSum(small, scratch);
  big = blockSum(big, scratch);
  if (threadIdx.x != 0 || standings[cell].outcome != GOES_ON) return;
  CellStanding* standing = &standings[cell];
  const CellRule* rule = &rules[cell];
  double norm = sqrt(big);
  // Not so for infinity and NaN.
  bool finite = loss - loss == 0 && norm - norm == 0;
  if (finite) standing->stepsAboveBound = loss > rule->lossBound ? standing->stepsAboveBound + 1 : 0;
  int outcome = !finite ? NOT_FINITE : standing->stepsAboveBound >= rule->divergenceWindow ? ABOVE_BOUND : GOES_ON;
  standing->outcome = outcome;
  standing->gradientScale = rule->clip > 0 && norm > rule->clip ? (float)(rule->clip / norm) : 1.0f;
  StepResult* result = &results[standing->steps % slots * cells + cell];
  result->step = standing->steps + 1;
  result->outcome = outcome;
  result->loss = loss;
  // A part's gradient was weighted by 1/B, not 1/B_small.
  result->gradientSquareSmall = parts > 1 ? small * parts : NOT_A_NUMBER;
  result->gradientSquareBig = big;
  if (outcome == GOES_ON) standing->steps++;
}

/** Elements that one block updates. */
#define UPDATE_BLOCK 2048

/** Neighbours of one tensor, at most UPDATE_BLOCK of them. Written by DeviceLayout.java. */
struct Stretch {
  long long offset;
  int length;
  int rule;
};

/** Bits of a stretch's rule. */
#define HIDDEN 1
#define DECAYED 2

// What is much smaller than these is rounded away, as on the CPU (Flush.java), whose standings a card goes on from.
#define FLUSH_GRADIENT 0x1p-80f
#define FLUSH_SECOND_MOMENT 0x1p-90f

/** The CPU's formula rounding by rounding. */
template <int N>
__device__ __forceinline__ void updateNeighbours(
    float* parameters,
    const float* gradient,
    float* firstMoments,
    float* secondMoments,
    bfloat16* rounded,
    const CellRule& rule,
    const CellStanding& standing,
    float rate,
    float keep) {
  Floats<N> p = load<N>(parameters), d = load<N>(gradient), m = load<N>(firstMoments), v = load<N>(secondMoments);
#pragma unroll
  for (int k = 0; k < N; k++) {
    float g = fmaf(d.at[k], standing.gradientScale, FLUSH_GRADIENT) - FLUSH_GRADIENT;
    m.at[k] = fmaf(m.at[k], rule.beta1, fmaf(g, rule.complement1, FLUSH_GRADIENT)) - FLUSH_GRADIENT;
    float scaled = __fmul_rn(g, rule.complement2);
    v.at[k] = fmaf(v.at[k], rule.beta2, fmaf(scaled, g, FLUSH_SECOND_MOMENT)) - FLUSH_SECOND_MOMENT;
    float denominator = fmaf(sqrtf(v.at[k]), standing.plan.inverseSecondCorrection, rule.epsilon);
    p.at[k] = __fadd_rn(__fmul_rn(m.at[k], rate) / denominator, __fmul_rn(p.at[k], keep));
  }
  store<N>(firstMoments, m);
  store<N>(secondMoments, v);
  store<N>(parameters, p);
  if (rounded) store<N>(rounded, p);
}

/**
 * One AdamW update of all tensors of all cells.
 *
 * @param parameters, firstMoments, secondMoments [cell][stride]
 * @param gradients [cell][gradientStride]
 * @param rounded [cell][stride]: a copy in bfloat16 for the products; null for none
 *
 * grid [stretches, cells]
 */
extern "C" __global__ void adamw(
    float* parameters,
    const float* gradients,
    float* firstMoments,
    float* secondMoments,
    bfloat16* rounded,
    const Stretch* stretches,
    const CellRule* rules,
    const CellStanding* standings,
    long long stride,
    long long gradientStride) {
  int cell = blockIdx.y;
  CellStanding standing = standings[cell];
  if (standing.outcome != GOES_ON) return;
  Stretch stretch = stretches[blockIdx.x];
  CellRule rule = rules[cell];
  float rate = -(stretch.rule & HIDDEN ? standing.plan.hiddenRate : standing.plan.rate);
  float keep = stretch.rule & DECAYED ? standing.plan.keep : 1.0f;
  const float* gradient = gradients + cell * gradientStride + stretch.offset;
  long long at = cell * stride + stretch.offset;
  int fours = stretch.length / 4 * 4;
  for (int i = 4 * threadIdx.x; i < fours; i += 4 * blockDim.x)
    updateNeighbours<4>(parameters + at + i, gradient + i, firstMoments + at + i, secondMoments + at + i,
        rounded ? rounded + at + i : nullptr, rule, standing, rate, keep);
  for (int i = fours + threadIdx.x; i < stretch.length; i += blockDim.x)
    updateNeighbours<1>(parameters + at + i, gradient + i, firstMoments + at + i, secondMoments + at + i,
        rounded ? rounded + at + i : nullptr, rule, standing, rate, keep);
}

/**
 * The copy in bfloat16 of parameters that came from elsewhere.
 *
 * grid [⌈length / threads⌉]
 */
extern "C" __global__ void roundParameters(const float* parameters, bfloat16* rounded, long long length) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < length) narrow(parameters[i], rounded + i);
}
