#pragma once

#include <string>

#include "tools/analyze/category_study.h"

namespace halflife::tools {

// The categories of a tree, as a configuration file of halflifed pins them; `halflife analyze
// --pin` reads the same text. A category whose rule has values that no pin can say (spaces, levels
// beyond those that are counted apart) is named in a comment and left to the daemon, and so are
// those beyond kMaxPinnedCategories, the smallest first.
std::string PinsAsConfig(const CategoryStudy& study);

}  // namespace halflife::tools
