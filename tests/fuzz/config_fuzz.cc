#include <algorithm>
#include <string>

#include "common/check.h"
#include "common/config/effective_config.h"
#include "common/config/yaml_walker.h"
#include "common/utf8.h"

namespace halflife {
namespace {

absl::StatusOr<EffectiveConfig> Resolve(std::string text) {
  ConfigSources sources;
  sources.file_name = "f.yaml";
  sources.file_text = std::move(text);
  return ResolveConfig(sources);
}

void CheckWalk(const std::string& text) {
  const YamlScalars walked = WalkYaml(text, "f.yaml");
  HL_CHECK(walked.problems.size() <= kMaxProblems);
  const auto lines =
      std::count(text.begin(), text.end(), '\n') + std::count(text.begin(), text.end(), '\r') + 1;
  for (const YamlScalar& scalar : walked.scalars) {
    HL_CHECK(FindSetting(scalar.key) != nullptr);
    HL_CHECK(scalar.position.line >= 1 && scalar.position.line <= lines &&
             scalar.position.column >= 1);
  }
  // A refusal is for a person: bounded, printable, with its place.
  for (const ConfigProblem& problem : walked.problems) {
    const std::string shown = ToString(problem);
    HL_CHECK(shown.rfind("f.yaml:", 0) == 0 && shown.size() < 1000);
    HL_CHECK(std::none_of(shown.begin(), shown.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    }));
  }
}

// --print-config of an accepted file is a file with the same meaning.
void CheckPrintedConfig(const std::string& text) {
  const absl::StatusOr<EffectiveConfig> config = Resolve(text);
  if (!config.ok()) {
    HL_CHECK(config.status().code() == absl::StatusCode::kInvalidArgument);
    HL_CHECK(!config.status().message().empty());
    return;
  }
  const absl::StatusOr<EffectiveConfig> again = Resolve(config->ToYaml());
  HL_CHECK(again.ok());
  HL_CHECK(again->settings().size() == config->settings().size());
  for (size_t at = 0; at < config->settings().size(); ++at) {
    HL_CHECK(again->settings()[at].value.text == config->settings()[at].value.text);
    HL_CHECK(again->settings()[at].value.number == config->settings()[at].value.number);
  }
}

}  // namespace
}  // namespace halflife

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  halflife::CheckWalk(text);
  halflife::CheckPrintedConfig(text);
  return 0;
}
