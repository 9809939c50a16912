// CUDA C on one thread of a CPU, for tests: what a kernel computes, not how fast.
//
// Blocks run one after another; the threads of a block are fibers that change at barriers and shuffles. Shared memory
// and fresh device memory are full of NaN; shared memory is allocated anew for every block, exactly as large as it is
// asked for, so that an address sanitiser sees its ends. Stops with a message where a barrier is not reached by all,
// where a shuffle reads a lane that is not there, and where a block asks for more than 48 KiB.
//
// Fibers never run at the same time: a missing barrier shows only where another order gives another result. Therefore a
// warp runs on to the block's next barrier before the others do, and fibers and blocks can run backwards, too.
#pragma once
#define EMULATED
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <type_traits>
#include <vector>
#if !defined(__x86_64__) || defined(EMULATOR_UCONTEXT)
#include <ucontext.h>
#endif

#define __global__
#define __device__
#define __forceinline__ inline
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __launch_bounds__(...)
#define SHARED(type, name, count) type* name = (type*)emulator::shared(sizeof(type) * (count))

struct dim3 {
  unsigned x, y, z;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};

namespace emulator {

constexpr int WARP_SIZE = 32;
constexpr int MOST_THREADS = 1024;
constexpr size_t MOST_SHARED = 48 << 10;
constexpr size_t STACK = 128 << 10;

[[noreturn]] inline void fail(const char* what);

/** One side of a switch between fibers. */
#if defined(__x86_64__) && !defined(EMULATOR_UCONTEXT)
struct Context {
  void* stack;
};
extern "C" void emulatorSwitch(void** from, void* to);
asm(R"(.text
.globl emulatorSwitch
emulatorSwitch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
)");
inline void change(Context& from, Context& to) { emulatorSwitch(&from.stack, to.stack); }
inline void prepare(Context& context, char* stack, void (*entry)()) {
  void** top = (void**)(stack + STACK - 64);
  *--top = nullptr;
  *--top = (void*)entry;
  for (int i = 0; i < 6; i++) *--top = nullptr;
  context.stack = top;
}
#else
struct Context {
  ucontext_t context;
};
inline void change(Context& from, Context& to) { swapcontext(&from.context, &to.context); }
inline void prepare(Context& context, char* stack, void (*entry)()) {
  getcontext(&context.context);
  context.context.uc_stack.ss_sp = stack;
  context.context.uc_stack.ss_size = STACK;
  context.context.uc_link = nullptr;
  makecontext(&context.context, entry, 0);
}
#endif

struct Barrier {
  int expected, arrived;
  unsigned turn;
};

struct Fiber {
  Context context;
  char* stack;
  bool done;
  int number;
  dim3 index;
  /** Null while it can run; else where it waits, and the barrier's turn when it came there. */
  Barrier* waits;
  unsigned turn;
  /** How many stretches of shared memory it has named; shuffles it has made. */
  size_t sharedNamed;
  unsigned exchanges;
};

/** What a lane shows to the others of its warp: enough for the fragments of one mma. */
struct Shown {
  unsigned words[6];
};

inline Fiber fibers[MOST_THREADS];
inline int threads, alive;
inline Fiber* current;
inline Context home;
inline dim3 blockIndex, blockSize, gridSize;
inline Barrier whole, warps[MOST_THREADS / WARP_SIZE];
/** Twice, so that a lane may show its next value while others read its last. */
inline Shown shown[2][MOST_THREADS];
inline std::vector<std::pair<void*, size_t>> sharedMemory;
inline size_t sharedBytes;
inline std::function<void()> body;
inline const char* kernel = "none";
inline bool backwards;

[[noreturn]] inline void fail(const char* what) {
  fprintf(stderr, "%s: %s (block %u %u %u, thread %d)\n", kernel, what, blockIndex.x, blockIndex.y, blockIndex.z,
      current ? current->number : -1);
  exit(3);
}

/** The next fiber that can run among count from first on; null for none. */
inline Fiber* runnable(int first, int count) {
  int at = current->number, end = first + count;
  for (int k = 0; k < count; k++) {
    if (backwards) {
      at = at == first ? end - 1 : at - 1;
    } else {
      at = at + 1 == end ? first : at + 1;
    }
    Fiber& fiber = fibers[at];
    if (!fiber.done && !(fiber.waits && fiber.waits->turn == fiber.turn)) return &fiber;
  }
  return nullptr;
}

/** To another fiber, of the same warp while one of it can run; home after the last. */
inline void next() {
  Fiber* me = current;
  int warp = me->number / WARP_SIZE;
  Fiber* other = runnable(warp * WARP_SIZE, warps[warp].expected);
  if (!other) other = runnable(0, threads);
  if (!other && alive) fail("a barrier that not all threads reach");
  if (other == me) return;
  if (other) current = other;
  change(me->context, other ? other->context : home);
}

inline void wait(Barrier& barrier) {
  unsigned turn = barrier.turn;
  if (++barrier.arrived == barrier.expected) {
    barrier.arrived = 0;
    barrier.turn++;
    return;
  }
  current->waits = &barrier;
  current->turn = turn;
  next();
  current->waits = nullptr;
}

inline Barrier& warpBarrier() { return warps[current->number / WARP_SIZE]; }

inline void enter() {
  body();
  current->done = true;
  alive--;
  next();
  abort();
}

/** The block's next stretch of shared memory; all threads name theirs in the same order. */
inline void* shared(size_t bytes) {
  size_t number = current->sharedNamed++;
  if (number == sharedMemory.size()) {
    sharedBytes += (bytes + 15) / 16 * 16;
    if (sharedBytes > MOST_SHARED) fail("more than 48 KiB of shared memory");
    // An aligned allocation of exactly so many bytes.
    void* memory = nullptr;
    if (posix_memalign(&memory, 128, bytes)) fail("no memory");
    memset(memory, 0xFF, bytes);
    sharedMemory.push_back({memory, bytes});
  }
  if (sharedMemory[number].second != bytes) fail("threads name shared memory in different orders");
  return sharedMemory[number].first;
}

inline void runBlock() {
  alive = threads;
  whole = {threads, 0, 0};
  for (int warp = 0; warp * WARP_SIZE < threads; warp++) {
    int left = threads - warp * WARP_SIZE;
    warps[warp] = {left < WARP_SIZE ? left : WARP_SIZE, 0, 0};
  }
  for (int i = 0; i < threads; i++) {
    Fiber& fiber = fibers[i];
    if (!fiber.stack) fiber.stack = (char*)aligned_alloc(64, STACK);
    fiber.done = false;
    fiber.waits = nullptr;
    fiber.number = i;
    fiber.sharedNamed = 0;
    fiber.exchanges = 0;
    fiber.index = {(unsigned)i, 0, 0};
    prepare(fiber.context, fiber.stack, enter);
  }
  current = &fibers[backwards ? threads - 1 : 0];
  change(home, current->context);
  current = nullptr;
  for (auto& stretch : sharedMemory) free(stretch.first);
  sharedMemory.clear();
  sharedBytes = 0;
}

inline void launch(const char* name, dim3 grid, int threadsOfBlock, std::function<void()> kernelBody) {
  kernel = name;
  current = nullptr;
  if (threadsOfBlock < 1 || threadsOfBlock > MOST_THREADS || grid.x < 1 || grid.y < 1 || grid.z < 1 ||
      grid.y > 65535 || grid.z > 65535)
    fail("a launch of a size that no card takes");
  body = kernelBody;
  threads = threadsOfBlock;
  blockSize = {(unsigned)threads, 1, 1};
  gridSize = grid;
  uint64_t blocks = (uint64_t)grid.x * grid.y * grid.z;
  for (uint64_t i = 0; i < blocks; i++) {
    uint64_t block = backwards ? blocks - 1 - i : i;
    blockIndex = {
        (unsigned)(block % grid.x), (unsigned)(block / grid.x % grid.y), (unsigned)(block / grid.x / grid.y)};
    runBlock();
  }
}

/** Shows words to the warp; what the lanes have shown then stands from the warp's first lane on. */
inline Shown* exchange(const Shown& mine) {
  Shown* all = shown[current->exchanges++ % 2];
  all[current->number] = mine;
  wait(warpBarrier());
  return all + current->number / WARP_SIZE * WARP_SIZE;
}

template <class T>
T fromLane(T value, int lane) {
  static_assert(sizeof(T) <= 8, "a shuffle moves 4 or 8 bytes");
  Shown mine;
  memcpy(mine.words, &value, sizeof value);
  Shown* all = exchange(mine);
  if (lane >= warpBarrier().expected) fail("a shuffle from a lane that is not there");
  T result;
  memcpy(&result, all[lane].words, sizeof result);
  return result;
}

inline int lane() { return current->number % WARP_SIZE; }

inline float half(unsigned word, int upper) {
  unsigned bits = upper ? word & 0xffff0000u : word << 16;
  float x;
  memcpy(&x, &bits, 4);
  return x;
}

}  // namespace emulator

