#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/workload/distribution.h"

namespace halflife::tools {

// Conversations: every request of a session extends the prompt of the one before.
struct SessionProfile {
  // What follows a response that ended so.
  struct Stop {
    std::string name;
    double share = 1;                  // of responses
    double continued_after_first = 0;  // probability of a next request after the first of a session
    double continued_later = 0;
    std::string next_type;
    Distribution gap_s;  // start to start
  };

  std::string first_type;
  std::vector<Stop> stops;
  uint32_t max_turns = 0;
  uint64_t max_input_tokens = 0;
  Distribution first_input_tokens;
  Distribution gained_tokens;  // from one prompt of a session to the next, output included
  Distribution output_tokens;
  // A new session starts with the head (system and tool prompt) of a random earlier session with
  // this probability, else with a head of its own: a Yule-Simon process, so that a few heads are
  // very common.
  double known_head_share = 0;
  Distribution head_tokens;
  double sessions_per_s = 1;
};

// Programs calling with one of many fixed prompt heads and a tail of their own, hardly ever a
// second turn.
struct TemplateProfile {
  std::string type;
  std::string stop;
  Distribution gap_s;         // between requests with the same head
  Distribution input_tokens;  // typical of a head
  double head_share = 0;      // of the prompt
  double second_turn = 0;     // probability that a request is continued once
  Distribution second_turn_gap_s;
  Distribution gained_tokens;
  Distribution output_tokens;
  double requests_per_s = 1;
};

// The numbers, each with its source, are in profiles.cc.
SessionProfile ChatProfile();
SessionProfile AgentProfile();
TemplateProfile ApiProfile();

}  // namespace halflife::tools
