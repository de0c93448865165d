#include <string>
#include <string_view>

#include "common/check.h"
#include "halflife/v1/shared_memory.pb.h"
#include "proto/wire/shm_line.h"

// What a client sends on its line, and what a daemon answers there. Neither reads beyond the
// packet, and what is written for a message that parses is read again.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace halflife;
  const std::string_view packet(reinterpret_cast<const char*>(data), size);

  const auto call = DecodeLineCall(packet);
  if (call.ok()) {
    HL_CHECK(call->message.size() == size - 12);
    v1::LeaseBlocksRequest request;
    if (request.ParseFromArray(call->message.data(), static_cast<int>(call->message.size()))) {
      const std::string again = EncodeLineCall(call->method, call->number, request);
      HL_CHECK(again.empty() || DecodeLineCall(again)->number == call->number);
    }
  }
  const auto answer = DecodeLineAnswer(packet);
  if (answer.ok()) {
    HL_CHECK(!call.ok() && answer->code <= 16);
    v1::LeaseBlocksResponse response;
    if (answer->code == 0 &&
        response.ParseFromArray(answer->body.data(), static_cast<int>(answer->body.size()))) {
      const std::string again = EncodeLineAnswer(answer->number, response);
      HL_CHECK(again.empty() || DecodeLineAnswer(again)->number == answer->number);
    }
  }
  return 0;
}
