// The policies on a real trace: what they must hit, and what the guard must not lose.

#include "tests/storage/residency/chat_trace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "storage/residency/policy_factory.h"

namespace halflife {
namespace {

using Kind = ResidencyPolicyOptions::Kind;

class ChatTrace : public ::testing::Test {
 protected:
  void SetUp() override {
    trace_ = ReadChatTrace(SIZE_MAX);
    if (trace_.empty()) GTEST_SKIP() << kChatTrace << " is not here";
    std::set<uint64_t> unique;
    for (const TestRequest& request : trace_) {
      unique.insert(request.blocks.begin(), request.blocks.end());
      references_ += request.blocks.size();
    }
    unique_blocks_ = unique.size();
  }

  double HitRatio(const ResidencyPolicyOptions& options, double capacity_share) {
    const std::unique_ptr<ResidencyPolicy> policy = MakeResidencyPolicy(options);
    PolicyCache cache(policy.get(),
                      static_cast<size_t>(capacity_share * static_cast<double>(unique_blocks_)));
    return Ratio(cache);
  }
  double RecencyHitRatio(double capacity_share) {
    ListCache cache(static_cast<size_t>(capacity_share * static_cast<double>(unique_blocks_)));
    return Ratio(cache);
  }

 private:
  template <typename Cache>
  double Ratio(Cache& cache) {
    size_t hits = 0;
    for (const TestRequest& request : trace_) hits += cache.Serve(request);
    return static_cast<double>(hits) / static_cast<double>(references_);
  }

  std::vector<TestRequest> trace_;
  size_t references_ = 0;
  size_t unique_blocks_ = 0;
};

TEST_F(ChatTrace, TheModelHitsFarMoreThanRecencyWhereDramIsScarce) {
  EXPECT_NEAR(RecencyHitRatio(0.02), 0.080, 0.001);
  EXPECT_GT(HitRatio({.kind = Kind::kModel}, 0.02), 0.145);  // without categories
  EXPECT_GT(HitRatio({.kind = Kind::kModel}, 0.05), 0.225);
}

TEST_F(ChatTrace, TheModelIsNoWorseThanRecencyWhereDramIsAmple) {
  for (const double share : {0.2, 0.5}) {
    EXPECT_GT(HitRatio({.kind = Kind::kModel}, share), RecencyHitRatio(share) - 0.003) << share;
  }
}

}  // namespace
}  // namespace halflife
