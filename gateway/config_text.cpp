// SPDX-License-Identifier: MIT
#include "gateway/config_text.hpp"

#include "gateway/config_keys.hpp"

namespace isthmus::gateway {
namespace {

constexpr size_t kColumns = 110;  // of comment lines

// Words in lines that begin with "# ".
std::string comment(std::string_view text) {
  std::string out;
  std::string line = "#";
  while (!text.empty()) {
    const size_t space = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, space);
    if (line.size() + 1 + word.size() > kColumns) {
      out += line + "\n";
      line = "#";
    }
    line += " " + std::string(word);
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return out + line + "\n";
}

std::string heading(const ConfigTable& table) {
  if (table.name.empty()) return {};
  const std::string name(table.name);
  // A list of tables stands behind #, so that the file as it is holds no account, trunk or route.
  return table.many ? "#[[" + name + "]]\n" : "[" + name + "]\n";
}

std::string without_code_marks(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != '`') out += c;
  }
  return out;
}

std::string code(std::string_view toml) {
  return "`" + std::string(toml) + "`";
}

// In a cell of a Markdown table.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

}  // namespace

std::string roff(std::string_view text) {
  std::string out;
  bool bold = false;
  for (const char c : text) {
    if (c == '`') {
      out += bold ? "\\fR" : "\\fB";
      bold = !bold;
    } else if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '\n') {
      out += ' ';
    } else {
      out += c;
    }
  }
  // A dot or a quote at the beginning of a line would be a request.
  return !out.empty() && (out.front() == '.' || out.front() == '\'') ? "\\&" + out : out;
}

std::string config_example() {
  std::string out =
      "# SPDX-License-Identifier: MIT\n"
      "# The configuration of Isthmus, complete. Each key stands behind a # with what counts when it is not written, "
      "or with\n"
      "# an example where that is no fixed value. `isthmus check FILE` says what is wrong with a file. This one is "
      "made by\n"
      "# ./dev docs from the table that reads it.\n";
  for (const ConfigTable& table : config_tables()) {
    if (!table.name.empty()) out += "\n" + comment("---- " + std::string(table.title));
    if (!table.meaning.empty()) out += comment(without_code_marks(table.meaning));
    out += heading(table);
    for (const ConfigKey& key : config_keys()) {
      if (key.table != table.name) continue;
      std::string text = without_code_marks(key.meaning);
      if (key.fallback.empty()) text += " Not written: " + without_code_marks(key.otherwise) + ".";
      out += "\n" + comment(text);
      out +=
          "#" + std::string(key.name) + " = " + std::string(key.fallback.empty() ? key.example : key.fallback) + "\n";
    }
  }
  return out;
}

std::string config_reference() {
  std::string out;
  for (const ConfigTable& table : config_tables()) {
    const std::string name(table.name);
    out += "\n## " + std::string(table.title);
    if (!name.empty()) out += table.many ? ": `[[" + name + "]]`" : ": `[" + name + "]`";
    out += "\n\n";
    if (!table.meaning.empty()) out += std::string(table.meaning) + "\n\n";
    out += "| key | not written | meaning |\n| --- | --- | --- |\n";
    for (const ConfigKey& key : config_keys()) {
      if (key.table != table.name) continue;
      out += "| `" + dotted(key) + "` | " +
             cell(key.fallback.empty() ? std::string(key.otherwise) : code(key.fallback)) + " | " + cell(key.meaning) +
             " |\n";
    }
  }
  return out;
}

std::string config_manual() {
  std::string out =
      ".\\\" SPDX-License-Identifier: MIT\n"
      ".TH ISTHMUS.TOML 5 \"\" Isthmus \"File formats\"\n"
      ".SH NAME\nisthmus.toml \\- configuration of the Isthmus gateway\n"
      ".SH DESCRIPTION\n"
      "The file is TOML. Without one the gateway runs on safe defaults, on loopback. An unknown key is a mistake, and "
      "is\n"
      "told with the nearest known one;\n.B isthmus check\nfinds all mistakes at once. SIGHUP has a running gateway "
      "read\n"
      "accounts, routes, trunks, secrets, certificates and the rules of the log again; calls are not touched, and a\n"
      "file with a mistake changes nothing. Other keys wait for the next start, and the log names them.\n";
  for (const ConfigTable& table : config_tables()) {
    const std::string name(table.name);
    out += ".SH " + std::string(name.empty() ? "GENERAL" : table.many ? "[[" + name + "]]" : "[" + name + "]") + "\n";
    if (!table.meaning.empty()) out += roff(table.meaning) + "\n";
    for (const ConfigKey& key : config_keys()) {
      if (key.table != table.name) continue;
      out += ".TP\n.B " + std::string(key.name) + "\n" + roff(key.meaning) + "\n";
      out += key.fallback.empty() ? "Not written: " + roff(key.otherwise) + ".\n"
                                  : "Default: " + roff("`" + std::string(key.fallback) + "`") + ".\n";
    }
  }
  out += ".SH FILES\n.TP\n.I /etc/isthmus/isthmus.toml\nof the Debian package\n";
  out += ".SH SEE ALSO\n.BR isthmus (1)\n";
  return out;
}

}  // namespace isthmus::gateway
