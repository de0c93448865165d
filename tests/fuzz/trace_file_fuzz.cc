#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/check.h"
#include "tools/trace/trace_reader.h"
#include "tools/trace/trace_writer.h"

namespace halflife::tools {
namespace {

// A file in memory with a path: nothing is left behind, nothing touches the disk.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("fuzz-trace", MFD_CLOEXEC)) {
    HL_CHECK(descriptor_ >= 0);
  }
  ~MemoryFile() { close(descriptor_); }

  void Write(const uint8_t* data, size_t size) {
    HL_CHECK(write(descriptor_, data, size) == static_cast<ssize_t>(size));
  }
  std::string path() const { return absl::StrCat("/proc/self/fd/", descriptor_); }

 private:
  const int descriptor_;
};

// The requests before the first malformed line. `whole` if there was none.
std::vector<Request> ReadAll(const std::string& path, bool& whole, uint32_t& block_tokens) {
  whole = false;
  std::vector<Request> requests;
  // Short lines: the limit is within reach of an input.
  auto reader = TraceReader::Open(path, {.type = "t", .max_line_bytes = 4096});
  if (!reader.ok()) {
    HL_CHECK(absl::StrContains(reader.status().message(), path));
    return requests;
  }
  block_tokens = (*reader)->block_tokens();
  HL_CHECK(block_tokens > 0);
  for (Request request;;) {
    const absl::StatusOr<bool> next = (*reader)->Next(request);
    if (!next.ok()) HL_CHECK(absl::StrContains(next.status().message(), absl::StrCat(path, ":")));
    if (!next.ok() || !*next) {
      whole = next.ok();
      return requests;
    }
    HL_CHECK(request.blocks.size() <= request.input_tokens / block_tokens);
    HL_CHECK(!request.type.empty() && request.session != 0 && request.turn > 0);
    requests.push_back(request);
  }
}

// What was read, written in the compact format, reads as the same requests. (Session and turn may
// be found anew.)
void CheckWritten(const std::vector<Request>& requests, uint32_t block_tokens) {
  const MemoryFile file;
  auto writer = TraceWriter::Create(file.path(), TraceFormat::kCompact, block_tokens);
  HL_CHECK(writer.ok());
  for (const Request& request : requests) {
    if (!(*writer)->Write(request).ok()) return;  // a separator in its type
  }
  HL_CHECK((*writer)->Close().ok());
  bool whole = false;
  uint32_t tokens = 0;
  const std::vector<Request> again = ReadAll(file.path(), whole, tokens);
  if (!whole) return;  // longer lines than the limit that is set here
  HL_CHECK(tokens == block_tokens && again.size() == requests.size());
  for (size_t at = 0; at < again.size(); ++at) {
    HL_CHECK(again[at].blocks == requests[at].blocks && again[at].type == requests[at].type);
    HL_CHECK(again[at].input_tokens == requests[at].input_tokens);
    HL_CHECK(again[at].output_tokens == requests[at].output_tokens);
    HL_CHECK(again[at].stop == requests[at].stop);
  }
}

}  // namespace
}  // namespace halflife::tools

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace halflife::tools;
  MemoryFile file;
  file.Write(data, size);
  bool whole = false;
  uint32_t block_tokens = 0;
  const std::vector<Request> requests = ReadAll(file.path(), whole, block_tokens);
  if (whole && !requests.empty()) CheckWritten(requests, block_tokens);
  return 0;
}
