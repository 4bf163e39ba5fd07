// SPDX-License-Identifier: MIT
// The one table of all keys: what reads each, what it is when it is not written, and what it means in one sentence. It
// drives the reader (gateway/config), etc/isthmus.toml, isthmus.toml(5) and docs/configuration.md
// (gateway/config_text).
//
// To add a key: a member of Config with its safe default, one row here, its value in
// tests/gateway/outside/reload_test.py, `./dev docs`.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

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
  // Do both say the same of it? Only a new start takes a change of it in, and a reload (SIGHUP) names it in the log.
  // Null (kAtReload): a reload takes it in, by gateway/gateway_reload.
  bool (*same)(const Config&, const Config&);
};
inline constexpr bool (*kAtReload)(const Config&, const Config&) = nullptr;

std::span<const ConfigTable> config_tables();
const ConfigKey* find_config_key(std::string_view table, std::string_view name);  // null for none
std::span<const ConfigKey> config_keys();  // by table, in the order of config_tables()
std::string dotted(const ConfigKey& key);  // "web.listen"; of the top of the file "domain"
// What differs although only a new start takes it in, by dotted names, in the order of config_keys().
std::vector<std::string> until_next_start(const Config& running, const Config& wanted);

}  // namespace isthmus::gateway
