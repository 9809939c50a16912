// Compiles one unit by NVRTC, as a trainer does, and prints what it says; no driver is needed.
//
//   nvrtc LIBRARY FILE OPTION…
#include <dlfcn.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

int main(int count, char** arguments) {
  typedef void* Program;
  void* library = dlopen(arguments[1], RTLD_LAZY);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    return 2;
  }
  auto create = (int (*)(Program*, const char*, const char*, int, void*, void*))dlsym(library, "nvrtcCreateProgram");
  auto compile = (int (*)(Program, int, const char* const*))dlsym(library, "nvrtcCompileProgram");
  auto logSize = (int (*)(Program, size_t*))dlsym(library, "nvrtcGetProgramLogSize");
  auto log = (int (*)(Program, char*))dlsym(library, "nvrtcGetProgramLog");
  auto cubinSize = (int (*)(Program, size_t*))dlsym(library, "nvrtcGetCUBINSize");
  std::ifstream file(arguments[2]);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  Program program;
  std::vector<const char*> options(arguments + 3, arguments + count);
  int code = create(&program, text.c_str(), arguments[2], 0, nullptr, nullptr);
  if (!code) code = compile(program, (int)options.size(), options.data());
  size_t size = 0;
  logSize(program, &size);
  std::string said(size, ' ');
  log(program, &said[0]);
  size_t cubin = 0;
  if (!code) cubinSize(program, &cubin);
  printf("%s\n%zu bytes of machine code\n", said.c_str(), cubin);
  return code || !cubin;
}
