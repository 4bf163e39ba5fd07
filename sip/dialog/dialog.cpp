// SPDX-License-Identifier: MIT
#include "sip/dialog/dialog.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "sip/message/headers.hpp"

namespace isthmus::sip {
namespace {

constexpr int kMaxForwards = 70;

// The address of From or To as it is written again: without its tag, other parameters kept by no rule.
std::string party(const NameAddr& address) {
  std::string out;
  if (!address.display.empty()) {
    out += address.display;
    out += ' ';
  }
  out += '<';
  out += address.uri;
  out += '>';
  return out;
}

std::string with_tag(const std::string& party, std::string_view tag) {
  if (tag.empty()) return party;
  std::string out = party;
  out += ";tag=";
  out += tag;
  return out;
}

std::vector<std::string> record_route(const Message& message) {
  std::vector<std::string> out;
  for (const std::string_view element : message.elements(Header::record_route)) out.emplace_back(element);
  return out;
}

std::string_view uri_of(std::string_view element) {
  const auto address = parse_name_addr(element);
  return address ? address->uri : std::string_view{};
}

bool is_loose(std::string_view route) {
  const auto uri = parse_uri(uri_of(route));
  return uri && uri->has_param("lr");
}

}  // namespace

Dialog Dialog::as_server(const Message& request, std::string_view local_tag) {
  Dialog out;
  out.call_id = request.call_id();
  out.local_tag = local_tag;
  out.remote_tag = request.from_tag();
  out.local_party = party(request.to());
  out.remote_party = party(request.from());
  out.remote_cseq = request.cseq().number;
  out.has_remote_cseq = true;
  out.route_set = record_route(request);
  out.refresh_target(request);
  return out;
}

Dialog Dialog::as_client(const Message& response) {
  Dialog out;
  out.call_id = response.call_id();
  out.local_tag = response.from_tag();
  out.remote_tag = response.to_tag();
  out.local_party = party(response.from());
  out.remote_party = party(response.to());
  out.local_cseq = response.cseq().number;
  out.route_set = record_route(response);
  std::reverse(out.route_set.begin(), out.route_set.end());
  out.refresh_target(response);
  return out;
}

Draft Dialog::start(Method method, uint32_t cseq) const {
  // 12.2.1.1: with a strict router first, its URI becomes the Request-URI and the remote target the last Route.
  const bool strict = !route_set.empty() && !is_loose(route_set.front());
  Draft draft = Draft::request(method, strict ? uri_of(route_set.front()) : std::string_view(remote_target));
  for (size_t i = strict ? 1 : 0; i < route_set.size(); ++i) draft.add(Header::route, route_set[i]);
  if (strict) draft.add(Header::route, "<" + remote_target + ">");
  draft.add_number(Header::max_forwards, kMaxForwards);
  draft.add(Header::from, with_tag(local_party, local_tag));
  draft.add(Header::to, with_tag(remote_party, remote_tag));
  draft.add(Header::call_id, call_id);
  std::string value;
  append_number(value, cseq);
  value += ' ';
  value += text(method);
  draft.add(Header::cseq, value);
  return draft;
}

Draft Dialog::request(Method method) {
  return start(method, ++local_cseq);
}

Draft Dialog::acknowledge(uint32_t cseq) const {
  return start(Method::ack, cseq);
}

std::string Dialog::next_hop() const {
  if (route_set.empty()) return remote_target;
  return std::string(uri_of(route_set.front()));
}

bool Dialog::take_remote_cseq(uint32_t cseq) {
  if (has_remote_cseq && cseq <= remote_cseq) return false;
  remote_cseq = cseq;
  has_remote_cseq = true;
  return true;
}

void Dialog::refresh_target(const Message& message) {
  const auto contact = message.contact();
  if (contact && !contact->uri.empty()) remote_target = contact->uri;
}

}  // namespace isthmus::sip
