#include "server/admin/process_facts.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace halflife {
namespace {

std::string ReadText(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

// Fields of /proc/self/stat after the command name, which may hold spaces: [0] is field 3 of
// proc(5).
std::vector<std::string> StatFields() {
  const std::string text = ReadText("/proc/self/stat");
  const size_t end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return {};
  return absl::StrSplit(text.substr(end_of_name + 1), absl::ByAnyChar(" \n"), absl::SkipEmpty());
}

uint64_t NumberAt(const std::vector<std::string>& fields, size_t index) {
  uint64_t number = 0;
  if (index < fields.size() && absl::SimpleAtoi(fields[index], &number)) return number;
  return 0;
}

double BootTimeSeconds() {
  std::istringstream lines(ReadText("/proc/stat"));
  std::string word;
  while (lines >> word) {
    double seconds = 0;
    if (word == "btime" && lines >> seconds) return seconds;
  }
  return 0;
}

uint64_t OpenFds() {
  std::error_code error;
  uint64_t count = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
       !error && entry != end; entry.increment(error)) {
    ++count;
  }
  return count > 0 ? count - 1 : 0;  // the listing's own
}

}  // namespace

ProcessFacts ReadProcessFacts() {
  ProcessFacts facts;
  const std::vector<std::string> stat = StatFields();
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  // proc(5): utime 14, stime 15, starttime 22, vsize 23, rss 24.
  facts.cpu_seconds =
      static_cast<double>(NumberAt(stat, 11) + NumberAt(stat, 12)) / ticks_per_second;
  facts.start_time_s =
      BootTimeSeconds() + static_cast<double>(NumberAt(stat, 19)) / ticks_per_second;
  facts.virtual_bytes = NumberAt(stat, 20);
  facts.resident_bytes = NumberAt(stat, 21) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  facts.open_fds = OpenFds();
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.max_fds = limit.rlim_cur;
  return facts;
}

}  // namespace halflife
