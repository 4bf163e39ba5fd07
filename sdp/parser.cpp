// SPDX-License-Identifier: MIT
#include "sdp/parser.hpp"

#include <array>

#include "base/text.hpp"

namespace isthmus::sdp {
namespace {

using Step = Result<void, ParseFault>;

// Takes the next blank-separated word off the front; empty when nothing is left.
std::string_view take_word(std::string_view& text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  size_t size = 0;
  while (size < text.size() && !is_space(text[size])) ++size;
  const std::string_view word = text.substr(0, size);
  text.remove_prefix(size);
  return word;
}

// Takes the last word off the back.
std::string_view take_last_word(std::string_view& text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  size_t at = text.size();
  while (at > 0 && !is_space(text[at - 1])) --at;
  const std::string_view word = text.substr(at);
  text.remove_suffix(text.size() - at);
  return word;
}

std::optional<Family> address_type(std::string_view network, std::string_view type) {
  if (!equals_ignore_case(network, "IN")) return std::nullopt;
  if (equals_ignore_case(type, "IP4")) return Family::v4;
  if (equals_ignore_case(type, "IP6")) return Family::v6;
  return std::nullopt;
}

bool only_digits(std::string_view text) {
  for (const char c : text) {
    if (!is_digit(c)) return false;
  }
  return !text.empty();
}

// The five last fields are fixed; what stands before them is the username, which some peers write with blanks.
std::optional<Origin> parse_origin(std::string_view text) {
  const std::string_view address = take_last_word(text);
  const std::string_view type = take_last_word(text);
  const std::string_view network = take_last_word(text);
  const std::string_view version = take_last_word(text);
  const std::string_view id = take_last_word(text);
  const std::string_view username = trim(text);
  const auto family = address_type(network, type);
  if (!family || address.empty() || username.empty() || !only_digits(id) || !only_digits(version)) return std::nullopt;
  return Origin{std::string(username), std::string(id), std::string(version), *family, std::string(address)};
}

std::optional<Connection> parse_connection(std::string_view text) {
  const std::string_view network = take_word(text);
  const std::string_view type = take_word(text);
  const std::string_view address = take_word(text);
  const auto family = address_type(network, type);
  if (!family || address.empty() || !trim(text).empty()) return std::nullopt;
  return Connection{*family, std::string(address)};
}

std::optional<Bandwidth> parse_bandwidth(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos) return std::nullopt;
  const std::string_view type = text.substr(0, colon);
  const auto value = parse_number(trim(text.substr(colon + 1)));
  if (!value || type.find_first_of(" \t") != std::string_view::npos) return std::nullopt;
  return Bandwidth{std::string(type), *value};
}

Result<Media, ParseFault> parse_media(std::string_view text) {
  Media out;
  out.kind = take_word(text);
  const std::string_view ports = take_word(text);
  out.protocol = take_word(text);
  const size_t slash = ports.find('/');
  const auto port = parse_number(ports.substr(0, slash), 65535);
  const auto count =
      slash == std::string_view::npos ? std::optional<uint64_t>(1) : parse_number(ports.substr(slash + 1), 65535);
  if (out.kind.empty() || out.protocol.empty() || !port || !count || *count == 0) return fail(ParseFault::media);
  out.port = static_cast<uint16_t>(*port);
  out.port_count = static_cast<uint16_t>(*count);
  for (std::string_view word = take_word(text); !word.empty(); word = take_word(text)) {
    if (out.formats.size() == kMaxFormats) return fail(ParseFault::too_many_formats);
    out.formats.emplace_back(word);
  }
  return out;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Description, ParseError> run() {
    if (text_.size() > kMaxDescriptionBytes) return fail(ParseError{ParseFault::too_long, 0, 0});
    while (at_ < text_.size()) {
      const auto begin = static_cast<uint32_t>(at_);
      const Step step = line(next_line());
      if (!step) return fail(ParseError{step.error(), line_, begin});
    }
    if (!seen_version_) return fail(ParseError{ParseFault::version, line_, end()});
    if (!seen_origin_) return fail(ParseError{ParseFault::origin, line_, end()});
    return std::move(out_);
  }

 private:
  uint32_t end() const { return static_cast<uint32_t>(text_.size()); }

  std::string_view next_line() {
    const size_t lf = text_.find('\n', at_);
    const size_t stop = lf == std::string_view::npos ? text_.size() : lf;
    std::string_view out = text_.substr(at_, stop - at_);
    at_ = lf == std::string_view::npos ? text_.size() : lf + 1;
    ++line_;
    if (!out.empty() && out.back() == '\r') out.remove_suffix(1);
    return out;
  }

  Step line(std::string_view text) {
    if (line_ > kMaxLines) return fail(ParseFault::too_many_lines);
    if (text.size() > kMaxLineBytes) return fail(ParseFault::line_too_long);
    if (text.find('\0') != std::string_view::npos || text.find('\r') != std::string_view::npos)
      return fail(ParseFault::control_octet);
    if (trim(text).empty()) return {};
    if (text.size() < 2 || text[1] != '=') return fail(seen_version_ ? ParseFault::line : ParseFault::version);
    const char type = text[0];
    const std::string_view value = text.substr(2);
    if (!seen_version_ || type == 'v') return version(type, value);
    if (type == 'm') return media(value);
    if (type == 'a') return attribute(value);
    if (type == 'c') return connection(value);
    if (type == 'b') return bandwidth(value);
    return out_.media.empty() ? session_line(type, value) : media_line(type, value);
  }

  Step version(char type, std::string_view value) {
    if (seen_version_ || type != 'v' || trim(value) != "0") return fail(ParseFault::version);
    seen_version_ = true;
    return {};
  }

  Step media(std::string_view value) {
    if (out_.media.size() == kMaxMediaSections) return fail(ParseFault::too_many_media);
    ISTHMUS_TRY(parsed, parse_media(value));
    out_.media.push_back(std::move(parsed));
    return {};
  }

  Step attribute(std::string_view value) {
    auto& attributes = out_.media.empty() ? out_.attributes : out_.media.back().attributes;
    if (attributes.size() == kMaxAttributes) return fail(ParseFault::too_many_attributes);
    const size_t colon = value.find(':');
    const std::string_view name = trim(value.substr(0, colon));
    if (name.empty()) return fail(ParseFault::attribute);
    const std::string_view rest = colon == std::string_view::npos ? std::string_view() : trim(value.substr(colon + 1));
    attributes.push_back({std::string(name), std::string(rest)});
    return {};
  }

  Step connection(std::string_view value) {
    auto parsed = parse_connection(value);
    if (!parsed) return fail(ParseFault::connection);
    auto& place = out_.media.empty() ? out_.connection : out_.media.back().connection;
    // A second c= in one section is a multicast layer; only the first address is used.
    if (place) return ignore();
    place = std::move(*parsed);
    return {};
  }

  Step bandwidth(std::string_view value) {
    auto& bandwidths = out_.media.empty() ? out_.bandwidths : out_.media.back().bandwidths;
    auto parsed = parse_bandwidth(value);
    if (!parsed) return ignore();
    if (bandwidths.size() == kMaxBandwidths) return fail(ParseFault::too_many_bandwidths);
    bandwidths.push_back(std::move(*parsed));
    return {};
  }

  Step session_line(char type, std::string_view value) {
    switch (type) {
      case 'o': return origin(value);
      case 's': return single(out_.title, seen_title_, value);
      case 'i': return single(out_.information, seen_information_, value);
      case 'u': return single(out_.uri, seen_uri_, value);
      case 'z': return single(out_.zones, seen_zones_, value);
      case 'e': return several(out_.emails, value);
      case 'p': return several(out_.phones, value);
      case 't': return time(value);
      case 'r': return out_.times.empty() ? ignore() : several(out_.times.back().repeats, value);
      default: return ignore();
    }
  }

  Step media_line(char type, std::string_view value) {
    if (type != 'i' || !out_.media.back().information.empty()) return ignore();
    out_.media.back().information = value;
    return {};
  }

  Step origin(std::string_view value) {
    if (seen_origin_) return ignore();
    auto parsed = parse_origin(value);
    if (!parsed) return fail(ParseFault::origin);
    out_.origin = std::move(*parsed);
    seen_origin_ = true;
    return {};
  }

  Step time(std::string_view value) {
    const auto start = parse_number(take_word(value));
    const auto stop = parse_number(take_word(value));
    if (!start || !stop || !trim(value).empty() || out_.times.size() == kMaxTimes) return fail(ParseFault::time);
    out_.times.push_back({*start, *stop, {}});
    return {};
  }

  Step single(std::string& place, bool& seen, std::string_view value) {
    if (seen) return ignore();
    seen = true;
    place = value;
    return {};
  }

  Step several(std::vector<std::string>& place, std::string_view value) {
    if (place.size() == kMaxTimes) return ignore();
    place.emplace_back(value);
    return {};
  }

  Step ignore() {
    ++out_.ignored_lines;
    return {};
  }

  std::string_view text_;
  size_t at_ = 0;
  uint32_t line_ = 0;
  bool seen_version_ = false, seen_origin_ = false, seen_title_ = false;
  bool seen_information_ = false, seen_uri_ = false, seen_zones_ = false;
  Description out_;
};

}  // namespace

Result<Description, ParseError> parse(std::string_view text) {
  return Parser(text).run();
}

std::string_view describe(ParseFault fault) {
  switch (fault) {
    case ParseFault::too_long: return "the description is too long";
    case ParseFault::line_too_long: return "a line is too long";
    case ParseFault::too_many_lines: return "there are too many lines";
    case ParseFault::control_octet: return "a line holds a control octet";
    case ParseFault::line: return "a line is not of the form x=value";
    case ParseFault::version: return "the description does not begin with v=0, once";
    case ParseFault::origin: return "the o= line is missing or malformed";
    case ParseFault::connection: return "a c= line is malformed";
    case ParseFault::time: return "a t= line is malformed";
    case ParseFault::media: return "an m= line is malformed";
    case ParseFault::attribute: return "an a= line has no name";
    case ParseFault::too_many_media: return "there are too many m= lines";
    case ParseFault::too_many_attributes: return "there are too many a= lines";
    case ParseFault::too_many_formats: return "an m= line has too many formats";
    case ParseFault::too_many_bandwidths: return "there are too many b= lines";
  }
  return "unknown";
}

}  // namespace isthmus::sdp
