#pragma once

#include <optional>
#include <string>

namespace halflife::tools {

// Whether to colour a stream: it must be a terminal, and NO_COLOR (https://no-color.org: present
// and not empty) and TERM=dumb must not speak against it. Pure: the caller looks.
bool WantsColour(bool is_terminal, const std::optional<std::string>& no_color,
                 const std::optional<std::string>& term);

bool StdoutWantsColour();
// Progress is shown only here.
bool StderrIsTerminal();

}  // namespace halflife::tools
