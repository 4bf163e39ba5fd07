// SPDX-License-Identifier: MIT
// Session descriptions of real kinds of peers (tests/sdp/descriptions/), and small edits of them for table tests.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "sdp/parser.hpp"
#include "sdp/profile.hpp"
#include "sdp/remote_audio.hpp"
#include "tests/support/source_dir.hpp"

namespace isthmus::sdp::test {

inline std::string fixture(std::string_view name) {
  std::ifstream file(std::string(isthmus::source_dir() + "/tests/sdp/descriptions/") + std::string(name) + ".sdp",
                     std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline const std::vector<std::string>& all_fixtures() {
  static const std::vector<std::string> names{"chromium-audio", "chromium-video", "firefox-audio", "safari-audio",
                                              "carrier",        "baresip",        "sipp"};
  return names;
}

inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  if (at == std::string::npos) {
    ADD_FAILURE() << "the fixture has no " << from;
    return text;
  }
  return text.replace(at, from.size(), to);
}

// Without each line that begins so.
inline std::string without(std::string text, std::string_view beginning) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    const std::string_view line = std::string_view(text).substr(at, end - at);
    if (!line.starts_with(beginning)) out += line;
    at = end;
  }
  return out;
}

inline size_t count(std::string_view text, std::string_view what) {
  size_t found = 0;
  for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

inline RemoteAudio remote_of(std::string_view text, Profile profile) {
  auto parsed = parse_remote(text, profile);
  if (!parsed) {
    ADD_FAILURE() << describe(parsed.error().code) << " in\n" << text;
    return {};
  }
  return std::move(*parsed);
}

inline std::string names(const std::vector<Format>& formats) {  // "111 opus/48000, 0 PCMU/8000"
  std::string out;
  for (const Format& format : formats) {
    if (!out.empty()) out += ", ";
    out += std::to_string(format.payload) + " " + format.codec.encoding + "/" + std::to_string(format.codec.clock);
  }
  return out;
}

inline LocalAudio browser_local() {
  LocalAudio out;
  out.addresses = {{IpAddress::v4(127, 0, 0, 1), 20000}, {IpAddress::v4(192, 0, 2, 7), 20000}};
  out.ice = {"0aBcDeFgHi", "thisIsOurOwnIcePassword00"};
  out.fingerprint.hash = HashName::sha256;
  out.fingerprint.size = 32;
  for (size_t i = 0; i < 32; ++i) out.fingerprint.octets[i] = static_cast<uint8_t>(i * 7);
  return out;
}

inline LocalAudio phone_local() {
  LocalAudio out;
  out.addresses = {{IpAddress::v4(192, 0, 2, 7), 30000}};
  out.rtcp = {IpAddress::v4(192, 0, 2, 7), 30001};
  return out;
}

inline Leg leg_for(Profile profile) {
  return Leg(profile, 77, profile == Profile::browser ? browser_local() : phone_local());
}

}  // namespace isthmus::sdp::test
