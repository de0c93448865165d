#include "common/config/yaml_walker.h"

#include <algorithm>
#include <exception>
#include <istream>
#include <optional>
#include <set>
#include <streambuf>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "common/config/settings.h"
#include "common/strings.h"
#include "common/utf8.h"

namespace halflife {
namespace {

constexpr size_t kMaxEchoedBytes = 60;

bool IsSection(std::string_view key) {
  for (const Setting& setting : Settings()) {
    if (setting.key.size() > key.size() && setting.key[key.size()] == '.' &&
        setting.key.substr(0, key.size()) == key) {
      return true;
    }
  }
  return false;
}

// Text from a file (or with some in it) as it may appear in a message: bounded, and without control
// characters.
std::string Shown(std::string_view key) {
  std::string shown;
  for (const char c : key.substr(0, kMaxEchoedBytes)) {
    shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return key.size() > kMaxEchoedBytes ? shown + "…" : shown;
}

// What yaml-cpp lets pass in a scalar that begins at `column` of `line`: it ends an open quote at
// the end of the file. Settings fit on one line, so text that goes on over several lines is refused
// with it. Empty if it is fine.
std::string QuoteProblem(std::string_view line, int column) {
  for (; column > 0 && !line.empty(); --column) {  // columns count characters, not bytes
    do {
      line.remove_prefix(1);
    } while (!line.empty() && (static_cast<unsigned char>(line[0]) & 0xc0) == 0x80);
  }
  if (line.empty()) return "";
  const char quote = line[0];
  if (quote == '|' || quote == '>') return "remove the block mark and write the value on one line";
  if (quote != '"' && quote != '\'') return "";
  for (size_t at = 1; at < line.size(); ++at) {
    if (line[at] == quote) return "";  // or the first half of '': its other half closes as well
    if (quote == '"' && line[at] == '\\') ++at;
  }
  return "the quotes are not closed on the same line";
}

// Follows the parser's events with a stack of open maps. A node whose key is not known is skipped
// with all that is below it, so that one mistake is one problem.
class Walker final : public YAML::EventHandler {
 public:
  Walker(std::string file_name, std::string_view text)
      : file_name_(std::move(file_name)), lines_(absl::StrSplit(ToAbsl(text), '\n')) {}

  void OnDocumentStart(const YAML::Mark& mark) override { AddSecondDocument(mark); }
  void OnDocumentEnd() override {}
  int documents() const { return documents_; }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node(mark, "?", anchor, Kind::kNull, "");
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Node(mark, "?", 0, Kind::kAlias, "");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node(mark, tag, anchor, Kind::kScalar, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Node(mark, tag, anchor, Kind::kList, "");
    ++skip_depth_;
  }
  void OnSequenceEnd() override { --skip_depth_; }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    if (!Node(mark, tag, anchor, Kind::kMap, "")) {
      ++skip_depth_;
      return;
    }
    open_.push_back({.path = open_.empty() ? "" : open_.back().key, .keys = {}, .key = {}});
  }
  void OnMapEnd() override {
    if (skip_depth_ > 0) {
      --skip_depth_;
      return;
    }
    open_.pop_back();
  }

  void Add(const YAML::Mark& mark, std::string message) {
    if (result.problems.size() >= kMaxProblems) return;
    const FilePosition at = PositionOf(mark);
    result.problems.push_back(
        {StrCat(file_name_, ":", at.line, ":", at.column), std::move(message)});
  }

  void AddSecondDocument(const YAML::Mark& mark) {
    if (++documents_ == 2) Add(mark, "a second document begins here; put everything into one");
  }

  YamlScalars result;

 private:
  enum class Kind { kNull, kAlias, kScalar, kList, kMap };

  struct OpenMap {
    std::string path;            // full key of the map, empty at the top
    std::set<std::string> keys;  // seen so far, for duplicates
    std::string key;             // full key whose value comes next
    YAML::Mark key_mark;
    bool has_key = false;
    bool key_is_good = false;  // a setting or a section, seen for the first time
  };

  static FilePosition PositionOf(const YAML::Mark& mark) {
    return mark.is_null() ? FilePosition{} : FilePosition{mark.line + 1, mark.column + 1};
  }

  // One node begins, as a key or as a value. Returns true if it is a map that is to be entered.
  bool Node(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Kind kind,
            const std::string& text) {
    if (skip_depth_ > 0 || documents_ > 1) return false;
    if (open_.empty()) return AtTop(mark, kind);
    OpenMap& map = open_.back();
    if (!map.has_key) {
      Key(mark, kind, text);
      return false;
    }
    map.has_key = false;
    if (!map.key_is_good) return false;
    if (anchor != 0 || kind == Kind::kAlias) {
      Add(mark, StrCat(map.key, ": anchors and aliases are not supported; write the value out"));
      return false;
    }
    if (!tag.empty() && tag != "?" && tag != "!") {
      Add(mark, StrCat(map.key, ": tags are not supported; remove ", Shown(tag)));
      return false;
    }
    return Value(mark, kind, text, tag == "!");
  }

  bool AtTop(const YAML::Mark& mark, Kind kind) {
    if (kind == Kind::kMap) return true;
    if (kind != Kind::kNull) Add(mark, "expected sections such as \"storage:\" at the top");
    return false;
  }

  void Key(const YAML::Mark& mark, Kind kind, const std::string& text) {
    OpenMap& map = open_.back();
    map.has_key = true;
    map.key_is_good = false;
    map.key_mark = mark;
    if (kind != Kind::kScalar) {
      Add(mark, StrCat(map.path, map.path.empty() ? "" : ": ", "a key must be a plain word"));
      return;
    }
    map.key = map.path.empty() ? text : StrCat(map.path, ".", text);
    const std::string shown = Shown(map.key);
    if (!map.keys.insert(text).second) {
      Add(mark, StrCat(shown, ": duplicate key; keep one of them"));
      return;
    }
    // A dot within a key would name a setting two ways.
    if (absl::StrContains(text, '.') && FindSetting(map.key) != nullptr) {
      Add(mark, StrCat(shown, ": write it nested, one level per line"));
      return;
    }
    if (FindSetting(map.key) == nullptr && !IsSection(map.key)) {
      const std::string_view nearest = NearestKey(map.key);
      Add(mark, nearest.empty() ? StrCat(shown, ": unknown key")
                                : StrCat(shown, ": unknown key; did you mean ", nearest, "?"));
      return;
    }
    map.key_is_good = true;
  }

  bool Value(const YAML::Mark& mark, Kind kind, const std::string& text, bool quoted) {
    const std::string& key = open_.back().key;
    const Setting* setting = FindSetting(key);
    if (setting == nullptr) {
      if (kind == Kind::kMap) return true;
      // "storage:" with every line below it commented out.
      if (kind != Kind::kNull)
        Add(mark, StrCat(key, ": is a section; put its settings below it, indented"));
      return false;
    }
    switch (kind) {
      case Kind::kScalar:
        AddScalar(mark, key, text, quoted);
        break;
      case Kind::kNull:
        // The event's own mark is where the parser noticed, often the next line.
        Add(open_.back().key_mark, StrCat(key, ": has no value; expected ", ExpectationOf(*setting),
                                          " (leave the line out for the default)"));
        break;
      case Kind::kList:
        Add(mark, StrCat(key, ": expected ", ExpectationOf(*setting), ", found a list",
                         setting->type == SettingType::kAddress ? "; put an IPv6 address in quotes"
                                                                : ""));
        break;
      default:
        Add(mark, StrCat(key, ": expected ", ExpectationOf(*setting), ", found a section"));
        break;
    }
    return false;
  }

  void AddScalar(const YAML::Mark& mark, const std::string& key, const std::string& text,
                 bool quoted) {
    const auto line = static_cast<size_t>(mark.line);
    const std::string problem =
        quoted && line < lines_.size() ? QuoteProblem(ToStd(lines_[line]), mark.column) : "";
    if (problem.empty()) {
      result.scalars.push_back({key, text, quoted, PositionOf(mark)});
    } else {
      Add(mark, StrCat(key, ": ", problem));
    }
  }

  const std::string file_name_;
  const std::vector<absl::string_view> lines_;
  std::vector<OpenMap> open_;
  int skip_depth_ = 0;  // open lists and maps below a node that is not read
  int documents_ = 0;
};

// A stream over text that is not copied.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // std::streambuf's get area is only read
    setg(begin, begin, begin + text.size());
  }
};

