#include "proto/wire/shm_line.h"

#include <gtest/gtest.h>

#include "halflife/v1/shared_memory.pb.h"

namespace halflife {
namespace {

TEST(ShmLine, CallsAndAnswersComeBackAsTheyWereWritten) {
  v1::LeaseBlocksRequest request;
  request.set_lease_ms(1234);
  const std::string call_packet = EncodeLineCall(LineMethod::kCommitBlocks, 7, request);
  v1::LeaseBlocksResponse response;
  response.set_lease_id(99);
  const std::string answer_packet = EncodeLineAnswer(7, response);

  const auto call = DecodeLineCall(call_packet);
  const auto answer = DecodeLineAnswer(answer_packet);

  ASSERT_TRUE(call.ok() && answer.ok());
  EXPECT_EQ(call->method, LineMethod::kCommitBlocks);
  EXPECT_EQ(call->number, 7u);
  EXPECT_EQ(call->message, request.SerializeAsString());
  EXPECT_EQ(answer->number, 7u);
  EXPECT_EQ(answer->code, 0u);
  EXPECT_EQ(answer->body, response.SerializeAsString());
}

TEST(ShmLine, AFailureHasItsCodeAndAsMuchOfItsTextAsFits) {
  const std::string packet = EncodeLineFailure(3, absl::ResourceExhaustedError("no room"));
  const std::string huge =
      EncodeLineFailure(3, absl::InternalError(std::string(2 * kMaxLineBytes, 'x')));

  EXPECT_EQ(DecodeLineAnswer(packet)->code, 8u);
  EXPECT_EQ(DecodeLineAnswer(packet)->body, "no room");
  EXPECT_EQ(huge.size(), kMaxLineBytes);
  EXPECT_TRUE(DecodeLineAnswer(huge).ok());
}

TEST(ShmLine, TheLayoutIsThatOfTheFormat) {
  const std::string packet =
      EncodeLineCall(LineMethod::kLeaseBlocks, 0x11223344, v1::LeaseBlocksRequest());
  const std::string failure = EncodeLineFailure(0x55667788, absl::AbortedError("a"));

  EXPECT_EQ(packet, std::string("HLLC\x01\0\0\0\x44\x33\x22\x11", 12));
  EXPECT_EQ(failure, std::string("HLLA\x88\x77\x66\x55\x0a\0\0\0a", 13));
}

TEST(ShmLine, AnyOtherLengthMagicMethodOrCodeIsRefused) {
  const std::string good = EncodeLineCall(LineMethod::kLeaseBlocks, 1, v1::LeaseBlocksRequest());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(DecodeLineCall(good.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(DecodeLineAnswer(good).ok());
  EXPECT_FALSE(DecodeLineCall(EncodeLineAnswer(1, v1::LeaseBlocksResponse())).ok());
  for (const char method : {'\0', '\4', '\xff'}) {
    std::string packet = good;
    packet[4] = method;
    EXPECT_FALSE(DecodeLineCall(packet).ok());
  }
  std::string answer = EncodeLineAnswer(1, v1::LeaseBlocksResponse());
  answer[8] = 16;
  EXPECT_TRUE(DecodeLineAnswer(answer).ok());
  answer[8] = 17;
  EXPECT_FALSE(DecodeLineAnswer(answer).ok());
}

TEST(ShmLine, AMessageOfMoreThanTheLimitIsNotWritten) {
  v1::LeaseBlocksRequest request;
  request.set_session(std::string(kMaxLineBytes - 12 - 4, 's'));  // and 4 bytes of tag and length
  EXPECT_EQ(EncodeLineCall(LineMethod::kLeaseBlocks, 1, request).size(), kMaxLineBytes);

  request.set_session(request.session() + "s");
  EXPECT_EQ(EncodeLineCall(LineMethod::kLeaseBlocks, 1, request), "");
  EXPECT_FALSE(DecodeLineCall(std::string(kMaxLineBytes + 1, 'H')).ok());
}

}  // namespace
}  // namespace halflife
