// Stands in for libFuzzer where the compiler has none: runs every file of a corpus, then seeded
// mutations of them.
//   <target>_fuzz CORPUS_DIRECTORY_OR_FILE [MUTATIONS [SEED]]
// On a crash or a hang the input is left in ./crash-input, to be given back as the only argument.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/mutator.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
// Optional, as in libFuzzer.
extern "C" __attribute__((weak)) int LLVMFuzzerInitialize(int* argc, char*** argv);
// Sanitizers end the process without a signal.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace halflife {
namespace {

// A thousand times what the slowest input takes with sanitizers on.
constexpr unsigned kHangSeconds = 20;

const std::string* current_input = nullptr;

// Only calls that a signal handler may make.
void KeepInput() {
  if (current_input == nullptr) return;
  const int file = open("crash-input", O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return;
  [[maybe_unused]] const ssize_t written =
      write(file, current_input->data(), current_input->size());
  close(file);
  constexpr char kMessage[] = "the input is in ./crash-input\n";
  [[maybe_unused]] const ssize_t told = write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
}

void OnSignal(int signal_number) {
  KeepInput();
  std::signal(signal_number, SIG_DFL);
  raise(signal_number);
}

void RunOne(const std::string& input) {
  current_input = &input;
  alarm(kHangSeconds);  // an input that never ends is a finding too
  // A copy of exactly this size on the heap, so that the address sanitizer sees a read past the
  // end.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  alarm(0);
  current_input = nullptr;
}

std::vector<std::string> ReadCorpus(const std::string& path) {
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(path)) {
    for (const auto& entry : std::filesystem::directory_iterator(path))
      files.push_back(entry.path());
  } else if (std::filesystem::exists(path)) {
    files.push_back(path);
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> inputs;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return inputs;
}

}  // namespace
}  // namespace halflife

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s CORPUS [MUTATIONS [SEED]]\n", argv[0]);
    return 2;
  }
  const std::vector<std::string> corpus = halflife::ReadCorpus(argv[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "%s: no inputs: nothing would be tested\n", argv[1]);
    return 2;
  }
  const uint64_t mutations = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0;
  const uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;
  for (const int signal_number : {SIGABRT, SIGALRM, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    std::signal(signal_number, halflife::OnSignal);
  }
  if (__sanitizer_set_death_callback != nullptr)
    __sanitizer_set_death_callback(halflife::KeepInput);

  if (LLVMFuzzerInitialize != nullptr) LLVMFuzzerInitialize(&argc, &argv);
  halflife::RunOne("");
  for (const std::string& input : corpus) halflife::RunOne(input);
  halflife::Mutator mutator(corpus, seed);
  for (uint64_t count = 0; count < mutations; ++count) halflife::RunOne(mutator.Next());
  std::printf("%zu inputs, %llu mutations with seed %llu\n", corpus.size(),
              static_cast<unsigned long long>(mutations), static_cast<unsigned long long>(seed));
  return 0;
}
