#pragma once

#include <string>

#include "halflife/v1/admin.pb.h"

namespace halflife::tools {

// Words for values of the daemon's messages; "unknown" for those of a newer daemon.
const char* TierName(v1::Tier tier);
const char* ModelStateName(v1::ModelState state);
// "never_seen", as in metrics.
std::string MissReasonText(v1::MissReason reason);

}  // namespace halflife::tools
