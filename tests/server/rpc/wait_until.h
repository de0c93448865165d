#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>

namespace halflife {

// Gives other threads the processor until `condition` holds; fails the test if it does not within
// 20 s. For what happens on gRPC's threads, whose time no test can turn.
inline void WaitUntil(const std::function<bool()>& condition, const char* what) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    ASSERT_LT(std::chrono::steady_clock::now(), give_up) << what;
    std::this_thread::yield();
  }
}

}  // namespace halflife