#define threadIdx (emulator::current->index)
#define blockIdx emulator::blockIndex
#define blockDim emulator::blockSize
#define gridDim emulator::gridSize

inline void __syncthreads() { emulator::wait(emulator::whole); }

template <class T>
T __shfl_sync(unsigned, T value, int lane) {
  return emulator::fromLane(value, lane);
}

template <class T>
T __shfl_xor_sync(unsigned, T value, int mask) {
  return emulator::fromLane(value, emulator::lane() ^ mask);
}

template <class A, class B>
std::common_type_t<A, B> min(A a, B b) {
  return a < b ? a : b;
}

inline unsigned __float_as_uint(float x) {
  unsigned bits;
  memcpy(&bits, &x, 4);
  return bits;
}

inline float __uint_as_float(unsigned bits) {
  float x;
  memcpy(&x, &bits, 4);
  return x;
}

inline double __longlong_as_double(long long bits) {
  double x;
  memcpy(&x, &bits, 8);
  return x;
}

inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }

// tensorcore.cuh's four functions.

inline unsigned pack(float low, float high) {
  auto round = [](float x) -> unsigned {
    unsigned bits = __float_as_uint(x);
    return x != x ? 0x7fffu : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  };
  return round(low) | round(high) << 16;
}

inline void multiplyAdd(float* d, const unsigned* a, const unsigned* b) {
  emulator::Shown* all = emulator::exchange({{a[0], a[1], a[2], a[3], b[0], b[1]}});
  int lane = emulator::lane();
  for (int e = 0; e < 4; e++) {
    int row = lane / 4 + e / 2 * 8, column = lane % 4 * 2 + e % 2;
    float sum = 0;
    for (int k = 0; k < 16; k++) {
      unsigned left = all[row % 8 * 4 + k % 8 / 2].words[row / 8 + k / 8 * 2];
      unsigned right = all[column * 4 + k % 8 / 2].words[4 + k / 8];
      sum += emulator::half(left, k & 1) * emulator::half(right, k & 1);
    }
    d[e] += sum;
  }
}

namespace emulator {
inline void loadMatrices(unsigned* to, const void* row, bool transposed) {
  if ((uintptr_t)row % 16) fail("ldmatrix from an address that is no multiple of 16");
  Shown mine;
  memcpy(mine.words, &row, sizeof row);
  Shown* all = exchange(mine);
  for (int matrix = 0; matrix < 4; matrix++) {
    uint16_t pair[2];
    for (int e = 0; e < 2; e++) {
      int i = transposed ? lane() % 4 * 2 + e : lane() / 4, j = transposed ? lane() / 4 : lane() % 4 * 2 + e;
      const uint16_t* from;
      memcpy(&from, all[matrix * 8 + i].words, sizeof from);
      pair[e] = from[j];
    }
    memcpy(to + matrix, pair, 4);
  }
}
}  // namespace emulator

inline void loadMatrices(unsigned* to, const void* row) { emulator::loadMatrices(to, row, false); }
inline void loadTransposed(unsigned* to, const void* row) { emulator::loadMatrices(to, row, true); }
