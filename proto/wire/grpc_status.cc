#include "proto/wire/grpc_status.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/unknown_field_set.h>

#include <string>
#include <utility>

#include "absl/strings/cord.h"

namespace halflife {
namespace {

using google::protobuf::UnknownField;
using google::protobuf::UnknownFieldSet;

// The key of the detail in an absl::Status, and its type in a google.protobuf.Any; the value is the
// message's bytes.
constexpr char kRetryInfoType[] = "type.googleapis.com/google.rpc.RetryInfo";

// google/rpc/status.proto and error_details.proto are in no Debian package. Their fields, by
// number:
constexpr int kStatusCode = 1;     // Status.code, int32
constexpr int kStatusMessage = 2;  // Status.message, string
constexpr int kStatusDetails = 3;  // Status.details, repeated google.protobuf.Any
constexpr int kRetryDelay = 1;     // RetryInfo.retry_delay, google.protobuf.Duration

// Binary details are ignored by readers that do not want them; so are malformed ones here.
std::string EncodeDetails(const absl::Status& status, const std::string& retry_info) {
  google::protobuf::Any detail;
  detail.set_type_url(kRetryInfoType);
  detail.set_value(retry_info);
  UnknownFieldSet fields;
  fields.AddVarint(kStatusCode, static_cast<uint64_t>(status.raw_code()));
  fields.AddLengthDelimited(kStatusMessage, std::string(status.message()));
  fields.AddLengthDelimited(kStatusDetails, detail.SerializeAsString());
  std::string bytes;
  fields.SerializeToString(&bytes);
  return bytes;
}

std::optional<std::string> DecodeRetryInfo(const std::string& details) {
  UnknownFieldSet fields;
  if (details.empty() || !fields.ParseFromString(details)) return std::nullopt;
  for (int i = 0; i < fields.field_count(); ++i) {
    const UnknownField& field = fields.field(i);
    if (field.number() != kStatusDetails || field.type() != UnknownField::TYPE_LENGTH_DELIMITED)
      continue;
    google::protobuf::Any detail;
    if (detail.ParseFromString(field.length_delimited()) && detail.type_url() == kRetryInfoType) {
      return detail.value();
    }
  }
  return std::nullopt;
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const auto code = static_cast<grpc::StatusCode>(status.raw_code());
  const std::string message(status.message());
  const absl::optional<absl::Cord> retry_info = status.GetPayload(kRetryInfoType);
  if (!retry_info) return grpc::Status(code, message);
  return grpc::Status(code, message, EncodeDetails(status, std::string(*retry_info)));
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  absl::Status converted(static_cast<absl::StatusCode>(status.error_code()),
                         status.error_message());
  if (std::optional<std::string> retry_info = DecodeRetryInfo(status.error_details())) {
    converted.SetPayload(kRetryInfoType, absl::Cord(*std::move(retry_info)));
  }
  return converted;
}

absl::Status WithRetryDelay(absl::Status status, absl::Duration delay) {
  google::protobuf::Duration message;
  message.set_seconds(absl::IDivDuration(delay, absl::Seconds(1), &delay));
  message.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(delay)));
  UnknownFieldSet fields;
  fields.AddLengthDelimited(kRetryDelay, message.SerializeAsString());
  std::string bytes;
  fields.SerializeToString(&bytes);
  status.SetPayload(kRetryInfoType, absl::Cord(std::move(bytes)));
  return status;
}

std::optional<absl::Duration> RetryDelayOf(const absl::Status& status) {
  const absl::optional<absl::Cord> retry_info = status.GetPayload(kRetryInfoType);
  UnknownFieldSet fields;
  if (!retry_info || !fields.ParseFromString(std::string(*retry_info))) return std::nullopt;
  for (int i = 0; i < fields.field_count(); ++i) {
    const UnknownField& field = fields.field(i);
    if (field.number() != kRetryDelay || field.type() != UnknownField::TYPE_LENGTH_DELIMITED)
      continue;
    google::protobuf::Duration message;
    if (!message.ParseFromString(field.length_delimited())) return std::nullopt;
    return absl::Seconds(message.seconds()) + absl::Nanoseconds(message.nanos());
  }
  return std::nullopt;
}

}  // namespace halflife
