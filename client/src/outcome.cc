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

void TallyItems(GetResult* result) {
  bool unbroken = true;
  for (GetItem& item : result->items) {
    if (item.outcome != Outcome::kOk && result->outcome != Outcome::kOk)
      item.outcome = result->outcome;
    const bool ok = item.outcome == Outcome::kOk;
    unbroken = unbroken && ok;
    result->ok_items += ok ? 1 : 0;
    result->prefix_items += unbroken ? 1 : 0;
  }
}

void TallyItems(PutResult* result) {
  for (PutItem& item : result->items) {
    // What an unfinished Put has stored is not known: it is not claimed.
    if (result->outcome != Outcome::kOk) {
      item.outcome = result->outcome;
      item.duplicate = false;
    }
    result->stored += item.outcome == Outcome::kOk && !item.duplicate ? 1 : 0;
    result->duplicates += item.duplicate ? 1 : 0;
    result->refused += item.outcome == Outcome::kRefused ? 1 : 0;
  }
}

}  // namespace halflife::client
