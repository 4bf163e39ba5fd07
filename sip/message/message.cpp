// SPDX-License-Identifier: MIT
#include "sip/message/message.hpp"

#include <charconv>

#include "base/text.hpp"
#include "sip/message/headers.hpp"

namespace isthmus::sip {

std::string_view Message::method_text() const {
  return is_request_ ? view(method_text_) : view(cseq_method_text_);
}

Uri Message::request_uri_parsed() const {
  Uri uri;
  uri.scheme = uri_.scheme;
  uri.has_password = uri_.has_password;
  uri.port = uri_.port;
  uri.scheme_text = view(uri_.scheme_text);
  uri.user = view(uri_.user);
  uri.password = view(uri_.password);
  uri.host = view(uri_.host);
  uri.params = view(uri_.params);
  uri.headers = view(uri_.headers);
  uri.text = view(target_);
  return uri;
}

Via Message::via() const {
  Via via;
  via.transport = view(via_.transport);
  via.host = view(via_.host);
  via.branch = view(via_.branch);
  via.received = view(via_.received);
  via.maddr = view(via_.maddr);
  via.params = view(via_.params);
  via.text = view(via_.text);
  via.port = via_.port;
  via.rport_value = via_.rport_value;
  via.rport = via_.rport;
  via.ttl = via_.ttl;
  return via;
}

std::optional<std::string_view> Message::header(Header header) const {
  const uint16_t first = first_[static_cast<size_t>(header)];
  if (first == kNone) return std::nullopt;
  return value_of(lines_[first]);
}

std::optional<std::string_view> Message::header(std::string_view name) const {
  if (const Header known = header_of(name); known != Header::other) return header(known);
  for (const Line& line : lines_) {
    if (line.header == Header::other && equals_ignore_case(buffer_.view(line.at, line.name_size), name))
      return value_of(line);
  }
  return std::nullopt;
}

HeaderField Message::line(size_t index) const {
  const Line& line = lines_[index];
  return {line.header, buffer_.view(line.at, line.name_size), value_of(line),
          buffer_.view(line.at, line_end(index) - line.at)};
}

size_t Message::next_line(Header header, size_t index) const {
  while (index < lines_.size() && lines_[index].header != header) ++index;
  return index;
}

std::optional<uint32_t> Message::expires() const {
  const auto value = header(Header::expires);
  return value ? parse_delta_seconds(*value) : std::nullopt;
}

std::optional<NameAddr> Message::contact() const {
  for (const std::string_view element : elements(Header::contact)) {
    auto address = parse_name_addr(element);
    if (!address) return std::nullopt;
    return *address;
  }
  return std::nullopt;
}

bool Message::lists(Header header, std::string_view token) const {
  for (const std::string_view value : values(header)) {
    if (list_has(value, token)) return true;
  }
  return false;
}

void Message::clear() {
  size_ = 0;
  headers_end_ = 0;
  lines_.clear();
  first_.fill(kNone);
  is_request_ = true;
  method_ = Method::unknown;
  cseq_method_ = Method::unknown;
  is_marked_ = false;
  status_ = 0;
  cseq_number_ = 0;
  top_via_rest_ = 0;
  max_forwards_.reset();
  content_length_.reset();
  method_text_ = target_ = call_id_ = cseq_method_text_ = body_ = {};
  uri_ = {};
  via_ = {};
  from_ = {};
  to_ = {};
}

Message::PackedVia Message::pack(const Via& via) const {
  return {pack(via.text),     pack(via.transport), pack(via.host),   pack(via.branch),
          pack(via.received), pack(via.maddr),     pack(via.params), via.port,
          via.rport_value,    via.rport,           via.ttl};
}

Message::PackedAddress Message::pack(const NameAddr& address) const {
  return {pack(address.display), pack(address.uri), pack(address.params), pack(address.tag), address.has_brackets};
}

Message::PackedUri Message::pack(const Uri& uri) const {
  return {pack(uri.scheme_text), pack(uri.user), pack(uri.password), pack(uri.host), pack(uri.params),
          pack(uri.headers),     uri.scheme,     uri.has_password,   uri.port};
}

NameAddr Message::unpack(const PackedAddress& packed) const {
  NameAddr address;
  address.display = view(packed.display);
  address.uri = view(packed.uri);
  address.params = view(packed.params);
  address.tag = view(packed.tag);
  address.has_brackets = packed.has_brackets;
  return address;
}

namespace {

constexpr size_t kSourceRoom = sizeof(";received=;rport=65535") + 48;

// The element without its received and rport parameters, spelled as it came otherwise. `out` has room for it already.
void append_without_source(Buffer& out, const Via& via) {
  const size_t head = via.params.empty() ? via.text.size() : static_cast<size_t>(via.params.data() - via.text.data());
  std::string_view before = via.text.substr(0, head);
  while (!before.empty() && (before.back() == ';' || is_space(before.back()))) before.remove_suffix(1);
  out.append(before);
  ParamCursor cursor(via.params);
  for (Param param; cursor.next(param);) {
    if (param.is("received") || param.is("rport")) continue;
    out.append(";");
    out.append(param.name);
    if (!param.has_value) continue;
    out.append("=");
    out.append(param.value);
  }
}

}  // namespace

void Message::mark_source(const SocketAddress& source) {
  if (!is_request_ || via_.text.size == 0) return;
  const auto host = IpAddress::parse(view(via_.host));
  const bool is_elsewhere = !host || *host != source.ip;
  if (!via_.rport && via_.received.size == 0 && !is_elsewhere) return;
  if (!is_marked_) buffer_.truncate(size_);
  const size_t begin = buffer_.size();
  buffer_.reserve(via_.text.size + kSourceRoom);
  append_without_source(buffer_, via());
  if (via_.rport || is_elsewhere) {
    buffer_.append(";received=");
    buffer_.append(source.ip.text());
  }
  if (via_.rport) {
    char digits[5];
    const auto end = std::to_chars(digits, digits + sizeof digits, source.port).ptr;
    buffer_.append(";rport=");
    buffer_.append({digits, static_cast<size_t>(end - digits)});
  }
  // Our own rewriting of a valid Via is valid.
  if (const auto via = parse_via(buffer_.view(begin, buffer_.size() - begin))) via_ = pack(*via);
  is_marked_ = true;
}

}  // namespace isthmus::sip
