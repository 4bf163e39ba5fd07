// SPDX-License-Identifier: MIT
#include "gateway/api/json.hpp"

#include <boost/json/parse.hpp>
#include <cmath>
#include <cstdio>

#include "base/text.hpp"

namespace isthmus::gateway {
namespace {

Json from_native(const boost::json::value& value) {
  switch (value.kind()) {
    case boost::json::kind::null: return nullptr;
    case boost::json::kind::bool_: return value.get_bool();
    case boost::json::kind::int64: return int64_t{value.get_int64()};
    case boost::json::kind::uint64: return static_cast<double>(value.get_uint64());
    case boost::json::kind::double_: return value.get_double();
    case boost::json::kind::string: return std::string(value.get_string().data(), value.get_string().size());
    case boost::json::kind::array: {
      Json::Array out;
      for (const auto& each : value.get_array()) out.push_back(from_native(each));
      return out;
    }
    case boost::json::kind::object: {
      Json::Object out;
      for (const auto& each : value.get_object())
        out.emplace_back(std::string(each.key().data(), each.key().size()), from_native(each.value()));
      return out;
    }
  }
  return nullptr;
}

// Octets of the UTF-8 sequence that begins here (RFC 3629); 0 when there is none.
size_t sequence_at(std::string_view text, size_t at) {
  const auto octet_at = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = octet_at(at);
  const size_t size = first < 0x80                    ? 1
                      : first >= 0xc2 && first < 0xe0 ? 2
                      : (first & 0xf0) == 0xe0        ? 3
                      : first >= 0xf0 && first < 0xf5 ? 4
                                                      : 0;
  for (size_t i = 1; i < size; ++i) {
    if ((octet_at(at + i) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = octet_at(at + 1);
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0)) return 0;
  if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90)) return 0;
  return size;
}

void write_text(std::string& out, std::string_view text) {
  out += '"';
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    const size_t size = sequence_at(text, at);
    if (size == 0) {
      out += "\xef\xbf\xbd";  // U+FFFD
      ++at;
      continue;
    }
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += text.substr(at, size);
    }
    at += size;
  }
  out += '"';
}

struct Writer {
  std::string& out;

  void operator()(std::nullptr_t) { out += "null"; }
  void operator()(bool value) { out += value ? "true" : "false"; }
  void operator()(int64_t value) { out += std::to_string(value); }
  void operator()(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.17g", std::isfinite(value) ? value : 0.0);
    out += text;
  }
  void operator()(const std::string& value) { write_text(out, value); }
  void operator()(const Json::Array& value) {
    char before = '[';
    for (const Json& each : value) {
      out += before;
      out += each.write();
      before = ',';
    }
    out += before == '[' ? "[]" : "]";
  }
  void operator()(const Json::Object& value) {
    char before = '{';
    for (const auto& [name, each] : value) {
      out += before;
      write_text(out, name);
      out += ':';
      out += each.write();
      before = ',';
    }
    out += before == '{' ? "{}" : "}";
  }
};

}  // namespace

const Json* Json::find(std::string_view name) const {
  const Object* object = members();
  if (object == nullptr) return nullptr;
  for (const auto& [known, value] : *object) {
    if (known == name) return &value;
  }
  return nullptr;
}

Json& Json::set(std::string name, Json value) {
  if (!is_object()) value_ = Object{};
  std::get<Object>(value_).emplace_back(std::move(name), std::move(value));
  return *this;
}

std::string Json::write() const {
  std::string out;
  std::visit(Writer{out}, value_);
  return out;
}

Result<Json, JsonFlaw> parse_json(std::string_view text, size_t limit) {
  if (text.size() > limit) return fail(JsonFlaw::too_large);
  boost::json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse({text.data(), text.size()}, error, {}, options);
  if (error == boost::json::error::too_deep) return fail(JsonFlaw::too_deep);
  if (error) return fail(JsonFlaw::malformed);
  return from_native(value);
}

}  // namespace isthmus::gateway
