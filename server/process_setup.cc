#include "server/process_setup.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

#include <algorithm>

#include "common/log.h"
#include "common/strings.h"

namespace halflife {
namespace {

void LogGrpcLine(gpr_log_func_args* line) {
  static RateLimit limit(absl::Milliseconds(100));
  const bool is_error = line->severity == GPR_LOG_SEVERITY_ERROR;
  if (is_error && !limit.Pass()) return;
  Log(is_error ? Severity::kWarning : Severity::kDebug, "grpc",
      StrCat(line->message, " (", line->file, ":", line->line, ")"));
}

// protobuf has a line for every field that is not UTF-8: a client must not fill the log with them.
void LogProtobufLine(google::protobuf::LogLevel level, const char*, int,
                     const std::string& message) {
  static RateLimit limit(absl::Seconds(1));
  if (limit.Pass()) Log(Severity::kWarning, "protobuf", message);
}

}  // namespace

void TuneAllocator() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 2'000'000'000);
  mallopt(M_TOP_PAD, 64 << 20);
  mallopt(M_ARENA_MAX, std::max(2, get_nprocs()));
}

void HardenProcess() {
  umask(077);
  signal(SIGPIPE, SIG_IGN);
#ifndef HL_TEST_HOOKS
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
#endif
}

uint64_t RaiseOpenFileLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

void RouteLibraryLogs() {
  google::protobuf::SetLogHandler(&LogProtobufLine);
  gpr_set_log_function(&LogGrpcLine);
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_INFO);
}

}  // namespace halflife
