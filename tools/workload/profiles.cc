#include <array>
#include <cmath>
#include <utility>

#include "tools/workload/profile.h"

// Sources:
//
// [W]  "KVCache Cache in the Wild", arXiv 2506.02634 (USENIX ATC'25). Trace A is to-C chat, trace B
//      to-B API.
//
// [MC] measured: `halflife trace info conversation_trace.jsonl`, Mooncake's FAST'25 release: 12,031
//      requests in 58.9 minutes; sessions derived from how chains extend one another.
//
// [AG] measured: `halflife trace info agents.ct.gz`, 387 coding-agent sessions (19,717 requests)
//      composed from callanjfox/kv-cache-tester.
namespace halflife::tools {
namespace {

// A distribution as `halflife trace info` prints it: p0 p5 p10 p25 p50 p75 p90 p95 p99 p100.
Distribution Measured(const std::array<double, 10>& values) {
  constexpr double kColumns[] = {0, .05, .1, .25, .5, .75, .9, .95, .99, 1};
  std::vector<Distribution::Point> points;
  for (size_t i = 0; i < values.size(); ++i) points.push_back({kColumns[i], values[i]});
  return Distribution::Quantiles(std::move(points));
}

// Output tokens per request. [MC]
Distribution ChatOutputTokens() {
  return Measured({1, 10, 24, 156, 350, 472, 597, 698, 1115, 2000});
}

// Input tokens gained from one turn of a session to the next. [MC]
Distribution ChatGainedTokens() {
  return Measured({1, 26, 82, 305, 560, 3769, 10859, 18576, 46721, 123937});
}

}  // namespace

SessionProfile ChatProfile() {
  SessionProfile profile;
  profile.first_type = "chat";
  profile.max_turns = 232;             // longest session of trace A [W]
  profile.max_input_tokens = 126'195;  // longest prompt [MC]
  // 54 % of A's sessions have a single turn, and after the second and later ones another follows
  // with probability 0.8 [W]. 80 % of A's reuses come within 10 min [W], by an exponential as
  // fitted there: mean = 600 s / ln 5 = 373 s.
  profile.stops = {
      {"stop", 1, 1 - 0.54, 0.8, "chat", Distribution::Exponential(600 / std::log(5.0))}};
  profile.first_input_tokens =
      Measured({891, 898, 908, 1473, 5997, 14214, 26356, 38459, 85399, 126195});  // [MC]
  profile.gained_tokens = ChatGainedTokens();
  profile.output_tokens = ChatOutputTokens();
  // Every session but the first starts alike, for one block of 512 tokens in 90 % of them [MC].
  profile.known_head_share = 6744.0 / 6745;
  profile.head_tokens = Distribution::Constant(512);
  profile.sessions_per_s = 6745.0 / (58.9 * 60);  // [MC]
  return profile;
}

SessionProfile AgentProfile() {
  SessionProfile profile;
  profile.first_type = "user";         // 360 of 387 sessions, the others start as sub-agents [AG]
  profile.max_turns = 247;             // longest session [AG]
  profile.max_input_tokens = 894'371;  // longest prompt [AG]
  // Seconds since the previous request, types tool and user [AG].
  const Distribution tool_gap_s = Measured({2, 7, 8, 11, 17, 33, 90, 173, 848, 11709});
  const Distribution user_gap_s = Measured({3, 7, 8, 11, 20, 108, 491, 1111, 2995, 15545});
  // Shares of stop reasons and of responses that were continued [AG]. A tool call is followed by
  // its result; the 1.6 % of requests that sub-agents make count as such.
  profile.stops = {{"tool_use", 0.854, 0.991, 0.991, "tool", tool_gap_s},
                   {"none", 0.096, 0.989, 0.989, "user", user_gap_s},
                   {"end_turn", 0.051, 0.790, 0.790, "user", user_gap_s}};
  profile.first_input_tokens =
      Measured({8868, 10845, 12563, 17644, 21711, 93181, 213785, 312745, 560844, 790759});  // [AG]
  profile.gained_tokens =
      Measured({6, 156, 195, 335, 667, 1633, 3751, 6679, 17531, 416925});                 // [AG]
  profile.output_tokens = Measured({1, 90, 105, 139, 215, 421, 873, 1565, 3614, 16681});  // [AG]
  // Sessions starting with a known prefix, and its blocks times 512 [AG].
  profile.known_head_share = 0.411;
  profile.head_tokens =
      Measured({8192, 8192, 9728, 11776, 14336, 14848, 15360, 15872, 16384, 17408});
  profile.sessions_per_s = 387.0 / (3 * 3600);  // their starts are spread over 3 hours [AG]
  return profile;
}

TemplateProfile ApiProfile() {
  TemplateProfile profile;
  profile.type = "api";
  profile.stop = "stop";
  // 80 % of B's reuses come within 10 s [W]. The short part is an API head as modelled there after
  // [W]: mean 2 s. With P(< 10 s) = 0.8 (1 - e^-5) + 0.2 (1 - e^(-10/m)) = 0.80 the long part has m
  // = 365 s.
  profile.gap_s = Distribution::TwoExponentials(0.8, 2, 365);
  // No lengths of B are published: those of chat prompts [MC].
  profile.input_tokens = Measured({891, 901, 964, 2306, 6909, 15366, 27367, 39549, 85399, 126195});
  // B's ideal hit ratio is 54 % [W]: tails are never shared.
  profile.head_share = 0.54;
  // 97 % of B's hits are in single-turn requests [W]: p L / (0.54 L + p L) = 0.03 for prompts of
  // length L.
  profile.second_turn = 0.017;
  profile.second_turn_gap_s = Distribution::Exponential(2);  // as a head's
  profile.gained_tokens = ChatGainedTokens();
  profile.output_tokens = ChatOutputTokens();
  // A time scale, not a finding: it sets how many heads there are (rate x mean gap), here 149.
  profile.requests_per_s = 2;
  return profile;
}

}  // namespace halflife::tools
