#pragma once

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace halflife {

// Debian builds Abseil with its own string_view class, which std::string_view does not convert to.
// The project uses std::string_view; these carry it over the border.
inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view ToStd(absl::string_view text) { return {text.data(), text.size()}; }

namespace internal {
inline absl::string_view CatPiece(std::string_view text) { return ToAbsl(text); }
inline absl::string_view CatPiece(const std::string& text) { return text; }
inline absl::string_view CatPiece(const char* text) { return text; }
template <typename T>
inline const T& CatPiece(const T& value) {
  return value;
}
}  // namespace internal

// absl::StrCat that also takes std::string_view.
template <typename... Pieces>
std::string StrCat(const Pieces&... pieces) {
  return absl::StrCat(internal::CatPiece(pieces)...);
}

}  // namespace halflife
