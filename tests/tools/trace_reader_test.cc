#include "tools/trace/trace_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/trace_file.h"

namespace halflife::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kHeader[] =
    "# halflife-trace 1 block_tokens=512 "
    "columns=t|type|turn|chat|parent|input_tokens|output_tokens|stop|blocks\n";

std::string Compact(const std::string& lines) { return kHeader + lines; }

TEST(MooncakeTrace, TimesAreMillisecondsAndThePartialBlockIsDropped) {
  const TraceFile file("t.jsonl",
                       "{\"timestamp\": 1500, \"input_length\": 1100, \"output_length\": 7, "
                       "\"hash_ids\": [4, 5, 6]}\n");

  const ReadTrace trace = ReadAll(file.path());

  ASSERT_TRUE(trace.status.ok()) << trace.status;
  ASSERT_EQ(trace.requests.size(), 1u);
  EXPECT_DOUBLE_EQ(trace.requests[0].time_s, 1.5);
  EXPECT_EQ(trace.requests[0].input_tokens, 1100u);
  EXPECT_EQ(trace.requests[0].output_tokens, 7u);
  EXPECT_THAT(trace.requests[0].blocks, ElementsAre(4, 5));
}

TEST(MooncakeTrace, APromptOfWholeBlocksKeepsThemAll) {
  const TraceFile file(
      "t.jsonl",
      "{\"timestamp\":0,\"input_length\":1024,\"output_length\":1,\"hash_ids\":[4,5]}\n"
      "{\"timestamp\":0,\"input_length\":1023,\"output_length\":1,\"hash_ids\":[4,5]}\n"
      "{\"timestamp\":0,\"input_length\":511,\"output_length\":1,\"hash_ids\":[9]}");

  const ReadTrace trace = ReadAll(file.path());

  ASSERT_EQ(trace.requests.size(), 3u) << trace.status;
  EXPECT_THAT(trace.requests[0].blocks, ElementsAre(4, 5));
  EXPECT_THAT(trace.requests[1].blocks, ElementsAre(4));
  EXPECT_THAT(trace.requests[2].blocks, IsEmpty());
}

TEST(MooncakeTrace, TurnAndSessionComeFromHowChainsExtendOneAnother) {
  const TraceFile file(
      "t.jsonl",
      "{\"timestamp\":0,\"input_length\":1100,\"output_length\":1,\"hash_ids\":[0,1,2]}\n"
      "{\"timestamp\":1,\"input_length\":1600,\"output_length\":1,\"hash_ids\":[0,8,9,10]}\n"
      "{\"timestamp\":2,\"input_length\":2048,\"output_length\":1,\"hash_ids\":[0,1,3,4]}\n"
      "{\"timestamp\":3,\"input_length\":2100,\"output_length\":1,\"hash_ids\":[0,1,3,4,5]}\n");

  const ReadTrace trace = ReadAll(file.path());

  ASSERT_EQ(trace.requests.size(), 4u) << trace.status;
  EXPECT_EQ(trace.requests[0].turn, 1u);
  EXPECT_EQ(trace.requests[1].turn, 1u);
  EXPECT_EQ(trace.requests[2].turn, 2u);
  EXPECT_EQ(trace.requests[3].turn, 3u);
  EXPECT_EQ(trace.requests[2].parent, 0);
  EXPECT_EQ(trace.requests[3].parent, 2);
  EXPECT_EQ(trace.requests[3].session, trace.requests[0].session);
  EXPECT_NE(trace.requests[1].session, trace.requests[0].session);
}

TEST(MooncakeTrace, ASharedHeadIsATurnOfOneRequestOnly) {
  const TraceFile file(
      "t.jsonl",
      "{\"timestamp\":0,\"input_length\":512,\"output_length\":1,\"hash_ids\":[0]}\n"
      "{\"timestamp\":1,\"input_length\":1024,\"output_length\":1,\"hash_ids\":[0,1]}\n"
      "{\"timestamp\":2,\"input_length\":1024,\"output_length\":1,\"hash_ids\":[0,2]}\n");

  const ReadTrace trace = ReadAll(file.path());

  ASSERT_EQ(trace.requests.size(), 3u) << trace.status;
  EXPECT_EQ(trace.requests[1].turn, 2u);
  EXPECT_EQ(trace.requests[2].turn, 1u);
}

