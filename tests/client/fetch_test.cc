#include <gtest/gtest.h>

#include <optional>

#include "client/include/halflife/client.h"
#include "client/src/fetch_call.h"
#include "common/limits.h"
#include "tests/client/client_fixture.h"
#include "tests/client/local_daemon.h"
#include "tests/server/rpc/wait_until.h"

namespace halflife::client {
namespace {

class FetchTest : public testing::Test {
 protected:
  // A daemon that has these blocks.
  void PutChain(const std::vector<Hash>& chain) {
    Buffers from(chain);
    from.FillWithPayload();
    PutRequest put;
    put.ns = ns_;
    for (size_t i = 0; i < from.size(); i += 128) {
      const auto items = from.PutItems();
      put.items.assign(items.begin() + static_cast<ptrdiff_t>(i),
                       items.begin() + static_cast<ptrdiff_t>(std::min(items.size(), i + 128)));
      ASSERT_EQ(client_->Put(put).outcome, Outcome::kOk);
    }
  }
  GetRequest Descending(const Buffers& into) const {
    GetRequest request = GetOf(ns_, into);
    request.order = Order::kDescending;
    return request;
  }
  uint64_t OkFetches() {
    return daemon_.server().stats().methods[static_cast<int>(RpcMethod::kFetch)].handled[0];
  }

