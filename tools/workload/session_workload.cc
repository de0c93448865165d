#include <algorithm>
#include <cmath>
#include <queue>
#include <utility>

#include "tools/workload/workload.h"

namespace halflife::tools {
namespace {

// Heads that a later session can start with; beyond it a random one is forgotten.
constexpr size_t kMaxHeads = 4096;

struct Session {
  double due_s = 0;
  uint64_t order = 0;  // breaks ties, so that the sequence does not depend on the heap
  Request next;
};

struct Later {
  bool operator()(const Session& a, const Session& b) const {
    return std::pair(a.due_s, a.order) > std::pair(b.due_s, b.order);
  }
};

class SessionWorkload final : public RequestSource {
 public:
  SessionWorkload(SessionProfile profile, const WorkloadOptions& options)
      : profile_(std::move(profile)),
        options_(options),
        rate_(options.rate > 0 ? options.rate : profile_.sessions_per_s),
        random_(options.seed),
        next_start_s_(random_.Exponential(1 / rate_)) {}

  absl::StatusOr<bool> Next(Request& request) override {
    if (produced_ == options_.requests) return false;
    while (sessions_.empty() || next_start_s_ < sessions_.top().due_s) StartSession();
    Session session = sessions_.top();
    sessions_.pop();
    session.next.chat = static_cast<int64_t>(produced_++);
    if (session.next.turn == 1) session.next.session = produced_;
    const SessionProfile::Stop& stop = DrawStop();
    session.next.stop = stop.name;
    request = session.next;
    Continue(stop, std::move(session));
    return true;
  }

  uint32_t block_tokens() const override { return options_.block_tokens; }
  double progress() const override {
    return static_cast<double>(produced_) / static_cast<double>(options_.requests);
  }

 private:
  using Blocks = std::vector<uint64_t>;

  void StartSession() {
    Session session;
    session.due_s = next_start_s_;
    session.order = order_++;
    next_start_s_ += random_.Exponential(1 / rate_);
    Request& first = session.next;
    first.time_s = session.due_s;
    first.type = profile_.first_type;
    first.turn = 1;
    first.input_tokens = Tokens(profile_.first_input_tokens);
    first.output_tokens = Tokens(profile_.output_tokens);
    const Blocks& head = DrawHead();
    const size_t full = first.input_tokens / options_.block_tokens;
    first.blocks.assign(head.begin(), head.begin() + std::min(head.size(), full));
    Grow(first);
    sessions_.push(std::move(session));
  }

  // Queues the session's next request, unless it ends here.
  void Continue(const SessionProfile::Stop& stop, Session session) {
    Request& next = session.next;
    const double continued = next.turn == 1 ? stop.continued_after_first : stop.continued_later;
    const bool ends = !random_.Chance(continued) || next.turn >= profile_.max_turns;
    next.input_tokens += Tokens(profile_.gained_tokens);
    if (ends || next.input_tokens > profile_.max_input_tokens) return;
    session.due_s += stop.gap_s.Draw(random_);
    session.order = order_++;
    next.time_s = session.due_s;
    next.type = stop.next_type;
    ++next.turn;
    next.parent = next.chat;
    next.previous_stop = next.stop;
    next.output_tokens = Tokens(profile_.output_tokens);
    Grow(next);
    sessions_.push(std::move(session));
  }

  const SessionProfile::Stop& DrawStop() {
    double at = random_.Uniform();
    for (const SessionProfile::Stop& stop : profile_.stops) {
      if ((at -= stop.share) < 0) return stop;
    }
    return profile_.stops.front();
  }

  const Blocks& DrawHead() {
    size_t head;
    if (!head_of_session_.empty() && random_.Chance(profile_.known_head_share)) {
      // That of a random earlier *session*: common heads are drawn more often.
      head = head_of_session_[random_.Below(head_of_session_.size())];
    } else {
      head = MakeHead();
    }
    if (head_of_session_.size() < kMaxHeads) {
      head_of_session_.push_back(head);
    } else {
      head_of_session_[random_.Below(kMaxHeads)] = head;
    }
    return heads_[head];
  }

  size_t MakeHead() {
    const uint64_t full = Tokens(profile_.head_tokens) / options_.block_tokens;
    Blocks head;
    for (uint64_t i = 0; i < full; ++i) head.push_back(next_block_++);
    if (heads_.size() < kMaxHeads) {
      heads_.push_back(std::move(head));
      return heads_.size() - 1;
    }
    const size_t at = random_.Below(kMaxHeads);
    heads_[at] = std::move(head);
    return at;
  }

  uint64_t Tokens(const Distribution& distribution) {
    return std::max<uint64_t>(1, static_cast<uint64_t>(std::llround(distribution.Draw(random_))));
  }

  // New blocks for the tokens that have no full block yet.
  void Grow(Request& request) {
    while (request.blocks.size() < request.input_tokens / options_.block_tokens) {
      request.blocks.push_back(next_block_++);
    }
  }

  const SessionProfile profile_;
  const WorkloadOptions options_;
  const double rate_;
  Random random_;
  double next_start_s_;
  uint64_t produced_ = 0;
  uint64_t order_ = 0;
  uint64_t next_block_ = 0;
  std::vector<Blocks> heads_;
  std::vector<size_t> head_of_session_;
  std::priority_queue<Session, std::vector<Session>, Later> sessions_;
};

}  // namespace

std::unique_ptr<RequestSource> MakeSessionWorkload(SessionProfile profile,
                                                   const WorkloadOptions& options) {
  return std::make_unique<SessionWorkload>(std::move(profile), options);
}

}  // namespace halflife::tools
