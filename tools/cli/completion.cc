#include "tools/cli/completion.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace halflife::tools {
namespace {

struct Word {
  std::string text;
  std::string description;
};

// What may follow a path of commands: "" is the program itself, " trace" its command.
struct Place {
  std::string path;
  std::vector<Word> commands;
  std::vector<Word> options;
};

void AppendOptions(const CLI::App& app, std::vector<Word>& words) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      words.push_back({"--" + name, option->get_description()});
    }
  }
}

void AppendPlaces(const CLI::App& app, const std::string& path, const std::vector<Word>& globals,
                  std::vector<Place>& places) {
  Place place{path, {}, {}};
  AppendOptions(app, place.options);
  for (const Word& global : globals) {
    if (!path.empty() && global.text != "--help" && global.text != "--version") {
      place.options.push_back(global);
    }
  }
  const auto all = [](const CLI::App*) { return true; };
  for (const CLI::App* sub : app.get_subcommands(all)) {
    place.commands.push_back({sub->get_name(), sub->get_description()});
  }
  places.push_back(std::move(place));
  for (const CLI::App* sub : app.get_subcommands(all)) {
    AppendPlaces(*sub, absl::StrCat(path, " ", sub->get_name()), globals, places);
  }
}

std::vector<Place> PlacesOf(const CLI::App& app) {
  std::vector<Word> globals;
  AppendOptions(app, globals);
  std::vector<Place> places;
  AppendPlaces(app, "", globals, places);
  return places;
}

std::string Texts(const Place& place) {
  std::vector<std::string> texts;
  for (const auto* words : {&place.commands, &place.options}) {
    for (const Word& word : *words) texts.push_back(word.text);
  }
  return absl::StrJoin(texts, " ");
}

// The two `case` statements that bash and zsh share: from the words before the cursor to a place,
// and from the place to the words that fit. The variable is not called path, which zsh ties to
// PATH.
std::string PathCase(const std::vector<Place>& places) {
  std::vector<std::string> known;
  for (const Place& place : places) {
    if (!place.path.empty()) known.push_back(absl::StrCat("\"", place.path, "\""));
  }
  return absl::StrCat("    case \"$place $word\" in\n      ", absl::StrJoin(known, "|"),
                      ") place=\"$place $word\" ;;\n    esac\n");
}

std::string WordsCase(const std::vector<Place>& places) {
  std::string text = "  case \"$place\" in\n";
  for (const Place& place : places) {
    absl::StrAppend(&text, "    \"", place.path, "\") choices=\"", Texts(place), "\" ;;\n");
  }
  return text + "  esac\n";
}

std::string FishQuoted(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
}

}  // namespace

std::string BashCompletion(const CLI::App& app) {
  const auto places = PlacesOf(app);
  return absl::StrCat(
      "# bash completion for halflife: source <(halflife completion bash)\n"
      "_halflife() {\n"
      "  local cur=\"${COMP_WORDS[COMP_CWORD]}\" place=\"\" choices=\"\" word\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n",
      PathCase(places), "  done\n", WordsCase(places),
      "  COMPREPLY=($(compgen -W \"$choices\" -- \"$cur\"))\n"
      "  [[ ${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- \"$cur\"))\n"
      "}\n"
      "complete -o filenames -F _halflife halflife\n");
}

std::string ZshCompletion(const CLI::App& app) {
  const auto places = PlacesOf(app);
  return absl::StrCat(
      "#compdef halflife\n"
      "# zsh completion for halflife: halflife completion zsh > \"${fpath[1]}/_halflife\"\n"
      "_halflife() {\n"
      "  local place=\"\" choices=\"\" word\n"
      "  for word in \"${(@)words[2,CURRENT-1]}\"; do\n",
      PathCase(places), "  done\n", WordsCase(places),
      "  compadd -- ${(s: :)choices} || _files\n"
      "}\n"
      "if [ \"$funcstack[1]\" = \"_halflife\" ]; then\n"
      "  _halflife \"$@\"\n"
      "else\n"
      "  compdef _halflife halflife\n"
      "fi\n");
}

std::string FishCompletion(const CLI::App& app) {
  std::string text =
      "# fish completion for halflife: halflife completion fish | source\n"
      "function __halflife_at\n"
      "  set -l words (string match -v -- '-*' (commandline -opc)[2..-1])\n"
      "  test \"$words\" = \"$argv\"\n"
      "end\n"
      "function __halflife_in\n"
      "  set -l words (string match -v -- '-*' (commandline -opc)[2..-1])\n"
      "  string match -q -- \"$argv*\" \"$words\"\n"
      "end\n";
  for (const Place& place : PlacesOf(app)) {
    const std::string path = place.path.empty() ? "" : place.path.substr(1);
    for (const Word& word : place.commands) {
      absl::StrAppend(&text, "complete -c halflife -f -n ", FishQuoted("__halflife_at " + path),
                      " -a ", FishQuoted(word.text), " -d ", FishQuoted(word.description), "\n");
    }
    for (const Word& word : place.options) {
      absl::StrAppend(&text, "complete -c halflife -n ", FishQuoted("__halflife_in " + path),
                      " -l ", FishQuoted(word.text.substr(2)), " -d ", FishQuoted(word.description),
                      "\n");
    }
  }
  return text;
}

}  // namespace halflife::tools
