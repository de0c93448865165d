#include "tools/admin/live_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace halflife::tools {
namespace {

using testing::ElementsAre;

void AddRequest(v1::ExportRequestsResponse& message, double time_s, uint32_t category,
                const std::vector<uint64_t>& blocks) {
  v1::SampledRequest* request = message.add_requests();
  request->set_time_seconds(time_s);
  request->set_category(category);
  request->set_block_tokens(16);
  request->set_chain_blocks(8 * static_cast<uint32_t>(blocks.size()));
  for (const uint64_t block : blocks) request->add_blocks(block);
}

// One of eight blocks.
std::vector<v1::ExportRequestsResponse> TwoMessages() {
  std::vector<v1::ExportRequestsResponse> messages(2);
  messages[0].set_sample_rate(0.125);
  messages[0].set_lookup_blocks(48);
  messages[0].set_hit_blocks(12);
  messages[0].set_block_bytes(32 << 10);
  messages[0].set_capacity_bytes(1 << 20);
  for (const char* name : {"unknown", "agent/3-4/tool_use", "chat/9+", "rag", "other"}) {
    messages[0].add_categories(name);
  }
  AddRequest(messages[0], 0, 1, {11, 12});
  AddRequest(messages[0], 3, 2, {11});
  AddRequest(messages[1], 7, 3, {11, 12, 13});
  return messages;
}

std::vector<Request> ReadAll(LiveSource& source) {
  std::vector<Request> requests;
  Request request;
  while (*source.Next(request)) requests.push_back(request);
  return requests;
}

TEST(LiveSource, ReadsTheRequestsOfAllMessagesWithWhatTheirCategorySays) {
  LiveSource source(TwoMessages());

  const std::vector<Request> requests = ReadAll(source);

  ASSERT_EQ(requests.size(), 3u);
  EXPECT_THAT(requests[0].blocks, ElementsAre(11, 12));
  EXPECT_EQ(requests[0].type, "agent");
  EXPECT_EQ(requests[0].turn, 3u);
  EXPECT_EQ(requests[0].previous_stop, "tool_use");
  EXPECT_EQ(requests[1].type, "chat");
  EXPECT_EQ(requests[1].turn, 9u);
  EXPECT_EQ(requests[2].type, "rag");
  EXPECT_EQ(requests[2].session, requests[0].session) << "its chain goes on where that one ended";
  EXPECT_EQ(requests[2].time_s, 7);
  EXPECT_EQ(source.progress(), 1);
}

TEST(LiveSource, ASampledBlockStandsForTheTokensOfAllThatItStandsFor) {
  LiveSource source(TwoMessages());

  EXPECT_EQ(source.sample().blocks_per_block(), 8u);
  EXPECT_EQ(source.block_tokens(), 8u * 16);
  EXPECT_EQ(source.sample().requests, 3u);
  EXPECT_EQ(source.sample().window_s, 7);
  EXPECT_EQ(source.sample().lookup_blocks, 48u);
}

TEST(LiveSource, ADaemonThatSaysNothingOrNonsenseHasNoRequests) {
  LiveSource none({});
  Request request;
  EXPECT_FALSE(*none.Next(request));
  EXPECT_EQ(none.sample().requests, 0u);

  std::vector<v1::ExportRequestsResponse> wild = TwoMessages();
  wild[0].set_sample_rate(-1);
  wild[0].mutable_requests(0)->set_category(1'000'000);
  LiveSource source(wild);
  EXPECT_EQ(ReadAll(source)[0].type, "");
  EXPECT_EQ(source.sample().blocks_per_block(), 1u);
}

}  // namespace
}  // namespace halflife::tools
