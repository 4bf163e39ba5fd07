// SPDX-License-Identifier: MIT
// A session description (RFC 8866) as plain values that own their text: session part, media sections, attributes in
// their order. It knows the form of the lines and nothing of their meaning; attributes.hpp reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"

namespace isthmus::sdp {

// Limits of what the parser takes in; beyond them it fails with an error of its own.
inline constexpr size_t kMaxDescriptionBytes = 65536;
inline constexpr size_t kMaxLineBytes = 4096;
inline constexpr size_t kMaxLines = 4096;
inline constexpr size_t kMaxMediaSections = 16;
inline constexpr size_t kMaxAttributes = 512;  // of the session part, and of each media section
inline constexpr size_t kMaxFormats = 128;     // of one m= line
inline constexpr size_t kMaxBandwidths = 16;   // of each part
inline constexpr size_t kMaxTimes = 16;

// o= (section 5.2). Session id and version are digits of any length, kept as text and compared as text.
struct Origin {
  std::string username = "-";
  std::string session_id = "0";
  std::string version = "0";
  Family family = Family::v4;
  std::string address = "0.0.0.0";
  friend bool operator==(const Origin&, const Origin&) = default;
};

// c= (section 5.7). The address may be a host name, or multicast with "/ttl" behind it.
struct Connection {
  Family family = Family::v4;
  std::string address;
  static Connection of(const IpAddress& ip);
  std::optional<IpAddress> ip() const;  // nothing for a host name or a multicast suffix
  friend bool operator==(const Connection&, const Connection&) = default;
};

struct Bandwidth {  // b= (section 5.8)
  std::string type;
  uint64_t value = 0;
  friend bool operator==(const Bandwidth&, const Bandwidth&) = default;
};

struct Time {  // t= with its r= lines, which stay text (sections 5.9, 5.10)
  uint64_t start = 0;
  uint64_t stop = 0;
  std::vector<std::string> repeats;
  friend bool operator==(const Time&, const Time&) = default;
};

// a= (section 5.13). A flag has an empty value; "a=x" and "a=x:" are the same to us.
struct Attribute {
  std::string name;
  std::string value;
  friend bool operator==(const Attribute&, const Attribute&) = default;
};

struct Media {  // m= and what follows it (section 5.14)
  std::string kind = "audio";
  uint16_t port = 0;
  uint16_t port_count = 1;
  std::string protocol = "RTP/AVP";
  std::vector<std::string> formats;
  std::string information;
  std::optional<Connection> connection;
  std::vector<Bandwidth> bandwidths;
  std::vector<Attribute> attributes;

  void add(std::string name, std::string value = {}) { attributes.push_back({std::move(name), std::move(value)}); }
  friend bool operator==(const Media&, const Media&) = default;
};

struct Description {
  Origin origin;
  std::string title = "-";  // s=
  std::string information;
  std::string uri;
  std::vector<std::string> emails;
  std::vector<std::string> phones;
  std::optional<Connection> connection;
  std::vector<Bandwidth> bandwidths;
  std::vector<Time> times;
  std::string zones;
  std::vector<Attribute> attributes;
  std::vector<Media> media;
  uint32_t ignored_lines = 0;  // k=, unknown types, b= without a number, repeated single lines: left out by the parser

  void add(std::string name, std::string value = {}) { attributes.push_back({std::move(name), std::move(value)}); }
  friend bool operator==(const Description&, const Description&) = default;
};

// The value of the first attribute of that name (names are case-sensitive, section 5.13), or null.
const std::string* find(const std::vector<Attribute>& attributes, std::string_view name);
// The section's own attribute, else the session's.
const std::string* find(const Description& session, const Media& media, std::string_view name);

}  // namespace isthmus::sdp