TEST(MooncakeTrace, BadLinesNameFileLineFieldAndExpectation) {
  const std::string good =
      "{\"timestamp\":0,\"input_length\":1,\"output_length\":1,\"hash_ids\":[]}\n";
  const std::pair<const char*, const char*> cases[] = {
      {"{\"timestamp\":0,\"input_length\":1,\"output_length\":1}",
       "t.jsonl:2: field 'hash_ids' is missing"},
      {"{\"timestamp\":-1,\"input_length\":1,\"output_length\":1,\"hash_ids\":[]}",
       "t.jsonl:2: field 'timestamp': expected a non-negative number"},
      {"{\"timestamp\":0,\"input_length\":\"1\",\"output_length\":1,\"hash_ids\":[]}",
       "t.jsonl:2: field 'input_length': expected a non-negative integer"},
      {"{\"timestamp\":0,\"input_length\":1,\"output_length\":1.5,\"hash_ids\":[]}",
       "t.jsonl:2: field 'output_length': expected a non-negative integer"},
      {"{\"timestamp\":0,\"input_length\":1,\"output_length\":1,\"hash_ids\":7}",
       "t.jsonl:2: field 'hash_ids': expected an array of non-negative integers"},
      {"{\"timestamp\":0,\"input_length\":1,\"output_length\":1,\"hash_ids\":[1,-2]}",
       "t.jsonl:2: field 'hash_ids': element 1 is not a non-negative integer"},
      {"[1,2]", "t.jsonl:2: expected a JSON object"},
      {"{\"timestamp\":0,\"input_length\":1,\"output_length\":1,\"hash_ids\":[]} x",
       "t.jsonl:2: expected a JSON object"},
      {"{\"timestamp\":0,\"input_length\":1,\"output_length\":1,\"hash_ids\":[]} {}",
       "t.jsonl:2: text after the JSON object"},
  };
  for (const auto& [line, message] : cases) {
    const TraceFile file("t.jsonl", good + line + "\n");

    EXPECT_EQ(ErrorOf(file), message) << line;
  }
}

TEST(MooncakeTrace, ALineThatIsCutIsAnErrorAndNotARequest) {
  const TraceFile file(
      "t.jsonl",
      "{\"timestamp\":0,\"input_length\":512,\"output_length\":1,\"hash_ids\":[0]}\n"
      "{\"timestamp\":0,\"input_length\":512,\"output_length\":1,\"hash_ids\":[0,1");

  const ReadTrace trace = ReadAll(file.path());

  EXPECT_EQ(trace.requests.size(), 1u);
  EXPECT_TRUE(absl::IsInvalidArgument(trace.status));
  EXPECT_THAT(std::string(trace.status.message()), HasSubstr("t.jsonl:2: "));
}

TEST(QwenTrace, FollowsParentsAndHasBlocksOfSixteenTokens) {
  const TraceFile file(
      "q.jsonl",
      "{\"chat_id\": 159, \"parent_chat_id\": -1, \"timestamp\": 61.114, \"input_length\": 33, "
      "\"output_length\": 9, \"type\": \"text\", \"turn\": 1, \"hash_ids\": [10, 11, 12]}\n"
      "{\"chat_id\": 160, \"parent_chat_id\": 159, \"timestamp\": 70.5, \"input_length\": 64, "
      "\"output_length\": 9, \"type\": \"search\", \"turn\": 2, \"hash_ids\": [10, 11, 14, 15]}\n");

  const ReadTrace trace = ReadAll(file.path());

  ASSERT_EQ(trace.requests.size(), 2u) << trace.status;
  EXPECT_DOUBLE_EQ(trace.requests[0].time_s, 61.114);
  EXPECT_THAT(trace.requests[0].blocks, ElementsAre(10, 11));
  EXPECT_EQ(trace.requests[0].type, "text");
  EXPECT_EQ(trace.requests[1].type, "search");
  EXPECT_EQ(trace.requests[1].turn, 2u);
  EXPECT_EQ(trace.requests[1].session, trace.requests[0].session);
}

