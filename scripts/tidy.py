#!/usr/bin/env python3
"""Checks of the tree's shape that need no compiler: layering, lengths, forbidden words. Runs as a test.

Rules (docs/ARCHITECTURE.md says why):
  layering    includes go server, client, tools -> storage -> common; proto only from server, client, tools;
              RocksDB only in storage/tiers, prometheus-cpp only in server/admin, yaml-cpp only in common/config
  lengths     a file has at most 500 lines, a function at most 70, a parameter list at most 6
  words       no sleep, no absl::Mutex, threads only in common/executor, getenv only where allowed, no TODO
Usage: tidy.py [ROOT]. Exit code 1 and one line per finding: FILE:LINE: what.
"""
import os
import re
import sys
from pathlib import Path

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 70
MAX_PARAMETERS = 6

# Which top-level directories a directory may include from, beside itself.
MAY_INCLUDE = {
    "common": set(),
    "storage": {"common"},
    "proto": {"common", "halflife"},
    "server": {"common", "storage", "proto", "halflife"},
    "client": {"common", "proto", "halflife"},
    "tools": {"common", "storage", "proto", "client", "halflife"},
}
# Library headers and the only directories that may include them.
OWNERS = {
    r"rocksdb/": ("storage/tiers", "tests/storage/ssd", "bench/blob_store", "bench/ssd_index_bench"),
    r"prometheus/": ("server/admin",),
    r"yaml-cpp/": ("common/config",),
    r"(grpc|grpcpp|google/protobuf)/": ("proto", "server", "client", "tools", "tests", "bench"),
    r"spdlog/": ("common",),
    r"CivetServer\.h": ("server/admin",),
}
FORBIDDEN = [
    (r"\babsl::Mutex\b", "absl::Mutex: use common/mutex.h", ()),
    (r"\bstd::thread\b", "std::thread: threads start only in common/executor", ("common/executor", "tests/", "bench/")),
    (r"\b(sleep_for|sleep_until|SleepFor|usleep|nanosleep)\s*\(", "sleep: wait for an event", ()),
    (r"(?<![\w.:])sleep\s*\(", "sleep: wait for an event", ()),
    (r"\b(secure_)?getenv\s*\(", "getenv: read the environment in common/config",
     ("common/config", "common/killpoint", "common/replay_clock", "client/src", "tools/", "tests/", "bench/")),
    (r"\bTODO\b|\bFIXME\b|\bXXX\b", "TODO: file an issue or do it", ()),
]
SOURCES = ("common", "storage", "proto", "server", "client", "tools", "tests", "bench")


def strip_comments_and_strings(text):
    """Same length and lines, with comments and literals blanked, so that braces and words in them do not count."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)

    def blank(match):
        if match.group(0)[0] == "'" and match.start() > 0 and text[match.start() - 1].isalnum():
            return match.group(0)  # digit separator: 1'000'000
        return re.sub(r"[^\n]", " ", match.group(0))

    return pattern.sub(blank, text)


def functions(code):
    """Yields (first line, last line, parameters) of every function body outside other functions."""
    stack = []  # kind of every open brace: "scope" or "body"
    start = 0
    for position, char in enumerate(code):
        if char == ";" and "body" not in stack:
            start = position + 1
        elif char == "{":
            head = code[start:position]
            scope = re.search(r"\b(namespace|class|struct|union|enum|extern)\b[^()]*$", head)
            is_body = "body" not in stack and not scope and ")" in head and not re.search(r"=\s*$", head)
            if is_body:
                first = code.count("\n", 0, start + len(head) - len(head.lstrip()))
                stack.append("body")
                body_start = (first, parameters(head), len(stack))
            else:
                stack.append("scope" if scope or "body" not in stack else "block")
            if "body" not in stack:
                start = position + 1
        elif char == "}" and stack:
            kind = stack.pop()
            if kind == "body" and "body" not in stack:
                yield body_start[0] + 1, code.count("\n", 0, position) + 1, body_start[1]
            if "body" not in stack:
                start = position + 1
        elif char == ":" and "body" not in stack and re.search(r"\b(public|private|protected)\s*$", code[start:position]):
            start = position + 1


def parameters(head):
    opening = head.find("(")
    depth, count, seen = 0, 0, False
    for char in head[opening:]:
        if char in "(<[{":
            depth += 1
        elif char in ")>]}":
            depth -= 1
            if depth == 0:
                break
        elif char == "," and depth == 1:
            count += 1
        elif not char.isspace():
            seen = True
    return count + 1 if seen else 0


def check_includes(path, text, report):
    top = path.parts[0]
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*["<]([^">]+)[">]', line)
        if not match:
            continue
        target = match.group(1)
        for pattern, owners in OWNERS.items():
            if re.match(pattern, target) and not any(str(path).startswith(owner) for owner in owners):
                report(number, f"includes {target}: only {', '.join(owners)} may")
        target_top = target.split("/")[0]
        if top in MAY_INCLUDE and (target_top in MAY_INCLUDE or target_top == "halflife"):
            if target_top != top and target_top not in MAY_INCLUDE[top]:
                report(number, f"includes {target}: {top} may include only {sorted(MAY_INCLUDE[top])}")


def check_file(path, report):
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    if lines > MAX_FILE_LINES:
        report(1, f"{lines} lines, at most {MAX_FILE_LINES}: one idea per file")
    check_includes(path, text, report)
    code = strip_comments_and_strings(text)
    for pattern, message, allowed in FORBIDDEN:
        searched = text if "TODO" in message else code
        if any(str(path).startswith(prefix) for prefix in allowed):
            continue
        for match in re.finditer(pattern, searched):
            report(searched.count("\n", 0, match.start()) + 1, message)
    for first, last, count in functions(code):
        if last - first + 1 > MAX_FUNCTION_LINES:
            report(first, f"function of {last - first + 1} lines, at most {MAX_FUNCTION_LINES}")
        if count > MAX_PARAMETERS:
            report(first, f"function with {count} parameters, at most {MAX_PARAMETERS}")


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
    os.chdir(root)
    findings, files = [], 0
    for top in SOURCES:
        for path in sorted((root / top).rglob("*")):
            if path.suffix not in (".h", ".cc"):
                continue
            files += 1
            relative = path.relative_to(root)

            def report(line, what, relative=relative):
                findings.append(f"{relative}:{line}: {what}")

            check_file(relative, report)
    print("\n".join(findings) if findings else f"tidy: {files} files")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
