// SPDX-License-Identifier: MIT
// The program: the command line, read along the table of commands. The one file of CLI11.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <deque>
#include <exception>
#include <map>

#include "gateway/command/commands.hpp"

namespace isthmus::gateway {
namespace {

// One option while the line is being read.
struct Place {
  const OptionText* text = nullptr;
  CLI::Option* option = nullptr;
  std::vector<std::string> values;
};
struct Parser {
  const CommandText* command = nullptr;
  CLI::App* app = nullptr;
  std::deque<Place> places;  // addresses stay
};

void add_options(Parser& parser) {
  for (const OptionText& text : parser.command->options) {
    Place& place = parser.places.emplace_back();
    place.text = &text;
    const bool is_flag = text.name.starts_with("--") && text.value.empty();
    if (is_flag) {
      const std::string help(text.help);
      place.option = parser.app->add_flag(std::string(text.name), help);
      continue;
    }
    place.option = parser.app->add_option(std::string(text.name), place.values, std::string(text.help));
    place.option->type_name(std::string(text.value))->required(text.required);
    place.option->expected(1);
    if (text.many) place.option->take_all();
    if (text.many && !text.name.starts_with("--")) place.option->expected(1, CLI::detail::expected_max_vector_size);
  }
}

Arguments arguments_of(const Parser& parser) {
  Arguments out;
  for (const Place& place : parser.places) {
    for (const std::string& value : place.values) out.put(place.text->name, value);
    if (place.values.empty() && place.option->count() > 0) out.put(place.text->name, "");
  }
  return out;
}

std::string example(const CommandText& text) {
  return "Example: " + std::string(text.example);
}

// "account add" hangs below "account", which needs no row of its own.
CLI::App* place_for(CLI::App& root, const CommandText& text, std::map<std::string, CLI::App*>& groups) {
  std::string name(text.name);
  CLI::App* above = &root;
  if (const size_t space = name.find(' '); space != std::string::npos) {
    const std::string group = name.substr(0, space);
    if (!groups.contains(group)) {
      groups[group] = root.add_subcommand(group, "See isthmus " + group + " --help");
      groups[group]->require_subcommand(1);
      groups[group]->footer(example(text));
    }
    above = groups[group];
    name = name.substr(space + 1);
  }
  CLI::App* out = above->add_subcommand(name, std::string(text.help));
  if (above == &root) groups[name] = out;  // "trace on" hangs below "trace", which is a command itself
  out->footer(example(text));
  return out;
}

int run(int argc, char** argv) {
  CLI::App app{"A SIP stack and WebRTC gateway: browsers call SIP phones, SIP phones call browsers."};
  app.set_version_flag("--version", std::string("isthmus ") + ISTHMUS_VERSION);
  app.require_subcommand(0, 1);
  app.footer(example(command_texts().front()) + "\nisthmus COMMAND --help tells more.");
  std::deque<Parser> parsers;
  std::map<std::string, CLI::App*> groups;
  for (const CommandText& text : command_texts()) {
    // What is first in the table happens without a command, so its options stand there too.
    if (&text == command_texts().data()) {
      parsers.push_back({&text, &app, {}});
      add_options(parsers.back());
    }
    parsers.push_back({&text, place_for(app, text, groups), {}});
    add_options(parsers.back());
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kBadConfig;
  }
  // What hangs below another command stands behind it in the table.
  for (auto parser = parsers.rbegin(); parser != parsers.rend(); ++parser) {
    if (parser->app != &app && parser->app->parsed()) return parser->command->run(arguments_of(*parser));
  }
  return parsers.front().command->run(arguments_of(parsers.front()));
}

}  // namespace
}  // namespace isthmus::gateway

int main(int argc, char** argv) {
  try {
    return isthmus::gateway::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "isthmus: %s\n", error.what());
    return 1;
  }
}