  SocketDirectory directory_;
  LocalDaemon daemon_{directory_.socket()};
  std::unique_ptr<Client> client_ = OpenConnected(directory_.endpoint());
  NamespaceHandle ns_ = client_->OpenNamespace(SmallNamespace());
};

TEST_F(FetchTest, WithoutBeingSteeredItIsAGet) {
  const auto chain = Chain(1, 100);
  PutChain(chain);
  for (const uint32_t window : {0, 1, 8, 128}) {
    Buffers into(chain);

    const GetResult got = client_->Fetch(Descending(into), window)->Wait();

    EXPECT_EQ(got.outcome, Outcome::kOk) << got.error;
    EXPECT_EQ(got.ok_items, 100u);
    for (size_t i = 0; i < into.size(); ++i) EXPECT_TRUE(into.HoldsPayload(i)) << i;
  }
  EXPECT_EQ(client_->stats().identity_mismatches + client_->stats().corrupt_blocks, 0u);
}

TEST(UsualWindow, IsEnoughBytesToKeepTheDaemonSending) {
  EXPECT_EQ(UsualWindow(kMinBlockBytes), 128u);
  EXPECT_EQ(UsualWindow(64 << 10), 64u);
  EXPECT_EQ(UsualWindow(256 << 10), 16u);
  EXPECT_EQ(UsualWindow(1 << 20), 8u);
  EXPECT_EQ(UsualWindow(kMaxBlockBytes), 8u);
}

TEST_F(FetchTest, WhatHasComeCanBeReadBeforeTheEnd) {
  const auto chain = Chain(1, 16);
  PutChain(chain);
  Buffers into(chain);

  const auto fetch = client_->Fetch(Descending(into));

  WaitUntil([&] { return fetch->StateOf(15) == Outcome::kOk; }, "the last block");
  EXPECT_TRUE(into.HoldsPayload(15));
  EXPECT_EQ(fetch->Wait().ok_items, 16u);
  EXPECT_EQ(fetch->StateOf(0), Outcome::kOk);
}

TEST_F(FetchTest, TheTwoEndsMeet) {
  const auto chain = Chain(1, 128);
  PutChain(chain);
  Buffers into(chain);
  const auto fetch = client_->Fetch(Descending(into), 4);

  // An engine that takes the next block from the front as long as it has not come.
  uint32_t computed = 0;
  while (computed < 128 && fetch->StateOf(computed) != Outcome::kOk) {
    fetch->SetFloor(++computed);
  }
  const GetResult got = fetch->Wait();

  EXPECT_EQ(got.outcome, Outcome::kOk);
  for (uint32_t i = computed; i < 128; ++i) {
    EXPECT_EQ(got.items[i].outcome, Outcome::kOk) << i << " of " << computed;
    EXPECT_TRUE(into.HoldsPayload(i)) << i;
  }
  WaitUntil([&] { return daemon_.server().stats().open_streams() == 0; }, "the stream to end");
  EXPECT_EQ(OkFetches(), 1u);
}

TEST_F(FetchTest, BelowTheFloorNobodyWritesAnyMore) {
  const auto chain = Chain(1, 64);
  PutChain(chain);
  for (const Order order : {Order::kAscending, Order::kDescending}) {
    Buffers into(chain);
    GetRequest request = GetOf(ns_, into);
    request.order = order;
    const auto fetch = client_->Fetch(std::move(request), 16);

    fetch->SetFloor(60);
    std::vector<std::vector<uint8_t>> before;
    for (size_t i = 0; i < 60; ++i) before.push_back(into.Bytes(i));
    const GetResult got = fetch->Wait();

    EXPECT_EQ(got.outcome, Outcome::kOk);
    for (size_t i = 0; i < 60; ++i) {
      EXPECT_TRUE(before[i] == into.Bytes(i)) << i;
      EXPECT_EQ(got.items[i].outcome == Outcome::kOk, into.HoldsPayload(i)) << i;
    }
    for (size_t i = 60; i < 64; ++i) EXPECT_TRUE(into.HoldsPayload(i)) << i;
  }
}

TEST_F(FetchTest, StoppedItEndsWellWithWhatHasCome) {
  const auto chain = Chain(1, 64);
  PutChain(chain);
  Buffers into(chain);
  const auto fetch = client_->Fetch(Descending(into), 1);

  fetch->Stop();
  const GetResult got = fetch->Wait();

  EXPECT_EQ(got.outcome, Outcome::kOk);
  for (size_t i = 0; i < into.size(); ++i) {
    EXPECT_EQ(got.items[i].outcome, into.HoldsPayload(i) ? Outcome::kOk : Outcome::kMiss) << i;
  }
  EXPECT_EQ(client_->stats().identity_mismatches, 0u);
}

TEST_F(FetchTest, AHoleIsAMissInItsPlace) {
  const auto chain = Chain(1, 8);
  PutChain(chain);
  ASSERT_EQ(client_->Delete(ns_, View<Hash>(chain.data() + 4, 1)), 1);
  Buffers into(chain);

  const GetResult got = client_->Fetch(Descending(into), 2)->Wait();

  EXPECT_EQ(got.outcome, Outcome::kOk);
  EXPECT_EQ(got.ok_items, 7u);
  EXPECT_EQ(got.items[4].outcome, Outcome::kMiss);
}

TEST_F(FetchTest, ALeasedPrefixIsFetchedByItsLease) {
  const auto chain = Chain(1, 8);
  PutChain(chain);
  LookupRequest lookup = LookupOf(ns_, chain);
  lookup.pin = true;
  const LookupResult pinned = client_->Lookup(lookup);
  ASSERT_EQ(client_->Delete(ns_, chain), 8);
  Buffers into(chain);
  GetRequest request = Descending(into);
  request.lease = &pinned.lease;

  EXPECT_EQ(client_->Fetch(request)->Wait().ok_items, 8u);

  for (size_t i = 0; i < into.size(); ++i) EXPECT_TRUE(into.HoldsPayload(i)) << i;
}

TEST_F(FetchTest, ADaemonThatForgotTheNamespaceIsToldAgainTheFloorToo) {
  const auto chain = Chain(1, 32);
  PutChain(chain);
  Buffers into(chain);
  ASSERT_EQ(client_->DeleteNamespace(ns_), 32);

  const auto fetch = client_->Fetch(Descending(into), 1);
  fetch->SetFloor(30);
  const GetResult got = fetch->Wait();

  EXPECT_EQ(got.outcome, Outcome::kOk) << "empty, but there";
  EXPECT_EQ(got.ok_items, 0u);
}

TEST_F(FetchTest, WrongArgumentsAreInvalid) {
  Buffers into(Chain(1, 4));
  GetRequest no_items;
  no_items.ns = ns_;

  for (const uint32_t window : {129u, UINT32_MAX}) {
    const GetResult got = client_->Fetch(Descending(into), window)->Wait();
    EXPECT_EQ(got.outcome, Outcome::kInvalid);
    EXPECT_NE(got.error.find("window"), std::string::npos) << got.error;
  }
  const auto fetch = client_->Fetch(no_items);
  fetch->SetFloor(3);
  fetch->Stop();
  EXPECT_EQ(fetch->Wait().outcome, Outcome::kInvalid);
  EXPECT_EQ(client_->Fetch(GetRequest())->Wait().outcome, Outcome::kInvalid);
}

TEST_F(FetchTest, AHandleThatIsDroppedEndsItsCall) {
  const auto chain = Chain(1, 64);
  PutChain(chain);
  Buffers into(chain);

  for (int i = 0; i < 20; ++i) client_->Fetch(Descending(into), 1);

  WaitUntil([&] { return daemon_.server().stats().open_streams() == 0; }, "the streams to end");
  EXPECT_EQ(OkFetches(), 20u);
  EXPECT_EQ(daemon_.server().stats().inflight_get_bytes, 0u);
}

TEST_F(FetchTest, TheEndOfTheClientIsItsEnd) {
  const auto chain = Chain(1, 128);
  PutChain(chain);
  Buffers into(chain);
  const auto fetch = client_->Fetch(Descending(into), 1);

  client_.reset();

  fetch->SetFloor(1);
  fetch->Stop();
  const GetResult got = fetch->Wait();
  EXPECT_TRUE(got.outcome == Outcome::kUnavailable || got.outcome == Outcome::kOk);
  for (const GetItem& item : got.items) EXPECT_NE(item.outcome, Outcome::kInvalid);
}

TEST_F(FetchTest, ItsBudgetEndsItThoughTheDaemonIsSilent) {
  const auto chain = Chain(1, 2);
  PutChain(chain);
  daemon_.Stop();
  Buffers into(chain);
  GetRequest request = Descending(into);
  request.budget = std::chrono::milliseconds(50);

  const GetResult got = client_->Fetch(request)->Wait();

  EXPECT_TRUE(got.outcome == Outcome::kTimeout || got.outcome == Outcome::kUnavailable);
  EXPECT_EQ(got.ok_items, 0u);
}

}  // namespace
}  // namespace halflife::client
