#include "client/src/outcome.h"

namespace halflife::client {

const char* OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
      return "ok";
    case Outcome::kMiss:
      return "miss";
    case Outcome::kTimeout:
      return "timeout";
    case Outcome::kUnavailable:
      return "unavailable";
    case Outcome::kRefused:
      return "refused";
    case Outcome::kInvalid:
      return "invalid";
  }
  return "unknown";
}

Outcome OutcomeOf(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return Outcome::kOk;
    case grpc::StatusCode::INVALID_ARGUMENT:
      return Outcome::kInvalid;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return Outcome::kTimeout;
    case grpc::StatusCode::ABORTED:  // the lease is gone
    case grpc::StatusCode::NOT_FOUND:
      return Outcome::kMiss;
    default:
      return Outcome::kUnavailable;
  }
}

}  // namespace halflife::client
