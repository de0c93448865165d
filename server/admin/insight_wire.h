#pragma once

#include <string>
#include <vector>

#include "halflife/v1/admin.pb.h"
#include "server/admin/node_facts.h"
#include "storage/block_store.h"

// What storage tells people -> messages of AdminService.

namespace halflife {

// What one more GiB of blocks of the mean size would hit per second.
double PricePerGib(const StoreStats& store, int tier, const TierPrice& price);
// Its categories by the number of requests observed, most first.
std::vector<CategoryReport> CategoriesByRequests(const ModelReport& model);
void ModelToWire(const NodeFacts& facts, int64_t now_ns, v1::GetModelResponse* response);

using CategoryNamesByNumber = std::vector<std::string>;
// "unknown" of a number without a name.
std::string NameOfCategory(const CategoryNamesByNumber& names, Category category);
void ExplanationToWire(const BlockExplanation& explained, const CategoryNamesByNumber& names,
                       v1::BlockExplanation* message);
void MissToWire(const RecentMiss& miss, int64_t now_ns, const CategoryNamesByNumber& names,
                v1::Miss* message);

}  // namespace halflife
