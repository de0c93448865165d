#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "client/include/halflife/client.h"
#include "client/src/call.h"
#include "halflife/v1/cache.pb.h"

namespace halflife::client {

// One Lookup. The request is copied at construction: it keeps nothing of the caller's.
class LookupCall final : public Call {
 public:
  // The lease in numbers: only Client makes Lease objects.
  struct Answer {
    LookupResult result;
    uint64_t lease_id = 0;
    uint32_t leased_blocks = 0;
  };
  using Done = std::function<void(Answer)>;

  LookupCall(ClientCore& core, const LookupRequest& request, std::shared_ptr<NamespaceState> ns,
             Done done);

 private:
  void StartRpc() override;
  void Deliver(Outcome outcome) override;
  void OnResponse(const v1::LookupResponse& response);
  void Keep(const v1::LookupResponse& response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex());
  bool IsPlausible(const v1::LookupResponse& response) const;

  v1::LookupRequest message_;
  Answer answer_;
  Done done_;
};

}  // namespace halflife::client
