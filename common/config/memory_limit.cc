#include "common/config/memory_limit.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/strings.h"

namespace halflife {
namespace {

constexpr uint64_t kAssumedBytes = uint64_t{1} << 30;
constexpr uint64_t kLeastBudgetBytes = uint64_t{16} << 20;
// cgroup v1 says "no limit" with the largest page-rounded signed number.
constexpr uint64_t kUnlimitedBytes = uint64_t{1} << 62;

std::optional<std::string> ReadText(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::optional<uint64_t> ReadNumber(const std::string& path) {
  const std::optional<std::string> text = ReadText(path);
  uint64_t number = 0;
  // "max" of cgroup v2 is no number: no limit.
  if (!text.has_value() || !absl::SimpleAtoi(*text, &number) || number >= kUnlimitedBytes)
    return std::nullopt;
  return number;
}

void Lower(const std::optional<uint64_t>& bytes, std::string source, MemoryLimit& limit) {
  if (bytes.has_value() && *bytes > 0 && (limit.bytes == 0 || *bytes < limit.bytes)) {
    limit = {*bytes, std::move(source)};
  }
}

// Looks at `group` and its parents below `mount`. In a container the path of /proc/self/cgroup may
// be the host's and not exist here; the mount itself is then the container's own group.
void LowerByGroup(const std::string& mount, std::string group, const std::string& file,
                  std::string_view version, MemoryLimit& limit) {
  while (true) {
    if (group == "/") group.clear();
    Lower(ReadNumber(StrCat(mount, group, "/", file)),
          StrCat("cgroup ", version, " ", group.empty() ? "/" : group), limit);
    if (group.empty()) return;
    group.resize(group.rfind('/') == std::string::npos ? 0 : group.rfind('/'));
  }
}

void LowerByCgroups(const std::string& root, MemoryLimit& limit) {
  const std::string text = ReadText(root + "/proc/self/cgroup").value_or("0::/\n");
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const std::vector<std::string> controllers = absl::StrSplit(fields[1], ',');
    if (fields[0] == "0" && fields[1].empty()) {
      LowerByGroup(root + "/sys/fs/cgroup", fields[2], "memory.max", "v2", limit);
    } else if (std::find(controllers.begin(), controllers.end(), "memory") != controllers.end()) {
      LowerByGroup(root + "/sys/fs/cgroup/memory", fields[2], "memory.limit_in_bytes", "v1", limit);
    }
  }
}

void LowerByPhysicalMemory(const std::string& root, MemoryLimit& limit) {
  const std::string text = ReadText(root + "/proc/meminfo").value_or("");
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    uint64_t kibibytes = 0;
    if (words.size() >= 2 && words[0] == "MemTotal:" && absl::SimpleAtoi(words[1], &kibibytes)) {
      Lower(kibibytes << 10, "physical memory", limit);
    }
  }
}

}  // namespace

MemoryLimit ReadMemoryLimit(const std::string& root) {
  MemoryLimit limit;
  LowerByPhysicalMemory(root, limit);
  LowerByCgroups(root, limit);
  if (limit.bytes == 0) limit = {kAssumedBytes, "assumed"};
  return limit;
}

uint64_t AutoDramBudget(uint64_t limit_bytes) {
  const uint64_t left = limit_bytes > kReservedBytes ? limit_bytes - kReservedBytes : 0;
  return std::max(std::min(left, limit_bytes / 10 * 7), kLeastBudgetBytes);
}

}  // namespace halflife
