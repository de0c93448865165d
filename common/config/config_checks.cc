#include "common/config/config_checks.h"

#include "common/block/namespace_limits.h"
#include "common/strings.h"

namespace halflife {
namespace {

class Checker {
 public:
  explicit Checker(const EffectiveConfig& config) : config_(config), values_(config.values()) {}

  std::vector<ConfigProblem> Run() {
    CheckListeners();
    CheckDram();
    CheckNamespaceFloorsFit();
    CheckSsd();
    return std::move(problems_);
  }

 private:
  // "storage.dram.budget is 1GiB (halflife.yaml:3:5)".
  std::string Described(std::string_view key) const {
    const EffectiveSetting& effective = config_.Get(key);
    const std::string_view text = effective.value.text;
    return StrCat(key, " is ", text.empty() ? "empty" : text, " (", effective.where, ")");
  }

  void Add(std::string_view key, std::string message) {
    problems_.push_back({config_.Get(key).where, std::move(message)});
  }

  void CheckListeners() {
    if (values_.server.unix_socket.empty() && values_.server.tcp_listen.empty()) {
      Add("server.unix_socket",
          StrCat(Described("server.unix_socket"), " and ", Described("server.tcp_listen"),
                 ": no client could connect; set one of them"));
    }
    CheckLoopback("server.tcp_listen", values_.server.tcp_listen);
    CheckLoopback("admin.listen", values_.admin_listen);
    const auto tcp = ParseAddress(values_.server.tcp_listen);
    const auto admin = ParseAddress(values_.admin_listen);
    if (tcp.ok() && admin.ok() && tcp->port == admin->port && tcp->port != 0) {
      Add("admin.listen", StrCat(Described("admin.listen"), " and ", Described("server.tcp_listen"),
                                 ": both want one port; change one of them"));
    }
  }

  void CheckLoopback(std::string_view key, const std::string& text) {
    const auto address = ParseAddress(text);
    if (!address.ok() || address->loopback || values_.server.insecure_listen) return;
    Add(key,
        StrCat(Described(key), ", which is not loopback, and ", Described("server.insecure_listen"),
               ": nothing on this port is authenticated or encrypted; use a loopback address, or "
               "allow it "
               "with --insecure-listen"));
  }

  void CheckDram() {
    const Config::Dram& dram = values_.dram;
    if (dram.budget_bytes == Config::kAuto) return;
    CheckAtMostBudget("storage.dram.max_pinned", dram.max_pinned_bytes);
    CheckAtMostBudget("storage.dram.max_put", dram.max_put_bytes);
    if (dram.max_pinned_bytes <= dram.budget_bytes && dram.max_put_bytes <= dram.budget_bytes &&
        dram.max_pinned_bytes + dram.max_put_bytes > dram.budget_bytes) {
      Add("storage.dram.max_put",
          StrCat(Described("storage.dram.max_pinned"), " and ", Described("storage.dram.max_put"),
                 ": their sum is above the budget; ", Described("storage.dram.budget")));
    }
  }

  // A budget that is worked out from the machine is checked where it becomes known.
  void CheckNamespaceFloorsFit() {
    const auto rules = ParseNamespaceLimits(values_.dram.namespace_limits);
    if (!rules.ok() || values_.dram.budget_bytes == Config::kAuto) return;
    const absl::Status floors =
        CheckNamespaceFloors(*rules, static_cast<uint64_t>(values_.dram.budget_bytes));
    if (floors.ok()) return;
    Add("storage.dram.namespace_limits",
        StrCat(Described("storage.dram.namespace_limits"), ": ", ToStd(floors.message()), "; ",
               Described("storage.dram.budget")));
  }

  void CheckAtMostBudget(std::string_view key, int64_t bytes) {
    if (bytes <= values_.dram.budget_bytes) return;
    Add(key,
        StrCat(Described(key), ", more than the whole budget: ", Described("storage.dram.budget")));
  }

  void CheckSsd() {
    // The printed defaults set the quota too.
    const EffectiveSetting& quota = config_.Get("storage.ssd.quota");
    const bool quota_was_set = quota.value.text != quota.setting->default_text;
    if (values_.ssd.directory.empty() && quota_was_set) {
      Add("storage.ssd.quota",
          StrCat(Described("storage.ssd.quota"), ", but ", Described("storage.ssd.directory"),
                 ": there is no SSD tier; set the directory or remove the quota"));
    }
    if (values_.ssd.write_budget_bytes_per_day > 0 && values_.ssd.drive_bytes > 0) {
      Add("storage.ssd.write_budget", StrCat(Described("storage.ssd.write_budget"), " and ",
                                             Described("storage.ssd.drive_size"),
                                             ": both say what may be written; remove one of them"));
    }
  }

  const EffectiveConfig& config_;
  const Config& values_;
  std::vector<ConfigProblem> problems_;
};

}  // namespace

std::vector<ConfigProblem> CheckConsistency(const EffectiveConfig& config) {
  return Checker(config).Run();
}

}  // namespace halflife
