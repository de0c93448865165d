#include "common/log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <memory>
#include <string>

#include <spdlog/logger.h>
#include <spdlog/sinks/sink.h>

#include "absl/strings/str_format.h"
#include "common/utf8.h"

namespace halflife {
namespace {

constexpr size_t kMaxLineBytes = 4096;  // PIPE_BUF: one write of this is atomic, or refused whole

std::string_view LevelName(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::debug:
      return "debug";
    case spdlog::level::info:
      return "info";
    case spdlog::level::warn:
      return "warning";
    default:
      return "error";
  }
}

spdlog::level::level_enum LevelOf(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return spdlog::level::debug;
    case Severity::kInfo:
      return spdlog::level::info;
    case Severity::kWarning:
      return spdlog::level::warn;
    case Severity::kError:
      break;
  }
  return spdlog::level::err;
}

std::string Timestamp(spdlog::log_clock::time_point time) {
  const int64_t micros =
      std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  const time_t seconds = static_cast<time_t>(micros / 1'000'000);
  tm utc;
  gmtime_r(&seconds, &utc);
  return absl::StrFormat("%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", utc.tm_year + 1900, utc.tm_mon + 1,
                         utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, micros % 1'000'000);
}

// Nothing that a caller passes through can start a line of its own or end a JSON string. JSON must
// be UTF-8: where the text is not, its bytes above 0x7f become \u00XX.
void AppendEscaped(std::string_view text, bool json, std::string& out) {
  const bool ascii_only = json && !IsUtf8(text);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (json && (c == '"' || c == '\\')) {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f || (ascii_only && byte >= 0x80)) {
      if (c == '\n') {
        out += "\\n";
      } else {
        absl::StrAppendFormat(&out, "\\%s%02x", json ? "u00" : "x", byte);
      }
    } else {
      out += c;
    }
  }
}

std::string FormatLine(const spdlog::details::log_msg& line, std::string_view component,
                       bool json) {
  const std::string_view message(line.payload.data(), line.payload.size());
  const std::string_view level = LevelName(line.level);
  // A byte escapes to 6 at most; the longest prefix stays far below 512.
  const std::string_view kept = message.substr(0, (kMaxLineBytes - 512) / (json ? 6 : 4));
  const std::string_view marker = kept.size() < message.size() ? "…" : "";
  std::string out;
  out.reserve(kept.size() + 128);
  if (json) {
    absl::StrAppendFormat(&out, R"({"ts":"%s","level":"%s","component":")", Timestamp(line.time),
                          level);
    AppendEscaped(component, true, out);
    out += R"(","msg":")";
    AppendEscaped(kept, true, out);
    absl::StrAppendFormat(&out, "%s\"}\n", marker);
  } else {
    absl::StrAppendFormat(&out, "%s %-7s ", Timestamp(line.time), level);
    AppendEscaped(component, false, out);
    out += ": ";
    AppendEscaped(kept, false, out);
    absl::StrAppendFormat(&out, "%s\n", marker);
  }
  return out;
}

// Where lines go. `fd` is an own open file description where that is possible: O_NONBLOCK on a
// duplicate would make the caller's terminal or pipe non-blocking for every process that shares it.
struct Target {
  int fd = 2;
  bool owned = false;
  bool socket = false;

  static std::shared_ptr<const Target> Open(int fd) {
    auto target = std::make_shared<Target>();
    target->fd = fd;
    struct stat facts;
    target->socket = fstat(fd, &facts) == 0 && S_ISSOCK(facts.st_mode);
    const int own = target->socket ? -1
                                   : open(absl::StrFormat("/proc/self/fd/%d", fd).c_str(),
                                          O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (own >= 0) {
      target->fd = own;
      target->owned = true;
    }
    return target;
  }

  ~Target() {
    if (owned) close(fd);
  }

  // Returns false if the line could not be taken at once.
  bool Write(std::string_view line) const {
    if (socket) {
      return send(fd, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL) ==
             static_cast<ssize_t>(line.size());
    }
    if (!owned) {
      pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
      if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return false;
    }
    return write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  }
};

// Formats and writes in the calling thread without a lock: each line is one atomic write.
class NonBlockingSink final : public spdlog::sinks::sink {
 public:
  NonBlockingSink() : target_(Target::Open(2)) { set_level(spdlog::level::info); }

  void Configure(const LogOptions& options) {
    json_.store(options.json, std::memory_order_relaxed);
    std::atomic_store(&target_, Target::Open(options.fd));
  }

  void log(const spdlog::details::log_msg& line) override {
    const std::string_view component(line.logger_name.data(), line.logger_name.size());
    const std::string text = FormatLine(line, component, json_.load(std::memory_order_relaxed));
    if (!std::atomic_load(&target_)->Write(text)) dropped_.fetch_add(1, std::memory_order_relaxed);
  }

  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> json_{false};
  std::atomic<uint64_t> dropped_{0};
  std::shared_ptr<const Target> target_;  // only through std::atomic_load and atomic_store
};

// Never destroyed: other static objects may log while the process ends.
NonBlockingSink& Sink() {
  static auto* const sink = new NonBlockingSink;
  return *sink;
}

}  // namespace

void Log(Severity severity, std::string_view component, std::string_view message) {
  const spdlog::level::level_enum level = LevelOf(severity);
  if (!Sink().should_log(level)) return;
  Sink().log(spdlog::details::log_msg(spdlog::string_view_t(component.data(), component.size()),
                                      level,
                                      spdlog::string_view_t(message.data(), message.size())));
}

void ConfigureLog(const LogOptions& options) {
  Sink().set_level(LevelOf(options.minimum));
  Sink().Configure(options);
}

uint64_t DroppedLogLines() { return Sink().dropped(); }

}  // namespace halflife
