#pragma once

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "storage/residency/categories/category_tree.h"
#include "storage/residency/categories/observation_table.h"

namespace halflife {

// Per attribute, the levels that occur.
LevelRule LevelsSeen(absl::Span<const ObservationTable* const> tables);

// A rule for people: "type tool, turn 3-8, stop not end_turn"; "all" if it excludes nothing that
// was seen. Levels that do not occur are not mentioned.
std::string RuleInWords(const LevelRule& rule, absl::Span<const AttributeDescription> attributes,
                        const LevelRule& seen);
// "turn 1-2", "stop tool_use": what a question asks, true on its left side.
std::string QuestionInWords(int attribute, LevelSet left,
                            absl::Span<const AttributeDescription> attributes,
                            const LevelRule& seen);

// The requests of any of the rules, in fewer rules: two that differ in one attribute are one.
std::vector<LevelRule> Simplified(std::vector<LevelRule> rules);
// Of a category: the name of its pin, or its rules with "; or " between them.
std::string CategoryInWords(const CategoryTree& tree, int category,
                            absl::Span<const AttributeDescription> attributes,
                            const LevelRule& seen);

// "3-8|17+", "tool_use|end_turn": levels as the values of a pin's condition.
std::string LevelsAsPinValues(const AttributeDescription& attribute, LevelSet levels);

}  // namespace halflife
