#pragma once

#include <string>

#include "halflife/v1/admin.pb.h"
#include "tools/output/report.h"

namespace halflife::tools {

// One sentence for a person: why the block is where it is, or why it is not here.
std::string WhyText(const v1::BlockExplanation& block);

// One block as a record, several as rows.
Report ExplanationReport(const v1::ExplainResponse& response);

}  // namespace halflife::tools
