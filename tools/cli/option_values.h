#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "common/strings.h"

namespace halflife::tools {

// What an option's value was parsed to; an error names the option.
template <typename T>
absl::StatusOr<T> OfOption(std::string_view name, absl::StatusOr<T> parsed) {
  if (parsed.ok()) return parsed;
  return absl::Status(parsed.status().code(), StrCat(name, ": ", ToStd(parsed.status().message())));
}

// An option that takes one of several words, each of which stands for a value.
template <typename T>
CLI::Option* AddChoice(CLI::App* command, const std::string& name, T& value,
                       const std::vector<std::pair<std::string, T>>& choices,
                       const std::string& description) {
  std::vector<std::string> words;
  std::string text;
  for (const auto& [word, meaning] : choices) {
    words.push_back(word);
    text += (text.empty() ? "" : "|") + word;
  }
  for (const auto& [word, meaning] : choices) {
    if (meaning == value) text += " [" + word + "]";
  }
  const auto parse = [&value, choices](const CLI::results_t& results) {
    for (const auto& [word, meaning] : choices) {
      if (word == results.front()) value = meaning;
    }
    return true;
  };
  return command->add_option(name, parse, description)
      ->check(CLI::IsMember(words))
      ->option_text(text);
}

}  // namespace halflife::tools