// Faults of the raw text that yaml-cpp reads in its own way: other encodings after a byte order
// mark, broken UTF-8, tabs as indentation.
std::optional<ConfigProblem> RawProblem(std::string_view text, const std::string& file_name) {
  const auto at_start = [&](std::string reason) {
    return ConfigProblem{file_name + ":1:1", std::move(reason)};
  };
  if (text.size() > kMaxConfigFileBytes) return at_start("larger than 1MiB");
  if (!IsUtf8(text)) return at_start("not UTF-8");
  if (text.find('\0') != std::string_view::npos) return at_start("contains a zero byte");
  int line_number = 0;
  for (const absl::string_view line : absl::StrSplit(ToAbsl(text), '\n')) {
    ++line_number;
    const size_t indentation = std::min(line.find_first_not_of(" \t"), line.size());
    const size_t tab = line.substr(0, indentation).find('\t');
    if (tab != absl::string_view::npos && indentation < line.size()) {
      return ConfigProblem{StrCat(file_name, ":", line_number, ":", tab + 1),
                           "a tab in the indentation; use spaces"};
    }
  }
  return std::nullopt;
}

}  // namespace

std::string ToString(const ConfigProblem& problem) {
  return StrCat(problem.where, ": ", problem.message);
}

YamlScalars WalkYaml(std::string_view text, const std::string& file_name) {
  Walker walker(file_name, text);
  if (std::optional<ConfigProblem> problem = RawProblem(text, file_name)) {
    walker.result.problems.push_back(*std::move(problem));
    return std::move(walker.result);
  }
  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  try {
    YAML::Parser parser(stream);
    // Not beyond a second document: it is an error already, and on ", x" yaml-cpp makes empty
    // documents for ever.
    while (walker.result.problems.size() < kMaxProblems && walker.documents() < 2 &&
           parser.HandleNextDocument(walker)) {
    }
  } catch (const YAML::Exception& error) {
    walker.Add(error.mark, StrCat("not YAML: ", Shown(error.msg)));
  } catch (const std::exception& error) {
    walker.Add(YAML::Mark(), StrCat("not YAML: ", Shown(error.what())));
  }
  return std::move(walker.result);
}

}  // namespace halflife
