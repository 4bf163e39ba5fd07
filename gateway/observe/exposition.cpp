// SPDX-License-Identifier: MIT
#include "gateway/observe/exposition.hpp"

#include "base/text.hpp"

namespace isthmus::gateway {
namespace {

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
}

}  // namespace

void Exposition::family(std::string_view name, std::string_view kind, std::string_view help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
  text_.append(name).append(" ").append(kind).append("\n");
}

void Exposition::sample(Labels labels, uint64_t value) {
  text_ += name_;
  char before = '{';
  for (const auto& [name, what] : labels) {
    text_ += before;
    text_.append(name).append("=\"");
    append_escaped(text_, what);
    text_ += '"';
    before = ',';
  }
  text_ += before == '{' ? " " : "} ";
  append_number(text_, value);
  text_ += '\n';
}

void Exposition::gauge(std::string_view name, std::string_view help, uint64_t value) {
  family(name, "gauge", help);
  sample({}, value);
}

void Exposition::counter(std::string_view name, std::string_view help, uint64_t value) {
  family(name, "counter", help);
  sample({}, value);
}

}  // namespace isthmus::gateway
