#include "common/config/settings.h"

namespace halflife {
namespace {

absl::Duration DurationOf(const SettingValue& value) { return absl::Nanoseconds(value.number); }

constexpr Severity kSeverities[] = {Severity::kDebug, Severity::kInfo, Severity::kWarning,
                                    Severity::kError};

// clang-format off
constexpr Setting kSettings[] = {
    {.key = "server.unix_socket", .type = SettingType::kSocketPath,
     .default_text = "/run/halflife/halflife.sock",
     .doc = "Unix socket that clients of this machine connect to. Its directory is created with mode 0750 if it "
            "is missing, the socket itself has 0660; who may open it and is one of server.allowed_uids or "
            "server.allowed_gids may read and write blocks. Empty: no Unix socket.",
     .apply = [](const SettingValue& v, Config& c) { c.server.unix_socket = v.text; }},
    {.key = "server.shared_memory", .type = SettingType::kBoolean, .default_text = "true",
     .doc = "Offers clients of this machine that may use the Unix socket to read blocks in place in the DRAM tier and "
            "to put through memory of their own. Needs that socket. Turn it off where such clients must not read "
            "blocks of other tenants.",
     .apply = [](const SettingValue& v, Config& c) { c.server.shared_memory = v.number != 0; }},
    {.key = "server.allowed_uids", .type = SettingType::kIds, .default_text = "",
     .doc = "Users who may connect to the Unix socket, beside the daemon's own and root. Others are refused, counted "
            "and named in the log once. Set it where engines run as another user; they must also be able to open "
            "the socket.",
     .apply = [](const SettingValue& v, Config& c) { c.server.allowed_uids = *ParseIds(v.text); }},
    {.key = "server.allowed_gids", .type = SettingType::kIds, .default_text = "",
     .doc = "Groups whose members may connect to the Unix socket, whatever their user.",
     .apply = [](const SettingValue& v, Config& c) { c.server.allowed_gids = *ParseIds(v.text); }},
    {.key = "server.tcp_listen", .type = SettingType::kAddress, .default_text = "",
     .doc = "TCP address for clients, as 127.0.0.1:50061 or [::1]:50061. Empty: none. An address other than "
            "loopback is refused unless server.insecure_listen is true, because nothing on it is authenticated "
            "or encrypted.",
     .apply = [](const SettingValue& v, Config& c) { c.server.tcp_listen = v.text; }},
    {.key = "server.insecure_listen", .type = SettingType::kBoolean, .default_text = "false",
     .doc = "Allows server.tcp_listen and admin.listen on addresses other than loopback without TLS. Anyone who "
            "reaches the port can read, write and delete every block. The flag --insecure-listen sets it.",
     .apply = [](const SettingValue& v, Config& c) { c.server.insecure_listen = v.number != 0; }},
    {.key = "server.io_threads", .type = SettingType::kInteger, .default_text = "4", .minimum = "1",
     .maximum = "64",
     .doc = "Threads that wait for the SSD on behalf of requests. More help only a device that is faster with a "
            "deeper queue.",
     .apply = [](const SettingValue& v, Config& c) { c.server.io_threads = v.number; }},
    {.key = "server.max_connections", .type = SettingType::kInteger, .default_text = "512", .minimum = "1",
     .maximum = "8192",
     .doc = "Connections at one time; further ones are closed at once. Each may hold a few MiB while its client "
            "does not read.",
     .apply = [](const SettingValue& v, Config& c) { c.server.max_connections = v.number; }},
    {.key = "server.min_put_rate", .type = SettingType::kBytes, .default_text = "1MiB", .maximum = "1GiB",
     .doc = "Bytes per second below which a Put is cut off, because it holds memory while it sends: counted for each "
            "block, over the time spent waiting for the client. Lower it for clients behind a very slow network. 0: "
            "never.",
     .apply = [](const SettingValue& v, Config& c) { c.server.min_put_bytes_per_s = v.number; }},
    {.key = "server.min_put_grace", .type = SettingType::kDuration, .default_text = "1s", .maximum = "30s",
     .doc = "How long a block may take before server.min_put_rate applies to it.",
     .apply = [](const SettingValue& v, Config& c) { c.server.min_put_grace = DurationOf(v); }},
    {.key = "server.drain_time", .type = SettingType::kDuration, .default_text = "5s", .maximum = "10m",
     .reloadable = true,
     .doc = "After SIGTERM, how long requests are still served while readiness already says no. Set it to the time "
            "your orchestrator needs to stop sending new clients; 0s for a sidecar.",
     .apply = [](const SettingValue& v, Config& c) { c.server.drain_time = DurationOf(v); }},
    {.key = "server.shutdown_grace", .type = SettingType::kDuration, .default_text = "20s", .maximum = "10m",
     .reloadable = true,
     .doc = "After the drain time, how long requests in flight may take to finish, and after that how long DRAM "
            "blocks are written to the SSD tier. Keep the sum of all three below the orchestrator's kill delay.",
     .apply = [](const SettingValue& v, Config& c) { c.server.shutdown_grace = DurationOf(v); }},

    {.key = "storage.policy", .type = SettingType::kChoice, .default_text = "model", .choices = "model|wa|lru",
     .doc = "What decides which block leaves first. model: the one that is expected to save least, by a model of "
            "reuse that is learnt online, with lru where that does no worse. wa: by the category's reuse "
            "probability (arXiv 2506.02634). lru: the one whose last use is longest ago.",
     .apply = [](const SettingValue& v, Config& c) { c.policy = v.text; }},
    {.key = "storage.objective", .type = SettingType::kChoice, .default_text = "hits", .choices = "hits|time",
     .doc = "What the model policy counts as a saving. hits: every block alike. time: the recompute time of the "
            "block, which grows with its depth; saves more of it where DRAM is scarce and hits fewer blocks.",
     .apply = [](const SettingValue& v, Config& c) { c.objective = v.text; }},
    {.key = "storage.shadow_policies", .type = SettingType::kText, .default_text = "",
     .doc = "Up to 4 policies that run beside the live one on a sample of the blocks and only report what they would "
            "have hit, such as \"lru,model:objective=time\". Options: objective=hits|time, duel=on|off, "
            "refit=SECONDS of model; life=SECONDS of wa. Each takes up to 17MB.",
     .apply = [](const SettingValue& v, Config& c) { c.shadow_policies = v.text; }},
    {.key = "storage.category_pins", .type = SettingType::kPins, .default_text = "",
     .doc = "Categories that requests belong to whatever else is known of them: \"vip: tenant=acme|umbrella turn=3-8; "
            "tools: stop=tool_use\". Conditions are on type (the app), turn, stop (of the previous response), tenant, "
            "lora and label.KEY; the first pin that matches counts. halflife analyze --write-pins writes them from a "
            "trace. At most 16 names.",
     .apply = [](const SettingValue& v, Config& c) { c.category_pins = v.text; }},

    {.key = "storage.max_block", .type = SettingType::kBytes, .default_text = "128MiB", .minimum = "4KiB",
     .maximum = "256MiB",
     .doc = "Largest part of a block. A namespace with larger ones is refused, because a few of them would fill the "
            "memory that Puts and Gets may hold. Raise it for very large models with many tokens in a block.",
     .apply = [](const SettingValue& v, Config& c) { c.max_block_bytes = v.number; }},

    {.key = "storage.dram.budget", .type = SettingType::kBytes, .default_text = "auto", .minimum = "16MiB",
     .maximum = "64TiB", .allows_auto = true,
     .doc = "Bytes of DRAM for blocks; the process stays within this plus about 512MiB. auto: the memory limit of "
            "the cgroup, or the physical memory, minus 512MiB, and never more than 70 % of it.",
     .apply = [](const SettingValue& v, Config& c) { c.dram.budget_bytes = v.number; }},
    {.key = "storage.dram.huge_pages", .type = SettingType::kBoolean, .default_text = "true",
     .doc = "Asks the kernel for transparent huge pages, and, with an SSD tier, moves DRAM in use into them in "
            "the background, also where shmem_enabled is never (not where it is deny). Turn it off where memory is very tight.",
     .apply = [](const SettingValue& v, Config& c) { c.dram.huge_pages = v.number != 0; }},
    {.key = "storage.dram.populate", .type = SettingType::kChoice, .default_text = "ahead",
     .choices = "ahead|all|off",
     .doc = "Which memory the background takes from the system before a Put needs it: touching a page for the first "
            "time costs the Put 0.5 us and more. ahead: a sixteenth of the budget, at most 1GiB, in stock for the "
            "size of block that comes. all: all of the budget; the process then grows to it without traffic. off: "
            "none.",
     .apply = [](const SettingValue& v, Config& c) { c.dram.populate = v.text; }},
    {.key = "storage.dram.populate_rate", .type = SettingType::kBytes, .default_text = "256MiB",
     .minimum = "1MiB", .maximum = "64GiB",
     .doc = "Bytes per second that the background populates at most. Raise it where a core is idle and the first "
            "blocks must be fast.",
     .apply = [](const SettingValue& v, Config& c) { c.dram.populate_bytes_per_s = v.number; }},
    {.key = "storage.dram.free_target", .type = SettingType::kRatio, .default_text = "auto", .minimum = "0.001",
     .maximum = "0.5", .allows_auto = true,
     .doc = "Share of the budget that the background keeps free at most, so that a Put finds room at once: as much as "
            "2 s of Puts took lately, 0.001 at least. auto: 0.04 with an SSD tier, to which blocks are written before they "
            "leave DRAM; 0.01, and 1 ms of Puts, without one, where they leave in microseconds. Raise it when puts "
            "arrive in large bursts and are refused.",
     .apply = [](const SettingValue& v, Config& c) { c.dram.free_target_ratio = v.ratio; }},
    {.key = "storage.dram.max_pinned", .type = SettingType::kBytes, .default_text = "auto", .minimum = "1MiB",
     .maximum = "64TiB", .allows_auto = true,
     .doc = "Bytes that leases may hold in DRAM at one time. auto: a quarter of the budget.",
     .apply = [](const SettingValue& v, Config& c) { c.dram.max_pinned_bytes = v.number; }},
    {.key = "storage.dram.max_put", .type = SettingType::kBytes, .default_text = "auto", .minimum = "1MiB",
     .maximum = "64TiB", .allows_auto = true,
     .doc = "Bytes of puts in progress at one time; a Put beyond it is refused. auto: a quarter of the budget.",
     .apply = [](const SettingValue& v, Config& c) { c.dram.max_put_bytes = v.number; }},
    {.key = "storage.dram.put_room_wait", .type = SettingType::kDuration, .default_text = "100ms",
     .maximum = "10s",
     .doc = "How long a Put waits for the background to make room before it is refused.",
     .apply = [](const SettingValue& v, Config& c) { c.dram.put_room_wait = DurationOf(v); }},
    {.key = "storage.dram.namespace_limits", .type = SettingType::kLimits, .default_text = "",
     .doc = "Bytes of DRAM that namespaces are sure of (min_bytes) and that they may have (max_bytes): \"gold: "
            "tenant=acme min_bytes=8GiB; batch: tenant=batch|nightly max_bytes=2GiB\". Conditions are on tenant, "
            "model, engine, lora and tag; the first rule that matches counts, and all namespaces that it takes share "
            "its bytes. The floors together are at most nine tenths of the budget. At most 16 rules.",
     .apply = [](const SettingValue& v, Config& c) { c.dram.namespace_limits = v.text; }},

    {.key = "storage.ssd.directory", .type = SettingType::kPath, .default_text = "",
     .doc = "Directory of the SSD tier, used by this daemon alone. Empty: no SSD tier, and a restart begins "
            "empty.",
     .apply = [](const SettingValue& v, Config& c) { c.ssd.directory = v.text; }},
    {.key = "storage.ssd.quota", .type = SettingType::kBytes, .default_text = "10GiB", .minimum = "64MiB",
     .maximum = "1PiB",
     .doc = "Bytes that the SSD tier may take on the file system, everything included.",
     .apply = [](const SettingValue& v, Config& c) { c.ssd.quota_bytes = v.number; }},
    {.key = "storage.ssd.direct_io", .type = SettingType::kBoolean, .default_text = "true",
     .doc = "Reads and writes payload past the page cache, where the file system can. Without it the page cache "
            "holds a second copy of hot blocks.",
     .apply = [](const SettingValue& v, Config& c) { c.ssd.direct_io = v.number != 0; }},
    {.key = "storage.ssd.io_uring", .type = SettingType::kBoolean, .default_text = "true",
     .doc = "Reads and writes slot files by io_uring. Where the kernel or a seccomp profile forbids it, threads "
            "take its place by themselves; the metric halflife_ssd_io_uring says which it is.",
     .apply = [](const SettingValue& v, Config& c) { c.ssd.io_uring = v.number != 0; }},
    {.key = "storage.ssd.read_timeout", .type = SettingType::kDuration, .default_text = "1s", .minimum = "10ms",
     .maximum = "60s",
     .doc = "How long a read of blocks may take, and 10 ms per MiB beside, before its blocks count as a miss. Raise "
            "it for network disks that pause for longer and are worth waiting for.",
     .apply = [](const SettingValue& v, Config& c) { c.ssd.read_timeout = DurationOf(v); }},
    {.key = "storage.ssd.crash_limit", .type = SettingType::kInteger, .default_text = "3", .minimum = "0",
     .maximum = "100",
     .doc = "If the daemon was started this often within 60 s without a clean stop, it starts without the SSD "
            "tier and says so: a damaged directory must not keep the DRAM tier down. 0: never.",
     .apply = [](const SettingValue& v, Config& c) { c.ssd.crash_limit = v.number; }},
    {.key = "storage.ssd.write_budget", .type = SettingType::kBytes, .default_text = "0", .maximum = "1PiB",
     .doc = "Bytes per day that may be written to the drive, the database's own included; no minute sees more than its "
            "1,440th part. Where it does not suffice, those blocks are written that are most likely to be used again. "
            "0: no limit, unless storage.ssd.drive_size says one.",
     .apply = [](const SettingValue& v, Config& c) { c.ssd.write_budget_bytes_per_day = v.number; }},
    {.key = "storage.ssd.drive_size", .type = SettingType::kBytes, .default_text = "0", .maximum = "1PiB",
     .doc = "Nominal size of the drive. Together with storage.ssd.drive_writes_per_day this is another way to say "
            "storage.ssd.write_budget: their product. 0: not said.",
     .apply = [](const SettingValue& v, Config& c) { c.ssd.drive_bytes = v.number; }},
    {.key = "storage.ssd.drive_writes_per_day", .type = SettingType::kDecimal, .default_text = "1",
     .minimum = "0.01", .maximum = "100",
     .doc = "How often a day the drive may be written over in its warranty (DWPD), as its data sheet says. Used only "
            "with storage.ssd.drive_size.",
     .apply = [](const SettingValue& v, Config& c) { c.ssd.drive_writes_per_day = v.ratio; }},

    {.key = "admin.listen", .type = SettingType::kAddress, .default_text = "127.0.0.1:9461",
     .doc = "Address of the HTTP port for /metrics, /healthz, /readyz and /statusz; it answers while the daemon "
            "still starts. Empty: none.",
     .apply = [](const SettingValue& v, Config& c) { c.admin_listen = v.text; }},

    {.key = "log.level", .type = SettingType::kChoice, .default_text = "info",
     .choices = "debug|info|warning|error", .reloadable = true,
     .doc = "The least severe lines that are logged. debug also shows what gRPC itself logs.",
     .apply = [](const SettingValue& v, Config& c) { c.log.level = kSeverities[v.number]; }},
    {.key = "log.format", .type = SettingType::kChoice, .default_text = "auto", .choices = "auto|text|json",
     .reloadable = true,
     .doc = "Form of the log on standard error. auto: text on a terminal, JSON lines otherwise.",
     .apply = [](const SettingValue& v, Config& c) { c.log.format = static_cast<Config::LogFormat>(v.number); }},

    {.key = "security.secret_file", .type = SettingType::kPath, .default_text = "", .sensitive = true,
     .doc = "File with the 32-byte secret from which stored keys are derived, readable by its owner only. With "
            "another secret, blocks on the SSD cannot be found again. Empty: tenant.secret in "
            "storage.ssd.directory, created at the first start; without an SSD tier, a random one in memory.",
     .apply = [](const SettingValue& v, Config& c) { c.secret_file = v.text; }},
};
// clang-format on

}  // namespace

absl::Span<const Setting> Settings() { return kSettings; }

}  // namespace halflife
