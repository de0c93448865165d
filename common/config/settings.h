#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/config/config.h"

namespace halflife {

enum class SettingType {
  kText,        // any text without control characters
  kPath,        // an absolute path, or empty
  kSocketPath,  // an absolute path that fits into a socket address (107 bytes), or empty
  kAddress,     // host:port with a numeric host, or empty
  kInteger,
  kBoolean,   // true or false
  kRatio,     // 0 to 1, at most 4 decimals
  kDecimal,   // 0 to 1000, at most 4 decimals
  kBytes,     // 64KiB
  kDuration,  // 30s
  kChoice,    // one of a few words
  kPins,      // categories, as common/block/category_pins.h has them, or empty
  kLimits,    // of namespaces, as common/block/namespace_limits.h has them, or empty
  kIds,       // numeric users or groups, with commas, or empty
};

// A value that has passed its setting's checks.
struct SettingValue {
  std::string text;  // canonical, as the file would say it
  int64_t number =
      0;  // integer, bytes, nanoseconds, 0 or 1, index of the choice; Config::kAuto for "auto"
  double ratio = 0;
};

// One line of the table from which the file, the environment and the flags all come.
struct Setting {
  std::string_view key;  // "storage.dram.budget"
  SettingType type = SettingType::kText;
  std::string_view default_text;
  // In the syntax of the type; both inclusive. Empty: the type's own limits.
  std::string_view minimum = "";
  std::string_view maximum = "";
  std::string_view choices = "";  // "auto|text|json"
  bool allows_auto = false;       // "auto" stands for a value worked out from the machine
  bool reloadable = false;        // SIGHUP applies it; otherwise a restart does
  bool sensitive = false;  // a value that fails its checks is never echoed: it may be a secret
  std::string_view doc;    // what it does and when to change it
  void (*apply)(const SettingValue& value, Config& config) = nullptr;
};

// All settings, grouped by section, in the order of the printed file.
absl::Span<const Setting> Settings();

// nullptr if there is no such key.
const Setting* FindSetting(std::string_view key);

// "HALFLIFE_STORAGE_DRAM_BUDGET".
std::string EnvironmentNameOf(const Setting& setting);

// What the type and limits allow, for messages and documents: "a size from 64MiB to 16TiB, or
// auto".
std::string ExpectationOf(const Setting& setting);

// Returns: kInvalidArgument saying what is wrong with `text` and what to write instead.
absl::StatusOr<SettingValue> ParseSettingValue(const Setting& setting, std::string_view text);

// Host and port of a kAddress value, without the brackets of an IPv6 address.
struct HostPort {
  std::string host;
  int port = 0;
  bool loopback = false;
};
// Returns: kInvalidArgument unless it is "1.2.3.4:80" or "[::1]:80".
absl::StatusOr<HostPort> ParseAddress(std::string_view text);

// The numbers of a kIds value. Returns: kInvalidArgument unless it is "1000" or "1000,1001".
absl::StatusOr<std::vector<uint32_t>> ParseIds(std::string_view text);

// The known key that `key` was probably meant to be, empty if none is near.
std::string_view NearestKey(std::string_view key);

}  // namespace halflife
