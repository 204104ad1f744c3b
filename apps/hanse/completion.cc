#include "hanse/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace hanse::commands {
namespace {

// First words, once each, in the order of the commands.
std::vector<std::string> first_words(const std::vector<Completable>& commands) {
  std::vector<std::string> words;
  for (const Completable& command : commands) {
    std::string word = command.words.substr(0, command.words.find(' '));
    if (std::ranges::find(words, word) == words.end()) words.push_back(std::move(word));
  }
  return words;
}

// Second words of the commands that begin with `first`.
std::vector<std::string> second_words(const std::vector<Completable>& commands,
                                      const std::string& first) {
  std::vector<std::string> words;
  for (const Completable& command : commands)
    if (command.words.starts_with(first + " "))
      words.push_back(command.words.substr(first.size() + 1));
  return words;
}

std::string without_quotes(std::string text) {
  std::erase_if(text, [](char c) { return c == '\'' || c == '[' || c == ']' || c == ':'; });
  return text;
}

}  // namespace

std::string bash_completion(const std::vector<Completable>& commands) {
  std::string cases;
  for (const Completable& command : commands)
    cases +=
        fmt::format("    '{}') words='{}' ;;\n", command.words, fmt::join(command.options, " "));
  std::string nested;
  for (const std::string& first : first_words(commands)) {
    const auto seconds = second_words(commands, first);
    if (!seconds.empty())
      nested += fmt::format(
          "  if [[ $COMP_CWORD -eq 2 && ${{COMP_WORDS[1]}} == {} ]]; then\n"
          "    COMPREPLY=($(compgen -W '{}' -- \"$current\")); return\n  fi\n",
          first, fmt::join(seconds, " "));
  }
  return fmt::format(R"(# hanse for bash; use it with: source <(hanse completion bash)
_hanse() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} words=''
  if [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W '{} --help --version' -- "$current")); return
  fi
{}  case ${{COMP_WORDS[1]}} in
{}  esac
  case "${{COMP_WORDS[1]}} ${{COMP_WORDS[2]:-}}" in
{}  esac
  if [[ $current == -* ]]; then COMPREPLY=($(compgen -W "$words" -- "$current"))
  else compopt -o default 2>/dev/null; COMPREPLY=(); fi
}}
complete -F _hanse hanse
)",
                     fmt::join(first_words(commands), " "), nested, cases, cases);
}

std::string zsh_completion(const std::vector<Completable>& commands) {
  std::string top;
  for (const std::string& first : first_words(commands)) {
    const auto found = std::ranges::find_if(
        commands, [&](const Completable& command) { return command.words.starts_with(first); });
    top += fmt::format("    '{}:{}'\n", first, without_quotes(found->summary));
  }
  std::string cases;
  std::string nested;
  for (const Completable& command : commands) {
    const std::size_t space = command.words.find(' ');
    std::string options;
    for (std::size_t i = 0; i < command.options.size(); ++i)
      options +=
          fmt::format(" '{}[{}]'", command.options[i], without_quotes(command.option_texts[i]));
    cases += fmt::format("    '{}'*) _arguments{} '*:file:_files' ;;\n", command.words, options);
    if (space != std::string::npos)
      nested += fmt::format(
          "  if (( CURRENT == 3 )) && [[ $words[2] == {} ]]; then compadd {}; "
          "return; fi\n",
          command.words.substr(0, space),
          fmt::join(second_words(commands, command.words.substr(0, space)), " "));
  }
  return fmt::format(R"(#compdef hanse
# hanse for zsh; use it with: source <(hanse completion zsh)
_hanse() {{
  local -a commands=(
{}  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
{}  case "$words[2] $words[3]" in
{}  esac
}}
compdef _hanse hanse
)",
                     top, nested, cases);
}

}  // namespace hanse::commands
