#include "tools/admin/explanation_text.h"

#include "absl/strings/str_format.h"
#include "common/block/block_id.h"
#include "common/hashing.h"
#include "common/strings.h"
#include "tools/admin/enum_names.h"

namespace halflife::tools {
namespace {

std::string Seconds(double seconds) { return HumanText(Cell::Seconds(seconds)); }
std::string Score(double score) { return absl::StrFormat("%.3g", score); }

std::string PlaceOf(const v1::BlockExplanation& block) {
  if (block.in_dram()) return block.on_ssd() ? "dram+ssd" : "dram";
  return block.on_ssd() ? "ssd" : "-";
}

// The tier that it would have to leave last.
const v1::TierStanding* DeciderOf(const v1::BlockExplanation& block) {
  const v1::TierStanding* decider = nullptr;
  for (const v1::TierStanding& tier : block.standing().tiers()) {
    if (tier.present()) decider = &tier;
  }
  return decider;
}

std::string WhyHere(const v1::BlockExplanation& block) {
  const v1::TierStanding* tier = DeciderOf(block);
  if (block.pinned()) return "somebody holds it";
  if (tier == nullptr) return "the policy keeps no score of it: what was used last goes last";
  if (!tier->has_price()) return "nothing had to go yet";
  if (tier->children() > 0)
    return StrCat("carries ", tier->children(), " blocks that go before it");
  const std::string prices =
      StrCat("score ", Score(block.standing().index()), ", price ", Score(tier->price()));
  if (block.standing().retained_seconds() > 0) {
    return StrCat("a hint keeps it for ", Seconds(block.standing().retained_seconds()), " more; ",
                  prices);
  }
  if (block.standing().released()) return StrCat("a hint released it; ", prices);
  if (block.standing().demoted() && block.in_dram()) {
    return StrCat("a hint demoted it; ", prices);
  }
  if (!tier->model_leads()) return StrCat("by recency; ", prices);
  if (!tier->has_worth_keeping_seconds()) return StrCat(prices, ": stays");
  const double left_s = tier->worth_keeping_seconds();
  if (left_s <= 0) return StrCat(prices, ": goes when room is needed");
  return StrCat(prices, ": worth its place for ", Seconds(left_s), " more");
}

std::string WhyMissing(v1::MissReason reason) {
  switch (reason) {
    case v1::MISS_REASON_EVICTED:
      return "made room for others";
    case v1::MISS_REASON_NOT_ADMITTED:
      return "found no room when it was put, or was not worth its place in DRAM or on SSD";
    case v1::MISS_REASON_EXPIRED:
      return "was deleted";
    case v1::MISS_REASON_CORRUPT:
      return "did not verify and was dropped";
    case v1::MISS_REASON_WRONG_NAMESPACE:
      return "another namespace of the same tenant has it: the descriptors differ";
    case v1::MISS_REASON_OVER_QUOTA:
      return "its namespace was at its ceiling, or it left DRAM and the SSD quota had no room for "
             "it";
    case v1::MISS_REASON_UNAVAILABLE:
      return "left DRAM while the SSD tier took no writes";
    default:
      return "nobody put it here, as far as is remembered";
  }
}

std::string WhyGone(const v1::BlockExplanation& block) {
  std::string why = WhyMissing(block.missing());
  if (block.gone_seconds() > 0) why += StrCat(" ", Seconds(block.gone_seconds()), " ago");
  if (!block.has_standing()) return why;
  why += StrCat("; its score was ", Score(block.standing().index()));
  for (const v1::TierStanding& tier : block.standing().tiers()) {
    if (tier.has_price())
      why += StrCat(", ", TierName(tier.tier()), " price ", Score(tier.price()));
  }
  return why;
}

// What is not known of this block is no zero.
template <typename MakeCell>
Cell If(bool known, MakeCell make) {
  return known ? make() : Cell::None();
}

std::vector<std::pair<std::string, Cell>> CellsOf(const v1::BlockExplanation& block) {
  const bool here = block.in_dram() || block.on_ssd();
  const bool scored = block.has_standing();
  const v1::BlockStanding& standing = block.standing();
  const v1::TierStanding* tier = DeciderOf(block);
  const std::string category = here ? block.category() : standing.category();
  const double idle_s = here ? block.idle_seconds() : standing.idle_seconds();
  return {
      {"hash", Cell::Text(Hex(AsBytes(block.hash())))},
      {"where", Cell::Text(PlaceOf(block))},
      {"why", Cell::Text(WhyText(block))},
      {"reason", If(!here, [&] { return Cell::Text(MissReasonText(block.missing())); })},
      {"gone_seconds", If(!here, [&] { return Cell::Seconds(block.gone_seconds()); })},
      {"depth", If(here, [&] { return Cell::Count(block.depth()); })},
      {"parent_here", If(here && !block.first(), [&] { return Cell::Bool(block.parent_here()); })},
      {"bytes", If(here, [&] { return Cell::Bytes(block.bytes()); })},
      {"age_seconds", If(here, [&] { return Cell::Seconds(block.age_seconds()); })},
      {"idle_seconds", If(here || scored, [&] { return Cell::Seconds(idle_s); })},
      {"hits", If(here, [&] { return Cell::Count(block.hits()); })},
      {"touches", If(scored, [&] { return Cell::Count(standing.touches()); })},
      {"category", If(here || scored, [&] { return Cell::Text(category); })},
      {"score", If(scored, [&] { return Cell::Number(standing.index()); })},
      {"price",
       If(tier != nullptr && tier->has_price(), [&] { return Cell::Number(tier->price()); })},
      {"worth_keeping_seconds", If(tier != nullptr && tier->has_worth_keeping_seconds(),
                                   [&] { return Cell::Seconds(tier->worth_keeping_seconds()); })},
  };
}

}  // namespace

std::string WhyText(const v1::BlockExplanation& block) {
  return block.in_dram() || block.on_ssd() ? WhyHere(block) : WhyGone(block);
}

Report ExplanationReport(const v1::ExplainResponse& response) {
  if (response.blocks_size() == 1) {
    Table table = Table::Record("block");
    for (auto& [column, cell] : CellsOf(response.blocks(0))) table.Set(column, std::move(cell));
    return {{table}};
  }
  Table table{"blocks", {}, {}};
  for (const v1::BlockExplanation& block : response.blocks()) {
    std::vector<Cell> row;
    const bool is_first = table.columns.empty();
    for (auto& [column, cell] : CellsOf(block)) {
      if (is_first) table.columns.push_back(column);
      row.push_back(std::move(cell));
    }
    table.AddRow(std::move(row));
  }
  return {{table}};
}

}  // namespace halflife::tools
