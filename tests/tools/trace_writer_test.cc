#include "tools/trace/trace_writer.h"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/tools/trace_file.h"
#include "tools/workload/workload.h"

namespace halflife::tools {
namespace {

std::vector<Request> Generate(const std::string& profile, uint64_t requests) {
  WorkloadOptions options;
  options.requests = requests;
  auto source = *MakeWorkload(profile, options);
  std::vector<Request> result;
  Request request;
  while (*source->Next(request)) {
    // What the compact format keeps of the time.
    request.time_s = std::round(request.time_s * 1e3) / 1e3;
    result.push_back(request);
  }
  return result;
}

void WriteAll(const std::string& path, TraceFormat format, const std::vector<Request>& requests) {
  auto writer = *TraceWriter::Create(path, format, 512);
  for (const Request& request : requests) ASSERT_TRUE(writer->Write(request).ok());
  ASSERT_TRUE(writer->Close().ok());
}

TEST(TraceWriter, ACompactTraceComesBackAsItWas) {
  const auto requests = Generate("agent", 300);
  for (const char* name : {"t.ct", "t.ct.gz"}) {
    const TraceFile file(name);

    WriteAll(file.path(), TraceFormat::kCompact, requests);
    const ReadTrace trace = ReadAll(file.path());

    ASSERT_TRUE(trace.status.ok()) << trace.status;
    EXPECT_EQ(trace.requests, requests);
  }
}

TEST(TraceWriter, AMooncakeTraceKeepsTimesLengthsAndBlocks) {
  const auto requests = Generate("chat", 300);
  const TraceFile file("t.jsonl");

  WriteAll(file.path(), TraceFormat::kMooncake, requests);
  const ReadTrace trace = ReadAll(file.path());

  ASSERT_EQ(trace.requests.size(), requests.size()) << trace.status;
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_NEAR(trace.requests[i].time_s, requests[i].time_s, 1e-9);
    EXPECT_EQ(trace.requests[i].input_tokens, requests[i].input_tokens);
    EXPECT_EQ(trace.requests[i].blocks, requests[i].blocks);
  }
}

TEST(TraceWriter, ConsecutiveBlocksAreWrittenAsRanges) {
  Request request;
  request.type = "user";
  request.blocks = {3, 7, 8, 9, 11, 12};
  const TraceFile file("t.ct");

  WriteAll(file.path(), TraceFormat::kCompact, {request});

  EXPECT_EQ(file.Text(),
            "# halflife-trace 1 block_tokens=512 "
            "columns=t|type|turn|chat|parent|input_tokens|output_tokens|stop|blocks\n"
            "0.000|user|0|-1|-1|0|0||3,7-9,11-12\n");
}

TEST(TraceWriter, ASeparatorInATextIsRefused) {
  const TraceFile file("t.ct");
  auto writer = *TraceWriter::Create(file.path(), TraceFormat::kCompact, 512);
  Request request;
  request.type = "a|b";

  const absl::Status status = writer->Write(request);

  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(status.message(), "'a|b' holds a separator of the compact format");
}

TEST(TraceWriter, ADirectoryThatIsNotThereIsNamed) {
  const auto writer = TraceWriter::Create("/nowhere/t.ct", TraceFormat::kCompact, 512);

  ASSERT_FALSE(writer.ok());
  EXPECT_EQ(writer.status().message(), "/nowhere/t.ct: No such file or directory");
}

}  // namespace
}  // namespace halflife::tools
