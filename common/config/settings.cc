#include "common/config/settings.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/block/category_pins.h"
#include "common/block/namespace_limits.h"
#include "common/status.h"
#include "common/strings.h"
#include "common/units.h"
#include "common/utf8.h"

namespace halflife {
namespace {

constexpr size_t kMaxEchoedBytes = 60;
constexpr size_t kMaxValueBytes = 4096;
constexpr size_t kMaxIds = 64;
constexpr double kMaxDecimal = 1000;
constexpr size_t kMaxSocketPathBytes = 107;  // sockaddr_un::sun_path without its final zero

std::string Quoted(std::string_view text) {
  return StrCat("\"", text.substr(0, kMaxEchoedBytes), text.size() > kMaxEchoedBytes ? "…" : "",
                "\"");
}

std::vector<std::string> ChoicesOf(const Setting& setting) {
  return absl::StrSplit(ToAbsl(setting.choices), '|');
}

absl::Status CheckText(std::string_view text) {
  if (text.size() > kMaxValueBytes) return absl::InvalidArgumentError("longer than 4096 bytes");
  if (!IsUtf8(text)) return absl::InvalidArgumentError("not UTF-8");
  for (const char c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      return absl::InvalidArgumentError("contains a control character");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<SettingValue> ParsePath(std::string_view text, size_t limit) {
  if (!text.empty() && text[0] != '/') {
    return absl::InvalidArgumentError(
        StrCat(Quoted(text), ": must be an absolute path; begin it with /"));
  }
  if (text.size() > limit) {
    return absl::InvalidArgumentError(
        StrCat(Quoted(text), ": ", text.size(), " bytes long; at most ", limit));
  }
  while (text.size() > 1 && text.back() == '/') text.remove_suffix(1);
  return SettingValue{.text = std::string(text)};
}

absl::StatusOr<SettingValue> ParseBoolean(std::string_view text) {
  if (text == "true") return SettingValue{.text = "true", .number = 1};
  if (text == "false") return SettingValue{.text = "false"};
  return absl::InvalidArgumentError(StrCat(Quoted(text), ": write true or false"));
}

// From 0 to `largest`.
absl::StatusOr<SettingValue> ParseRatio(std::string_view text, double largest) {
  double ratio = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), ratio, std::chars_format::fixed);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  // from_chars also reads "inf" and "nan".
  if (!whole || text[0] < '0' || text[0] > '9' || ratio > largest) {
    return absl::InvalidArgumentError(
        largest > 1 ? StrCat(Quoted(text), ": write a number from 0 to ", largest, ", such as 1.5")
                    : StrCat(Quoted(text), ": write a share from 0 to 1, such as 0.05"));
  }
  return SettingValue{
      .text = largest > 1 ? absl::StrFormat("%.7g", ratio) : absl::StrFormat("%.4g", ratio),
      .ratio = ratio};
}

absl::StatusOr<SettingValue> ParseChoice(const Setting& setting, std::string_view text) {
  const std::vector<std::string> choices = ChoicesOf(setting);
  const auto found = std::find(choices.begin(), choices.end(), text);
  if (found == choices.end()) {
    return absl::InvalidArgumentError(StrCat(Quoted(text), ": expected ", ExpectationOf(setting)));
  }
  return SettingValue{.text = *found, .number = found - choices.begin()};
}

absl::StatusOr<SettingValue> ParseTyped(const Setting& setting, std::string_view text) {
  switch (setting.type) {
    case SettingType::kText:
      return SettingValue{.text = std::string(text)};
    case SettingType::kPath:
      return ParsePath(text, kMaxValueBytes);
    case SettingType::kSocketPath:
      return ParsePath(text, kMaxSocketPathBytes);
    case SettingType::kAddress: {
      if (!text.empty()) HL_RETURN_IF_ERROR(ParseAddress(text).status());
      return SettingValue{.text = std::string(text)};
    }
    case SettingType::kInteger: {
      HL_ASSIGN_OR_RETURN(const int64_t number, ParseInteger(text));
      return SettingValue{.text = StrCat(number), .number = number};
    }
    case SettingType::kBoolean:
      return ParseBoolean(text);
    case SettingType::kRatio:
      return ParseRatio(text, 1);
    case SettingType::kDecimal:
      return ParseRatio(text, kMaxDecimal);
    case SettingType::kBytes: {
      HL_ASSIGN_OR_RETURN(const uint64_t bytes, ParseBytes(text));
      return SettingValue{.text = ExactBytes(bytes), .number = static_cast<int64_t>(bytes)};
    }
    case SettingType::kDuration: {
      HL_ASSIGN_OR_RETURN(const absl::Duration duration, ParseDuration(text));
      return SettingValue{.text = ExactDuration(duration),
                          .number = absl::ToInt64Nanoseconds(duration)};
    }
    case SettingType::kIds: {
      HL_ASSIGN_OR_RETURN(const std::vector<uint32_t> ids, ParseIds(text));
      return SettingValue{.text = absl::StrJoin(ids, ",")};
    }
    case SettingType::kPins:
      HL_RETURN_IF_ERROR(ParseDaemonPinRules(text).status());
      return SettingValue{.text = std::string(text)};
    case SettingType::kLimits:
      HL_RETURN_IF_ERROR(ParseNamespaceLimits(text).status());
      return SettingValue{.text = std::string(text)};
    case SettingType::kChoice:
      break;
  }
  return ParseChoice(setting, text);
}

bool Less(const SettingValue& a, const SettingValue& b) {
  return a.number < b.number || a.ratio < b.ratio;
}

absl::Status CheckLimits(const Setting& setting, const SettingValue& value) {
  // A limit that does not parse is a mistake in the table; a test parses them all.
  if (!setting.minimum.empty()) {
    HL_ASSIGN_OR_RETURN(const SettingValue minimum, ParseTyped(setting, setting.minimum));
    if (Less(value, minimum)) {
      return absl::InvalidArgumentError(
          StrCat(value.text, " is below the minimum of ", setting.minimum));
    }
  }
  if (!setting.maximum.empty()) {
    HL_ASSIGN_OR_RETURN(const SettingValue maximum, ParseTyped(setting, setting.maximum));
    if (Less(maximum, value)) {
      return absl::InvalidArgumentError(
          StrCat(value.text, " is above the maximum of ", setting.maximum));
    }
  }
  return absl::OkStatus();
}

std::string_view TypeName(SettingType type) {
  switch (type) {
    case SettingType::kText:
      return "a text";
    case SettingType::kPath:
    case SettingType::kSocketPath:
      return "an absolute path";
    case SettingType::kAddress:
      return "an address such as 127.0.0.1:9461";
    case SettingType::kInteger:
      return "a whole number";
    case SettingType::kBoolean:
      return "true or false";
    case SettingType::kRatio:
      return "a share";
    case SettingType::kDecimal:
      return "a number";
    case SettingType::kBytes:
      return "a size";
    case SettingType::kDuration:
      return "a duration";
    case SettingType::kIds:
      return "numbers such as 1000,1001";
    case SettingType::kPins:
      return "pins such as vip: tenant=acme";
    case SettingType::kLimits:
      return "rules like a: min_bytes=8GiB";
    case SettingType::kChoice:
      break;
  }
  return "one of";
}

// Levenshtein distance, two rows.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> previous(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    std::vector<size_t> row(b.size() + 1);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = previous[j - 1] + (a[i - 1] != b[j - 1] ? 1 : 0);
      row[j] = std::min({replaced, previous[j] + 1, row[j - 1] + 1});
    }
    previous.swap(row);
  }
  return previous[b.size()];
}

