#include "tests/e2e/command.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/check.h"

namespace halflife::e2e {
namespace {

std::string CliBinary() {
  if (const char* chosen = getenv("HALFLIFE_CLI"); chosen != nullptr) return chosen;
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "halflife";
}

std::vector<char*> Environment() {
  std::vector<char*> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (strncmp(*entry, "HALFLIFE_", 9) != 0) environment.push_back(*entry);
  }
  environment.push_back(nullptr);
  return environment;
}

std::string TextOf(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace

RunningHalflife::RunningHalflife(const std::vector<std::string>& arguments,
                                 std::string_view input) {
  const std::string in = scratch_.path() + "/in", out = scratch_.path() + "/out",
                    err = scratch_.path() + "/err";
  std::ofstream(in, std::ios::binary).write(input.data(), static_cast<ssize_t>(input.size()));
  std::vector<std::string> words = {CliBinary()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, in.c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT, 0600);
  const int failed =
      posix_spawn(&child_, argv[0], &actions, nullptr, argv.data(), Environment().data());
  posix_spawn_file_actions_destroy(&actions);
  HL_CHECK(failed == 0);
}

RunningHalflife::~RunningHalflife() {
  if (child_ == 0) return;
  Signal(SIGKILL);
  waitpid(child_, nullptr, 0);
}

void RunningHalflife::Signal(int signal) const { kill(child_, signal); }

CommandResult RunningHalflife::Wait() {
  int status = 0;
  HL_CHECK(waitpid(child_, &status, 0) == child_);
  child_ = 0;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, TextOf(scratch_.path() + "/out"),
          TextOf(scratch_.path() + "/err")};
}

CommandResult RunHalflife(const std::vector<std::string>& arguments, std::string_view input) {
  return RunningHalflife(arguments, input).Wait();
}

}  // namespace halflife::e2e
