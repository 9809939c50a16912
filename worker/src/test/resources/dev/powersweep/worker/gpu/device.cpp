// A device of its own process for EmulatedDevice.java: takes commands from the standard input, answers on the standard
// output, ends with a message on the standard error where a kernel does what it must not.
#include "emulator.h"

#define PLAIN_HEAD_WIDTHS(K) K(4) K(8) K(12) K(16) K(40) K(72) K(136)
#define FLASH_HEAD_WIDTHS(K) K(16) K(48) K(64) K(128)

#include "activation.cu"
#include "classifier.cu"
#include "embedding.cu"
#include "flash_attention.cu"
#include "norm.cu"
#include "optimiser.cu"
#include "plain_attention.cu"
#include "rotary.cu"
#include "tokens.cu"

#include <map>
#include <string>

namespace {

typedef std::function<void(const char* name, dim3 grid, int threads, const uint64_t* slots)> Launcher;

template <class A>
A argument(uint64_t slot) {
  A value;
  memcpy(&value, &slot, sizeof value);
  return value;
}

/** Arguments come in slots of 8 bytes, as cuLaunchKernel could read them. */
template <class... A, size_t... I>
Launcher launcher(void (*kernel)(A...), std::index_sequence<I...>) {
  return [kernel](const char* name, dim3 grid, int threads, const uint64_t* slots) {
    emulator::launch(name, grid, threads, [=] { kernel(argument<A>(slots[I])...); });
  };
}

template <class... A>
std::pair<size_t, Launcher> entry(void (*kernel)(A...)) {
  return {sizeof...(A), launcher(kernel, std::index_sequence_for<A...>())};
}

#define KERNEL(name) {#name, entry(name)},
#define OF_BOTH(name) KERNEL(name##_float) KERNEL(name##_bfloat16)
#define OF_PLAIN(D) OF_BOTH_WIDTHS(plainForward, D) OF_BOTH_WIDTHS(plainQueries, D) OF_BOTH_WIDTHS(plainKeys, D)
#define OF_BOTH_WIDTHS(name, D) KERNEL(name##_float_##D) KERNEL(name##_bfloat16_##D)
#define OF_FLASH(D) KERNEL(flashForward_##D) KERNEL(flashQueries_##D) KERNEL(flashKeys_##D)

const std::map<std::string, std::pair<size_t, Launcher>> KERNELS = {
    KERNEL(readWindows8) KERNEL(readWindows16) KERNEL(readWindows32) KERNEL(sortRows) KERNEL(embed)
    KERNEL(embedBackward) KERNEL(embedBackwardOpen) KERNEL(positionBackward) OF_BOTH(addNormalise)
    OF_BOTH(normaliseBackward) KERNEL(normaliseShares) OF_BOTH(rotate) OF_BOTH(gelu) OF_BOTH(geluBackward)
    OF_BOTH(squaredRelu) OF_BOTH(squaredReluBackward) OF_BOTH(classify) KERNEL(addParts) KERNEL(judge) KERNEL(adamw)
    KERNEL(roundParameters) OF_BOTH(attentionDots) PLAIN_HEAD_WIDTHS(OF_PLAIN) FLASH_HEAD_WIDTHS(OF_FLASH)};

[[noreturn]] void stop(const std::string& why) {
  fprintf(stderr, "%s\n", why.c_str());
  exit(3);
}

void receive(void* to, size_t bytes) {
  if (fread(to, 1, bytes, stdin) != bytes) stop("the commands end in the middle of one");
}

template <class T>
T receive() {
  T value;
  receive(&value, sizeof value);
  return value;
}

void answer(const void* from, size_t bytes) {
  fwrite(from, 1, bytes, stdout);
  fflush(stdout);
}

void launch() {
  std::string name(receive<int>(), ' ');
  receive(&name[0], name.size());
  dim3 grid = receive<dim3>();
  int threads = receive<int>();
  std::vector<uint64_t> slots(receive<int>());
  receive(slots.data(), slots.size() * 8);
  auto found = KERNELS.find(name);
  if (found == KERNELS.end()) stop("no kernel " + name);
  if (found->second.first != slots.size())
    stop(name + " takes " + std::to_string(found->second.first) + " arguments, not " + std::to_string(slots.size()));
  found->second.second(name.c_str(), grid, threads, slots.data());
}

/** As Product.java. */
struct Product {
  int transposeA, transposeB, rows, columns, inner, batch, inputType, outputType;
  float scale, keep;
  int64_t a, b, c, rowA, rowB, rowC, strideA, strideB, strideC, beforeGelu;
};

float number(int64_t address, int64_t index, int type) {
  return type ? widen(((const bfloat16*)address)[index]) : ((const float*)address)[index];
}

void multiply() {
  Product p = receive<Product>();
  for (int batch = 0; batch < p.batch; batch++)
    for (int i = 0; i < p.rows; i++)
      for (int j = 0; j < p.columns; j++) {
        float sum = 0;
        for (int k = 0; k < p.inner; k++) {
          int64_t left = batch * p.strideA + (p.transposeA ? k * p.rowA + i : i * p.rowA + k);
          int64_t right = batch * p.strideB + (p.transposeB ? j * p.rowB + k : k * p.rowB + j);
          sum = fmaf(number(p.a, left, p.inputType), number(p.b, right, p.inputType), sum);
        }
        int64_t to = batch * p.strideC + i * p.rowC + j;
        float result = p.scale * sum + (p.keep != 0 ? p.keep * number(p.c, to, p.outputType) : 0.0f);
        if (p.beforeGelu) {
          narrow(result, (bfloat16*)p.beforeGelu + to);
          result = Gelu::value(result);
        }
        if (p.outputType) {
          narrow(result, (bfloat16*)p.c + to);
        } else {
          ((float*)p.c)[to] = result;
        }
      }
}

}  // namespace

int main(int, char** arguments) {
  emulator::backwards = arguments[1] && !strcmp(arguments[1], "backwards");
  for (int command; (command = getchar()) != EOF;) {
    switch (command) {
      case 'a': {
        size_t bytes = receive<int64_t>();
        void* memory = nullptr;
        if (posix_memalign(&memory, 256, bytes)) stop("no memory");
        memset(memory, 0xFF, bytes);
        answer(&memory, 8);
        break;
      }
      case 'f':
        free((void*)receive<int64_t>());
        break;
      case 'w': {
        void* to = (void*)receive<int64_t>();
        receive(to, receive<int64_t>());
        break;
      }
      case 'r': {
        void* from = (void*)receive<int64_t>();
        answer(from, receive<int64_t>());
        break;
      }
      case 'z': {
        void* to = (void*)receive<int64_t>();
        memset(to, 0, receive<int64_t>());
        break;
      }
      case 'l':
        launch();
        break;
      case 'm':
        multiply();
        break;
      default:
        stop("no command " + std::to_string(command));
    }
  }
}
