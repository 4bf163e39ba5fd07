// SPDX-License-Identifier: MIT
#include "tests/support/sip_peer.hpp"

#include <gtest/gtest.h>

#include "sip/message/names.hpp"

namespace isthmus::test {

using namespace sip;

SipPeer::SipPeer(World& world, std::string name, SocketAddress address, SocketAddress gateway)
    : host(world, *this, address, true), user(std::move(name)), world_(world), gateway_(gateway) {}

void SipPeer::flow_up(Pass&, const FlowFacts& facts) {
  if (facts.framing == Framing::stream) framers_.insert_or_assign(facts.path.flow, Framer{});
}
void SipPeer::flow_down(Pass&, FlowId flow, Fault) {
  framers_.erase(flow);
  if (stream_ && stream_->flow == flow) stream_.reset();
}
void SipPeer::answer(Pass&, AskId, const Answer& reply) {
  if (const auto* up = std::get_if<FlowFacts>(&reply)) stream_ = up->path;
}

void SipPeer::connect() {
  host.with([&](Pass& pass) { pass.out.open({Room::endpoint, {1, 1}}, Protocol::tcp, gateway_); });
  EXPECT_TRUE(world_.run_until([&] { return stream_.has_value(); }));
}

void SipPeer::receive(Pass&, const Path& path, Bytes bytes) {
  const auto framer = framers_.find(path.flow);
  if (framer == framers_.end()) return hear(path, bytes);
  framer->second.feed(bytes);
  for (Frame frame = framer->second.next(); frame.kind != Frame::Kind::none; frame = framer->second.next()) {
    ASSERT_NE(frame.kind, Frame::Kind::error);
    if (frame.kind == Frame::Kind::message) hear(path, frame.bytes);
  }
  framer->second.keep();
}

void SipPeer::hear(const Path& path, Bytes bytes) {
  if (as_text(bytes).find_first_not_of("\r\n") == std::string_view::npos) return;
  Heard entry;
  const auto parsed = parse(bytes, entry.message);
  ASSERT_TRUE(parsed) << user << " heard something malformed: " << describe(parsed.error().code) << "\n"
                      << as_text(bytes);
  const Message& message = entry.message;
  if (message.is_request()) {
    entry.line = message.method_text();
  } else {
    entry.line = std::to_string(message.status()) + " " + std::string(message.cseq().method_text);
  }
  entry.at = world_.now().steady;
  entry.path = path;
  if (message.is_request() && message.method() == Method::invite && message.to_tag().empty()) {
    call = {};
    call.call_id = message.call_id();
    call.remote_tag = message.from_tag();
    call.local_tag = tag;
    call.remote_uri = message.from().uri;
    call.local_uri = message.to().uri;
  }
  if (message.contact() && (message.is_request() ? message.method() == Method::invite
                                                 : message.cseq().method == Method::invite && message.status() < 300)) {
    call.target = message.contact()->uri;
  }
  if (!message.is_request() && message.cseq().method == Method::invite && !message.to_tag().empty() &&
      message.status() > 100 && message.status() < 300) {
    call.remote_tag = message.to_tag();
  }
  heard.push_back(std::move(entry));
}

std::string SipPeer::log() const {
  std::string out;
  for (const Heard& entry : heard) {
    if (!out.empty()) out += ", ";
    out += entry.line;
  }
  return out;
}

size_t SipPeer::count(std::string_view line) const {
  return static_cast<size_t>(
      std::count_if(heard.begin(), heard.end(), [&](const Heard& entry) { return entry.line == line; }));
}

const SipPeer::Heard& SipPeer::last_heard(std::string_view line) const {
  for (auto it = heard.rbegin(); it != heard.rend(); ++it) {
    if (it->line == line) return *it;
  }
  ADD_FAILURE() << user << " never heard " << line << "; it heard: " << log();
  static const Heard nothing;
  return nothing;
}
const Message& SipPeer::last(std::string_view line) const {
  return last_heard(line).message;
}

std::string SipPeer::new_branch() {
  return "z9hG4bK-" + user + "-" + std::to_string(++branches_);
}

std::string SipPeer::via(std::string_view branch) const {
  return "Via: SIP/2.0/" + std::string(stream_ ? "TCP " : "UDP ") + host.address().text() +
         ";branch=" + std::string(branch) + ";rport\r\n";
}

void SipPeer::send(const std::string& text) {
  host.with([&](Pass& pass) { pass.out.send(stream_ ? *stream_ : host.udp_path(gateway_), as_bytes(text)); });
}

std::string SipPeer::contact_line() const {
  if (!contact.empty()) return "Contact: <" + contact + ">\r\n";
  return "Contact: <sip:" + user + "@" + host.address().text() + (stream_ ? ";transport=tcp" : "") + ">\r\n";
}

// RFC 3261 12.2.1.1: a tag that is null is left out.
static std::string tagged(std::string_view uri, std::string_view tag) {
  return "<" + std::string(uri) + (tag.empty() ? ">" : ">;tag=" + std::string(tag));
}

static std::string with_body(std::string text, std::string_view body) {
  if (!body.empty()) text += "Content-Type: application/sdp\r\n";
  return text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

void SipPeer::invite(std::string_view to, std::string_view sdp, std::string_view extra) {
  const uint32_t cseq = call.cseq + 1;
  const std::string call_id = "call-" + user + "-" + std::to_string(world_.random().next());
  call = {};
  call.call_id = call_id;
  call.local_tag = tag;
  call.cseq = call.invite_cseq = cseq;
  call.local_uri = "sip:" + user + "@" + (domain.empty() ? host.address().text() : domain);
  call.remote_uri = "sip:" + std::string(to) + "@" + gateway_.text();
  call.invite_uri = call.target = call.remote_uri;
  call.invite_branch = new_branch();
  invite_text_ = with_body("INVITE " + call.invite_uri + " SIP/2.0\r\n" + via(call.invite_branch) +
                               "Max-Forwards: 70\r\nFrom: " + tagged(call.local_uri, call.local_tag) + "\r\nTo: <" +
                               call.remote_uri + ">\r\nCall-ID: " + call.call_id + "\r\nCSeq: " + std::to_string(cseq) +
                               " INVITE\r\n" + contact_line() + std::string(extra),
                           sdp);
  send(invite_text_);
}

void SipPeer::request(std::string_view method, std::string_view body, std::string_view extra) {
  ++call.cseq;
  std::string text = std::string(method) + " " + call.target + " SIP/2.0\r\n" + via(new_branch()) +
                     "Max-Forwards: 70\r\nFrom: " + tagged(call.local_uri, call.local_tag) +
                     "\r\nTo: " + tagged(call.remote_uri, call.remote_tag) + "\r\nCall-ID: " + call.call_id +
                     "\r\nCSeq: " + std::to_string(call.cseq) + " " + std::string(method) + "\r\n" + std::string(extra);
  send(with_body(std::move(text), body));
}

void SipPeer::reinvite(std::string_view sdp, std::string_view extra) {
  ++call.cseq;
  call.invite_cseq = call.cseq;
  call.invite_branch = new_branch();
  call.invite_uri = call.target;
  invite_text_ =
      with_body("INVITE " + call.target + " SIP/2.0\r\n" + via(call.invite_branch) +
                    "Max-Forwards: 70\r\nFrom: " + tagged(call.local_uri, call.local_tag) +
                    "\r\nTo: " + tagged(call.remote_uri, call.remote_tag) + "\r\nCall-ID: " + call.call_id +
                    "\r\nCSeq: " + std::to_string(call.cseq) + " INVITE\r\n" + contact_line() + std::string(extra),
                sdp);
  send(invite_text_);
}

void SipPeer::cancel() {
  send("CANCEL " + call.invite_uri + " SIP/2.0\r\n" + via(call.invite_branch) + "Max-Forwards: 70\r\nFrom: " +
       tagged(call.local_uri, call.local_tag) + "\r\nTo: <" + call.remote_uri + ">\r\nCall-ID: " + call.call_id +
       "\r\nCSeq: " + std::to_string(call.invite_cseq) + " CANCEL\r\nContent-Length: 0\r\n\r\n");
}

void SipPeer::ack_failure(std::string_view line) {
  const Message& response = last(line);
  send("ACK " + call.invite_uri + " SIP/2.0\r\n" + via(call.invite_branch) +
       "Max-Forwards: 70\r\nFrom: " + tagged(call.local_uri, call.local_tag) +
       "\r\nTo: " + std::string(response.header(Header::to).value_or("")) + "\r\nCall-ID: " + call.call_id +
       "\r\nCSeq: " + std::to_string(response.cseq().number) + " ACK\r\nContent-Length: 0\r\n\r\n");
}

void SipPeer::ack(std::string_view body) {
  send(with_body("ACK " + call.target + " SIP/2.0\r\n" + via(new_branch()) + "Max-Forwards: 70\r\nFrom: " +
                     tagged(call.local_uri, call.local_tag) + "\r\nTo: " + tagged(call.remote_uri, call.remote_tag) +
                     "\r\nCall-ID: " + call.call_id + "\r\nCSeq: " + std::to_string(call.invite_cseq) + " ACK\r\n",
                 body));
}

void SipPeer::reply(std::string_view line, int status, std::string_view body, std::string_view extra,
                    std::string_view own_tag) {
  const Heard& entry = last_heard(line);
  const Message& request = entry.message;
  if (request.empty()) return;
  std::string text =
      "SIP/2.0 " + std::to_string(status) + " " + phrase.value_or(std::string(reason_phrase(status))) + "\r\n";
  for (const auto value : request.values(Header::via)) text += "Via: " + std::string(value) + "\r\n";
  for (const auto value : request.values(Header::record_route)) text += "Record-Route: " + std::string(value) + "\r\n";
  text += "From: " + std::string(request.header(Header::from).value_or("")) +
          "\r\nTo: " + std::string(request.header(Header::to).value_or(""));
  const std::string_view own = own_tag.empty() ? std::string_view(tag) : own_tag;
  if (request.to_tag().empty() && status > 100 && !own.empty()) text += ";tag=" + std::string(own);
  text += "\r\nCall-ID: " + std::string(request.call_id()) +
          "\r\nCSeq: " + std::string(request.header(Header::cseq).value_or("")) + "\r\n";
  if (request.method() == Method::invite && status < 300) text += contact_line();
  text += extra;
  const std::string bytes = with_body(std::move(text), body);
  host.with([&](Pass& pass) { pass.out.send(entry.path, as_bytes(bytes)); });
}

std::string phone_sdp(uint16_t port, std::string_view codecs, uint32_t version, std::string_view extra) {
  return "v=0\r\no=- 1 " + std::to_string(version) +
         " IN IP4 192.0.2.77\r\ns=-\r\nc=IN IP4 192.0.2.77\r\nt=0 0\r\nm=audio " + std::to_string(port) + " RTP/AVP " +
         std::string(codecs) + "\r\n" + std::string(extra);
}

}  // namespace isthmus::test