std::string_view LastWord(std::string_view key) { return key.substr(key.rfind('.') + 1); }

}  // namespace

const Setting* FindSetting(std::string_view key) {
  for (const Setting& setting : Settings()) {
    if (setting.key == key) return &setting;
  }
  return nullptr;
}

std::string EnvironmentNameOf(const Setting& setting) {
  std::string name = StrCat("HALFLIFE_", setting.key);
  std::replace(name.begin(), name.end(), '.', '_');
  absl::AsciiStrToUpper(&name);
  return name;
}

std::string ExpectationOf(const Setting& setting) {
  std::string text(TypeName(setting.type));
  if (setting.type == SettingType::kChoice) {
    const std::vector<std::string> choices = ChoicesOf(setting);
    if (choices.size() == 1) return choices[0];
    for (size_t i = 0; i < choices.size(); ++i) {
      absl::StrAppend(&text, i == 0 ? " " : i + 1 == choices.size() ? " or " : ", ", choices[i]);
    }
  }
  if (!setting.minimum.empty()) absl::StrAppend(&text, " from ", ToAbsl(setting.minimum));
  if (!setting.maximum.empty()) {
    absl::StrAppend(&text, setting.minimum.empty() ? " up to " : " to ", ToAbsl(setting.maximum));
  }
  if (setting.allows_auto) absl::StrAppend(&text, ", or auto");
  return text;
}

