#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/strings.h"

// Propagation macros with the meaning of Abseil's newer ones (Debian's Abseil 20220623 has none).

#define HL_CONCAT_INNER(a, b) a##b
#define HL_CONCAT(a, b) HL_CONCAT_INNER(a, b)

#define HL_RETURN_IF_ERROR(expression)                            \
  do {                                                            \
    if (absl::Status hl_status = (expression); !hl_status.ok()) { \
      return hl_status;                                           \
    }                                                             \
  } while (false)

#define HL_ASSIGN_OR_RETURN(lhs, expression) \
  HL_ASSIGN_OR_RETURN_INNER(HL_CONCAT(hl_statusor_, __LINE__), lhs, expression)

#define HL_ASSIGN_OR_RETURN_INNER(statusor, lhs, expression) \
  auto statusor = (expression);                              \
  if (!statusor.ok()) return std::move(statusor).status();   \
  lhs = *std::move(statusor)
