#pragma once

#include <cstddef>
#include <functional>

#include "common/executor.h"

namespace halflife {

// Calls item(0) … item(count - 1), each once, in the executor's threads and in this one, and
// returns when all have returned. The calling thread works too, so a full queue costs speed, never
// progress, and nothing waits for a thread that has not started.
void ForEachOn(Executor& executor, size_t count, const std::function<void(size_t)>& item);

}  // namespace halflife
