#include "server/rpc/fetch_control.h"

#include <gtest/gtest.h>

#include "common/limits.h"

namespace halflife {
namespace {

v1::FetchStart Window(uint32_t window) {
  v1::FetchStart start;
  start.set_window(window);
  return start;
}

v1::FetchRequest Credit(uint32_t count) {
  v1::FetchRequest request;
  request.mutable_credit()->set_count(count);
  return request;
}

v1::FetchRequest Floor(uint32_t index) {
  v1::FetchRequest request;
  request.mutable_floor()->set_index(index);
  return request;
}

TEST(FetchControl, NothingIsAllowedBeforeTheStart) {
  const FetchControl control;

  EXPECT_EQ(control.allowed().items, 0);
  EXPECT_TRUE(control.allowed().may_grow);
}

TEST(FetchControl, AWindowIsFromOneToAllThatACallMayAskFor) {
  for (const auto& [window, good] : {std::pair{0u, false},
                                     {1u, true},
                                     {kMaxTransferBlocks - 1, true},
                                     {kMaxTransferBlocks, true},
                                     {kMaxTransferBlocks + 1, false}}) {
    FetchControl control;
    EXPECT_EQ(control.Start(Window(window), {0, 8}).ok(), good) << window;
    EXPECT_EQ(control.allowed().items, good ? window : 0) << window;
  }
}

TEST(FetchControl, CreditsNotUsedYetAreBoundedUsedOnesAreNot) {
  FetchControl control;
  ASSERT_TRUE(control.Start(Window(8), {0, 8}).ok());

  EXPECT_FALSE(control.Take(Credit(0), 0).ok());
  EXPECT_FALSE(control.Take(Credit(kMaxTransferBlocks - 7), 0).ok());
  EXPECT_FALSE(control.Take(Credit(UINT32_MAX), 0).ok());
  EXPECT_EQ(control.allowed().items, 8);
  EXPECT_TRUE(control.Take(Credit(kMaxTransferBlocks - 8), 0).ok());
  EXPECT_FALSE(control.Take(Credit(1), 0).ok());
  EXPECT_TRUE(control.Take(Credit(3), 3).ok());
  EXPECT_EQ(control.allowed().items, kMaxTransferBlocks + 3);
}

TEST(FetchControl, AFloorRisesUpToTheEndOfWhatWasAskedFor) {
  FetchControl control;
  ASSERT_TRUE(control.Start(Window(1), {10, 20}).ok());

  EXPECT_FALSE(control.Take(Floor(0), 0).ok());
  EXPECT_TRUE(control.Take(Floor(1), 0).ok()) << "below the first one: of no effect, yet no error";
  EXPECT_TRUE(control.Take(Floor(15), 0).ok());
  EXPECT_FALSE(control.Take(Floor(15), 0).ok());
  EXPECT_FALSE(control.Take(Floor(14), 0).ok());
  EXPECT_FALSE(control.Take(Floor(21), 0).ok());
  EXPECT_EQ(control.allowed().floor, 15);
  EXPECT_TRUE(control.Take(Floor(20), 0).ok());
}

TEST(FetchControl, WhoeverHasClosedHisSideAllowsNoMore) {
  FetchControl control;
  ASSERT_TRUE(control.Start(Window(2), {0, 4}).ok());

  control.Close();

  EXPECT_FALSE(control.allowed().may_grow);
  EXPECT_EQ(control.allowed().items, 2);
}

}  // namespace
}  // namespace halflife
