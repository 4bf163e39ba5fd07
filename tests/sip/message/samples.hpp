// SPDX-License-Identifier: MIT
// Messages that the tests of sip/message share: the corpus of bench/corpus/sip-messages, and small ones to be spoilt.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "sip/message/parser.hpp"
#include "tests/support/source_dir.hpp"

namespace isthmus::sip::samples {

inline std::string corpus(std::string_view name) {
  const std::string path = std::string(isthmus::source_dir() + "/bench/corpus/sip-messages/") + std::string(name);
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

inline const std::vector<std::string>& corpus_names() {
  static const std::vector<std::string> names = {
      "01-invite-basic.sip", "02-invite-carrier.sip", "03-invite-webrtc.sip",     "04-200-invite.sip",
      "05-180-ringing.sip",  "06-register-auth.sip",  "07-401-register.sip",      "08-ack.sip",
      "09-bye.sip",          "10-cancel.sip",         "11-options-keepalive.sip", "12-notify-dialog.sip"};
  return names;
}

inline constexpr std::string_view kOptionsLine = "OPTIONS sip:gate.example.org SIP/2.0\r\n";
inline constexpr std::string_view kOptionsHeaders =
    "Via: SIP/2.0/UDP 192.0.2.7:5062;branch=z9hG4bKa1\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:ann@example.org>;tag=f1\r\n"
    "To: <sip:gate.example.org>\r\n"
    "Call-ID: c1@192.0.2.7\r\n"
    "CSeq: 7 OPTIONS\r\n";

// A whole OPTIONS with another start line, or with more headers before the empty line.
inline std::string with_start_line(std::string_view line) {
  return std::string(line) + "\r\n" + std::string(kOptionsHeaders) + "Content-Length: 0\r\n\r\n";
}
inline std::string with_headers(std::string_view more, std::string_view body = {}) {
  return std::string(kOptionsLine) + std::string(kOptionsHeaders) + std::string(more) + "\r\n" + std::string(body);
}
// The same with one header line replaced; `line` has no CRLF.
inline std::string with_line_instead(std::string_view name, std::string_view line) {
  std::string text = with_headers("Content-Length: 0\r\n");
  const size_t at = text.find("\r\n" + std::string(name) + ":") + 2;
  const size_t end = text.find("\r\n", at);
  return text.replace(at, end - at, line);
}

inline std::string without_line(std::string text, std::string_view name) {
  const size_t at = text.find("\r\n" + std::string(name) + ":");
  EXPECT_NE(at, std::string::npos) << name;
  return text.erase(at, text.find("\r\n", at + 2) - at);
}

struct Parsed {
  Message message;
  ParseError error;  // code none: it parsed
};
inline Parsed parsed(std::string_view text, const ParseLimits& limits = {}, bool framed = false) {
  Parsed out;
  const auto result = parse(as_bytes(text), out.message, limits, framed);
  if (!result) out.error = result.error();
  return out;
}

}  // namespace isthmus::sip::samples
