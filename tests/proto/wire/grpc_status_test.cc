#include "proto/wire/grpc_status.h"

#include <gtest/gtest.h>

namespace halflife {
namespace {

TEST(GrpcStatus, EveryCodeAndItsMessageSurvivesBothWays) {
  for (int code = 0; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "the reason");

    const grpc::Status converted = ToGrpcStatus(status);

    EXPECT_EQ(converted.error_code(), code);
    EXPECT_EQ(FromGrpcStatus(converted), status);
    EXPECT_FALSE(RetryDelayOf(FromGrpcStatus(converted)).has_value());
  }
}

TEST(GrpcStatus, ARetryDelayTravelsAsADetail) {
  for (const absl::Duration delay :
       {absl::ZeroDuration(), absl::Nanoseconds(1), absl::Milliseconds(1500), absl::Hours(30)}) {
    const absl::Status status = WithRetryDelay(absl::ResourceExhaustedError("no room"), delay);
    EXPECT_EQ(RetryDelayOf(FromGrpcStatus(ToGrpcStatus(status))), delay);
  }
}

TEST(GrpcStatus, TheDetailIsAGoogleRpcStatusWithARetryInfo) {
  const absl::Status status = WithRetryDelay(absl::ResourceExhaustedError("no"), absl::Seconds(2));

  // code = 8, message = "no", details = Any{type_url, value = RetryInfo{retry_delay =
  // Duration{seconds = 2}}}
  EXPECT_EQ(ToGrpcStatus(status).error_details(),
            "\x08\x08\x12\x02no\x1a\x30\x0a\x28type.googleapis.com/"
            "google.rpc.RetryInfo\x12\x04\x0a\x02\x08\x02");
}

TEST(GrpcStatus, DetailsThatAreNotUnderstoodAreIgnored) {
  for (const char* details : {"garbage", "\x1a\x02\xff\xff", "\x1a\x00", "\x18\x01"}) {
    const grpc::Status status(grpc::StatusCode::UNAVAILABLE, "away", details);
    EXPECT_EQ(FromGrpcStatus(status), absl::UnavailableError("away"));
  }
}

}  // namespace
}  // namespace halflife
