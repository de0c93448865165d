#include "bench/fio_peer.h"

#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace halflife::bench {
namespace {

std::string OutputOf(const std::string& command) {
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return "";
  std::string text;
  char buffer[4096];
  for (size_t count; (count = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    text.append(buffer, count);
  }
  return ::pclose(pipe) == 0 ? text : "";
}

std::string CommandOf(const FioJob& job, const char* pattern, uint64_t moved_bytes) {
  return absl::StrCat("fio --name=peer --filename=", job.file, " --size=", job.file_bytes,
                      " --bs=", job.block_bytes, " --iodepth=", job.depth, " --rw=", pattern,
                      " --io_size=", moved_bytes,
                      " --ioengine=io_uring --direct=1 --norandommap --randrepeat=0"
                      " --output-format=json");
}

}  // namespace

bool PrepareFioFile(const FioJob& job) {
  struct stat info {};
  if (::stat(job.file.c_str(), &info) == 0 &&
      static_cast<uint64_t>(info.st_size) == job.file_bytes) {
    return true;
  }
  FioJob fill = job;
  fill.block_bytes = uint64_t{1} << 20;
  fill.depth = 8;
  if (!OutputOf(CommandOf(fill, "write", job.file_bytes)).empty()) return true;
  std::fprintf(stderr, "ssd_bench: fio could not fill %s\n", job.file.c_str());
  return false;
}

FioResult RunFio(const FioJob& job) {
  const std::string command = CommandOf(job, job.write ? "randwrite" : "randread", job.moved_bytes);
  const nlohmann::json report = nlohmann::json::parse(OutputOf(command), nullptr, false);
  if (report.is_discarded() || !report.contains("jobs")) {
    std::fprintf(stderr, "ssd_bench: this failed: %s\n", command.c_str());
    std::exit(1);
  }
  const nlohmann::json& result = report["jobs"][0];
  const nlohmann::json& side = result[job.write ? "write" : "read"];
  const double seconds = side["runtime"].get<double>() / 1e3;
  const double bytes = side["io_bytes"].get<double>();
  const double busy = (result["usr_cpu"].get<double>() + result["sys_cpu"].get<double>()) / 100;
  return {.mb_per_s = bytes / seconds / 1e6, .cpu_s_per_gb = busy * seconds / (bytes / 1e9)};
}

}  // namespace halflife::bench
