// SPDX-License-Identifier: MIT
#include "sdp/writer.hpp"

#include "base/text.hpp"

namespace isthmus::sdp {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

std::string_view network_and_type(Family family) {
  return family == Family::v6 ? "IN IP6 " : "IN IP4 ";
}

void line(std::string& out, std::string_view type, std::string_view value) {
  out.append(type).append(value).append(kLineEnd);
}

void optional_line(std::string& out, std::string_view type, std::string_view value) {
  if (!value.empty()) line(out, type, value);
}

void write(std::string& out, const Origin& origin) {
  out.append("o=").append(origin.username).append(" ").append(origin.session_id).append(" ").append(origin.version);
  out.append(" ").append(network_and_type(origin.family)).append(origin.address).append(kLineEnd);
}

void write(std::string& out, const std::optional<Connection>& connection) {
  if (!connection) return;
  out.append("c=").append(network_and_type(connection->family)).append(connection->address).append(kLineEnd);
}

void write(std::string& out, const std::vector<Bandwidth>& bandwidths) {
  for (const Bandwidth& bandwidth : bandwidths) {
    out.append("b=").append(bandwidth.type).append(":");
    append_number(out, bandwidth.value);
    out.append(kLineEnd);
  }
}

void write(std::string& out, const Time& time) {
  out.append("t=");
  append_number(out, time.start);
  out.append(" ");
  append_number(out, time.stop);
  out.append(kLineEnd);
  for (const std::string& repeat : time.repeats) line(out, "r=", repeat);
}

void write(std::string& out, const std::vector<Attribute>& attributes) {
  for (const Attribute& attribute : attributes) {
    out.append("a=").append(attribute.name);
    if (!attribute.value.empty()) out.append(":").append(attribute.value);
    out.append(kLineEnd);
  }
}

void write(std::string& out, const Media& media) {
  out.append("m=").append(media.kind).append(" ");
  append_number(out, media.port);
  if (media.port_count != 1) {
    out.append("/");
    append_number(out, media.port_count);
  }
  out.append(" ").append(media.protocol);
  for (const std::string& format : media.formats) out.append(" ").append(format);
  out.append(kLineEnd);
  optional_line(out, "i=", media.information);
  write(out, media.connection);
  write(out, media.bandwidths);
  write(out, media.attributes);
}

}  // namespace

void write(std::string& out, const Description& description) {
  line(out, "v=", "0");
  write(out, description.origin);
  line(out, "s=", description.title.empty() ? "-" : std::string_view(description.title));
  optional_line(out, "i=", description.information);
  optional_line(out, "u=", description.uri);
  for (const std::string& email : description.emails) line(out, "e=", email);
  for (const std::string& phone : description.phones) line(out, "p=", phone);
  write(out, description.connection);
  write(out, description.bandwidths);
  if (description.times.empty()) line(out, "t=", "0 0");
  for (const Time& time : description.times) write(out, time);
  optional_line(out, "z=", description.zones);
  write(out, description.attributes);
  for (const Media& media : description.media) write(out, media);
}

std::string write(const Description& description) {
  std::string out;
  out.reserve(1024);
  write(out, description);
  return out;
}

}  // namespace isthmus::sdp
