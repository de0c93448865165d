#include "tools/cli/context.h"

#include <cstdio>
#include <utility>

#include "common/strings.h"
#include "common/units.h"
#include "tools/cli/terminal.h"

namespace halflife::tools {
namespace {

int Fail(std::string_view message, int exit_code) {
  std::fprintf(stderr, "halflife: %.*s\n", static_cast<int>(message.size()), message.data());
  return exit_code;
}

template <typename T, typename Parse>
CLI::Option* AddParsed(CLI::App* command, const std::string& name, T& value, Parse parse,
                       const std::string& description) {
  return command->add_option(
      name,
      [name, &value, parse](const CLI::results_t& results) {
        const auto parsed = parse(results.front());
        if (!parsed.ok()) {
          throw CLI::ValidationError(name, std::string(parsed.status().message()));
        }
        value = *parsed;
        return true;
      },
      description);
}

}  // namespace

void Context::OnRun(CLI::App* command, std::function<int()> action) {
  command->callback([this, action = std::move(action)] { action_ = action; });
}

int Context::Print(const Report& report) const {
  return PrintText(Render(report, output, {.colour = StdoutWantsColour()}));
}

int Context::PrintText(const std::string& text) const {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    return Fail("standard output could not be written", kExitFailed);
  }
  return kExitOk;
}

bool Context::ShowsProgress() const { return !quiet && StderrIsTerminal(); }

int FailUsage(std::string_view message) { return Fail(message, kExitUsage); }

int FailInput(const absl::Status& status) { return Fail(ToStd(status.message()), kExitUsage); }

int FailDaemon(const std::string& endpoint, const absl::Status& status) {
  const std::string text = absl::StrCat(endpoint, ": ", status.message());
  const bool absent = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
  return Fail(text, absent ? kExitUnavailable : kExitFailed);
}

CLI::Option* AddBytes(CLI::App* command, const std::string& name, uint64_t& bytes,
                      const std::string& description) {
  return AddParsed(command, name, bytes, ParseBytes, description)
      ->type_name("SIZE")
      ->default_str(ExactBytes(bytes));
}

CLI::Option* AddDuration(CLI::App* command, const std::string& name, absl::Duration& duration,
                         const std::string& description) {
  return AddParsed(command, name, duration, ParseDuration, description)
      ->type_name("TIME")
      ->default_str(ExactDuration(duration));
}

}  // namespace halflife::tools