TEST(QwenTrace, AMissingTurnIsAnError) {
  const TraceFile file("q.jsonl",
                       "{\"chat_id\": 1, \"parent_chat_id\": -1, \"timestamp\": 1, "
                       "\"input_length\": 33, \"output_length\": 9, \"type\": \"text\", "
                       "\"hash_ids\": []}\n");

  EXPECT_EQ(ErrorOf(file), "q.jsonl:1: field 'turn' is missing");
}

TEST(CompactTrace, ReadsRangesStopReasonsAndSessions) {
  const TraceFile file("a.ct", Compact("5.885|user|1|24|-1|2600|641|tool_use|0-3,7\n"
                                       "\n# a comment\n"
                                       "81.5|tool|2|25|24|3100|1|end_turn|0-3,7,9\n"));

  const ReadTrace trace = ReadAll(file.path());

  ASSERT_EQ(trace.requests.size(), 2u) << trace.status;
  EXPECT_THAT(trace.requests[0].blocks, ElementsAre(0, 1, 2, 3, 7));
  EXPECT_EQ(trace.requests[0].stop, "tool_use");
  EXPECT_EQ(trace.requests[0].previous_stop, "");
  EXPECT_EQ(trace.requests[1].previous_stop, "tool_use");
  EXPECT_EQ(trace.requests[1].session, trace.requests[0].session);
}

TEST(CompactTrace, BadLinesNameFileLineFieldAndExpectation) {
  const std::pair<const char*, const char*> cases[] = {
      {"1|user|1|2|-1|9000|1|x|5-3", "a.ct:2: field 'blocks': '5-3' is not an ascending range"},
      {"1|user|1|2|-1|9000|1|x|5,,6", "a.ct:2: field 'blocks': '' is not a non-negative integer"},
      {"1|user|1|2|-1|9000|1|x|5-",
       "a.ct:2: field 'blocks': '5-' is not a range of non-negative integers"},
      {"1|user|1|2|-1|9000|1|x|0-18446744073709551615",
       "a.ct:2: field 'blocks': more than 1048576 blocks"},
      {"x|user|1|2|-1|9000|1|x|5", "a.ct:2: field 't': 'x' is not a time in seconds"},
      {"nan|user|1|2|-1|9000|1|x|5", "a.ct:2: field 't': 'nan' is not a time in seconds"},
      {"1|user|-1|2|-1|9000|1|x|5", "a.ct:2: field 'turn': '-1' is not a non-negative integer"},
      {"1|user|1|2|p|9000|1|x|5", "a.ct:2: field 'parent': 'p' is not an integer"},
      {"1|user|1|2|-1|9000|1|x",
       "a.ct:2: 8 columns, expected 9 "
       "(t|type|turn|chat|parent|input_tokens|output_tokens|stop|blocks)"},
  };
  for (const auto& [line, message] : cases) {
    const TraceFile file("a.ct", Compact(std::string(line) + "\n"));

    EXPECT_EQ(ErrorOf(file), message) << line;
  }
}

TEST(CompactTrace, BadHeadersSayWhatIsExpected) {
  const std::pair<const char*, const char*> cases[] = {
      {"# halflife-trace 2 block_tokens=512",
       "a.ct:1: trace version '2' is not known; this program reads version 1"},
      {"# halflife-trace 1 columns=t", "a.ct:1: the header lacks block_tokens=N"},
      {"# halflife-trace 1 block_tokens=0",
       "a.ct:1: field 'block_tokens': '0' is not an integer from 1 to 1048576"},
      {"# halflife-trace 1 block_tokens=16 columns=t|x",
       "a.ct:1: columns 't|x', expected "
       "'t|type|turn|chat|parent|input_tokens|output_tokens|stop|blocks'"},
      {"time,blocks", "a.ct:1: expected a JSON object or a '# halflife-trace 1 …' header"},
  };
  for (const auto& [line, message] : cases) {
    const TraceFile file("a.ct", std::string(line) + "\n");

    EXPECT_EQ(ErrorOf(file), message) << line;
  }
}

