// SPDX-License-Identifier: MIT
// The table of commands: it drives the command line and --help (gateway/main.cpp) and isthmus(1) (gateway/papers.cpp).
//
// To add a command: a function in a file of this folder, one row in commands.cpp, `./dev docs`.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "gateway/command/arguments.hpp"

namespace isthmus::gateway {

// Exit statuses of all commands.
constexpr int kDone = 0;
constexpr int kFailed = 1;     // what was asked for is not possible; the standard error says why
constexpr int kBadConfig = 2;  // the command line or the configuration has mistakes

struct OptionText {
  std::string_view name;   // "--config", or "FILE" for a word without one
  std::string_view value;  // "FILE"; "": a flag, or a word
  std::string_view help;
  bool required = false;
  bool many = false;  // may be given more than once
};

struct CommandText {
  std::string_view name;  // "run"; "account add" for a command of a command
  std::string_view help;
  std::span<const OptionText> options;
  std::string_view example;      // one line of shell
  int (*run)(const Arguments&);  // returns the exit status
};

std::span<const CommandText> command_texts();
std::string command_manual();  // isthmus(1) in man(7)

// Each in its own file.
int command_run(const Arguments& arguments);
int command_check(const Arguments& arguments);
int command_drain(const Arguments& arguments);
int command_account_add(const Arguments& arguments);
int command_account_list(const Arguments& arguments);
int command_account_remove(const Arguments& arguments);
int command_account_passwd(const Arguments& arguments);
int command_calls(const Arguments& arguments);
int command_cert(const Arguments& arguments);
int command_trace(const Arguments& arguments);
int command_trace_on(const Arguments& arguments);
int command_trace_off(const Arguments& arguments);
int command_trace_save(const Arguments& arguments);

}  // namespace isthmus::gateway
