#pragma once

#include <string>

#include "tools/analyze/category_study.h"

namespace halflife::tools {

// A category tree as a part of an HTML page: one line a question, the answers below it, and at the
// end of each path the category with how likely its blocks are used again. Needs the style sheet of
// HtmlReport.
std::string TreeAsHtml(const CategoryStudy& study);

}  // namespace halflife::tools