absl::StatusOr<SettingValue> ParseSettingValue(const Setting& setting, std::string_view text) {
  const auto parse = [&]() -> absl::StatusOr<SettingValue> {
    HL_RETURN_IF_ERROR(CheckText(text));
    if (setting.allows_auto && text == "auto") {
      return SettingValue{.text = "auto", .number = Config::kAuto};
    }
    HL_ASSIGN_OR_RETURN(SettingValue value, ParseTyped(setting, text));
    HL_RETURN_IF_ERROR(CheckLimits(setting, value));
    return value;
  };
  absl::StatusOr<SettingValue> value = parse();
  if (!value.ok() && setting.sensitive) {
    return absl::InvalidArgumentError(StrCat("<redacted>: expected ", ExpectationOf(setting)));
  }
  return value;
}

absl::StatusOr<HostPort> ParseAddress(std::string_view text) {
  const auto invalid = [&](std::string_view reason) {
    return absl::InvalidArgumentError(
        StrCat(Quoted(text), ": ", reason, "; write for example 127.0.0.1:9461 or [::1]:9461"));
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return invalid("the port is missing");
  std::string_view host = text.substr(0, colon);
  const auto port = ParseInteger(text.substr(colon + 1));
  if (!port.ok() || *port > 65535) return invalid("the port must be a number from 0 to 65535");
  HostPort parsed{.host = std::string(host), .port = static_cast<int>(*port)};
  in_addr v4;
  if (inet_pton(AF_INET, parsed.host.c_str(), &v4) == 1) {
    parsed.loopback = (ntohl(v4.s_addr) >> 24) == 127;
    return parsed;
  }
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') {
    return invalid("the host must be an IP address (IPv6 in brackets)");
  }
  parsed.host = std::string(host.substr(1, host.size() - 2));
  in6_addr v6;
  if (inet_pton(AF_INET6, parsed.host.c_str(), &v6) != 1) {
    return invalid("the host must be an IP address (IPv6 in brackets)");
  }
  parsed.loopback = IN6_IS_ADDR_LOOPBACK(&v6);
  return parsed;
}

absl::StatusOr<std::vector<uint32_t>> ParseIds(std::string_view text) {
  std::vector<uint32_t> ids;
  if (text.empty()) return ids;
  for (const absl::string_view word : absl::StrSplit(ToAbsl(text), ',')) {
    const auto id = ParseInteger(ToStd(absl::StripAsciiWhitespace(word)));
    // The last number stands for "no such user" in system calls.
    if (!id.ok() || *id < 0 || *id >= int64_t{UINT32_MAX}) {
      return absl::InvalidArgumentError(
          StrCat(Quoted(text), ": write numeric ids with commas, such as 1000,1001"));
    }
    ids.push_back(static_cast<uint32_t>(*id));
  }
  if (ids.size() > kMaxIds) {
    return absl::InvalidArgumentError(StrCat(ids.size(), " ids; at most ", kMaxIds));
  }
  return ids;
}

std::string_view NearestKey(std::string_view key) {
  if (key.size() > 100) return {};  // bounds the work below
  std::string_view nearest;
  size_t best = key.size() / 3 + 1;
  for (const Setting& setting : Settings()) {
    const size_t distance = EditDistance(key, setting.key);
    if (distance < best) {
      best = distance;
      nearest = setting.key;
    }
  }
  if (!nearest.empty()) return nearest;
  // The right word in the wrong section.
  for (const Setting& setting : Settings()) {
    if (LastWord(setting.key) == LastWord(key)) return setting.key;
  }
  return {};
}

}  // namespace halflife