TEST(CompactTrace, IsReadGzippedAsWell) {
  const std::string text = Compact("1|user|1|2|-1|9000|1|x|5-8\n");
  const TraceFile file("a.ct.gz", Gzip(text));

  const ReadTrace trace = ReadAll(file.path());

  ASSERT_EQ(trace.requests.size(), 1u) << trace.status;
  EXPECT_THAT(trace.requests[0].blocks, ElementsAre(5, 6, 7, 8));
}

TEST(CompactTrace, ACutGzipStreamIsAnError) {
  std::string lines;
  for (int i = 0; i < 20000; ++i) {
    lines += "1|user|1|" + std::to_string(i * 7919) + "|-1|9000|1|x|" + std::to_string(i) + "\n";
  }
  const std::string packed = Gzip(Compact(lines));
  const TraceFile file("a.ct.gz", packed.substr(0, packed.size() / 2));

  const ReadTrace trace = ReadAll(file.path());

  EXPECT_TRUE(absl::IsInvalidArgument(trace.status)) << trace.status;
  EXPECT_THAT(std::string(trace.status.message()),
              HasSubstr("the gzip stream is cut short; copy it again"));
}

TEST(TraceReader, ATimeThatNanosecondsDoNotHoldIsRefused) {
  const auto time_of = [](const std::string& time) {
    return TraceFile("a.ct", Compact(time + "|user|1|1|-1|512|1|end|1\n"));
  };

  EXPECT_TRUE(ReadAll(time_of("9000000000").path()).status.ok());
  EXPECT_EQ(ErrorOf(time_of("9000000001")),
            "a.ct:2: time of 9000000001 s: a trace has at most 9000000000 s");
}

TEST(TraceReader, ALineOverTheLimitIsRefusedAndOneAtTheLimitIsRead) {
  TraceOptions options;
  options.max_line_bytes = 200;
  std::string line = "1|user|1|2|-1|9000|1|x|5";
  const std::string header = kHeader;
  ASSERT_LT(header.size(), 200u);
  const std::string fill(200 - line.size(), 'y');
  line.replace(line.find("|x|"), 3, "|x" + fill + "|");
  ASSERT_EQ(line.size(), 200u);
  const TraceFile fits("a.ct", header + line + "\n" + line);
  line.replace(line.find("|x"), 2, "|xy");
  const TraceFile too_long("a.ct", header + line + "\n");

  EXPECT_EQ(ReadAll(fits.path(), options).requests.size(), 2u);
  EXPECT_EQ(ErrorOf(too_long, options), "a.ct:2: line longer than 200 bytes");
}

TEST(TraceReader, AFileWithoutAnEndOfLineIsRefusedAtTheLimit) {
  TraceOptions options;
  options.max_line_bytes = 1 << 20;
  const TraceFile file("huge.jsonl.gz", Gzip("{" + std::string(20 << 20, ' ')));

  EXPECT_EQ(ErrorOf(file, options), "huge.jsonl.gz:1: line longer than 1048576 bytes");
}

TEST(TraceReader, AMissingFileAnEmptyFileAndADirectoryAreNamed) {
  const TraceFile empty("empty.jsonl", "");

  EXPECT_TRUE(absl::IsNotFound(ReadAll("/nowhere/t.jsonl").status));
  EXPECT_EQ(ErrorOf(empty), "empty.jsonl: no request in it");
  EXPECT_THAT(std::string(ReadAll("/tmp").status.message()), HasSubstr("is a directory"));
}

TEST(TraceReader, LinesMayEndInCarriageReturn) {
  const TraceFile file("a.ct", Compact("1|user|1|2|-1|9000|1|x|5-8\r\n"));

  const ReadTrace trace = ReadAll(file.path());

  ASSERT_EQ(trace.requests.size(), 1u) << trace.status;
  EXPECT_THAT(trace.requests[0].blocks, ElementsAre(5, 6, 7, 8));
}

}  // namespace
}  // namespace halflife::tools
