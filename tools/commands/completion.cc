#include <memory>
#include <string>

#include "tools/cli/completion.h"
#include "tools/commands/commands.h"

namespace halflife::tools {

void AddCompletionCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("completion", "Completion script for a shell");
  auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  context.OnRun(command, [&app, &context, shell] {
    return context.PrintText(*shell == "bash"  ? BashCompletion(app)
                             : *shell == "zsh" ? ZshCompletion(app)
                                               : FishCompletion(app));
  });
}

}  // namespace halflife::tools
