// SPDX-License-Identifier: MIT
// The one table of all keys: what reads each, what it is when it is not written, and what it means in one sentence. It
// drives the reader (gateway/config), etc/isthmus.toml, isthmus.toml(5) and docs/configuration.md
// (gateway/config_text).
//
// To add a key: a member of Config with its safe default, one row here, `./dev docs`.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "gateway/config.hpp"
#include "gateway/config_value.hpp"

namespace isthmus::gateway {

struct ConfigTable {
  std::string_view name;     // "" for the top of the file
  std::string_view title;    // a heading
  std::string_view meaning;  // sentences
  bool many = false;         // [[name]], once for each account, trunk or route
};

struct ConfigKey {
  std::string_view table;
  std::string_view name;
  std::string_view fallback;   // in TOML, what counts when the key is not written; "": see `otherwise`
  std::string_view otherwise;  // where that is no fixed value: in words, "the first SIP address", "none", "required"
  std::string_view example;    // in TOML; stands in the example file where there is no fallback
  std::string_view meaning;    // one sentence or two, with capital and full stop; may hold `code`
  // Reads one value into its place, of the last element where the table is a list. Returns what is wrong, "" for
  // nothing.
  std::string (*read)(Config&, const ConfigValue&);
};

std::span<const ConfigTable> config_tables();
const ConfigKey* find_config_key(std::string_view table, std::string_view name);  // null for none
std::span<const ConfigKey> config_keys();  // by table, in the order of config_tables()

}  // namespace isthmus::gateway
