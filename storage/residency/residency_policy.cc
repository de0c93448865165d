#include "storage/residency/residency_policy.h"

#include "storage/residency/model/model_report.h"

namespace halflife {

ModelReport ResidencyPolicy::Report(int64_t now_ns) const { return {}; }

}  // namespace halflife
