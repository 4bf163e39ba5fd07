// SPDX-License-Identifier: MIT
// A scripted SIP peer at the level of messages: it sends exactly what a test says and writes down what it hears. It has
// no transactions and repeats nothing by itself, so a test sees every message of the other side.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sip/message/framer.hpp"
#include "sip/message/message.hpp"
#include "sip/message/parser.hpp"
#include "tests/support/world.hpp"

namespace isthmus::test {

class SipPeer : public Node {
 public:
  SipPeer(World& world, std::string user, SocketAddress address, SocketAddress gateway);

  struct Heard {
    std::string line;  // "INVITE", "180 INVITE", "200 BYE"
    sip::Message message;
    TimePoint at;
    Path path;
  };
  std::deque<Heard> heard;  // references stay good until forget()
  // All lines heard since the start (or the last forget()), joined by ", ".
  std::string log() const;
  void forget() { heard.clear(), mark_ = 0; }
  size_t count(std::string_view line) const;
  bool has(std::string_view line) const { return count(line) > 0; }
  const sip::Message& last(std::string_view line) const;  // fails the test when nothing of the kind was heard
  const Heard& last_heard(std::string_view line) const;

  // What to say. All of them go to the gateway, by UDP or, after connect(), by the stream.
  void connect();
  void send(const std::string& text);
  struct Call {  // identifiers of the dialog as this side sees it
    std::string call_id;
    std::string local_tag;
    std::string remote_tag;
    std::string local_uri;
    std::string remote_uri;
    std::string target;  // Request-URI of requests within the dialog
    std::string invite_branch;
    std::string invite_uri;
    uint32_t cseq = 0;
    uint32_t invite_cseq = 0;
    std::vector<std::string> routes;
  };
  Call call;

  // Caller.
  void invite(std::string_view to, std::string_view sdp = {}, std::string_view extra = {});
  void repeat_invite() { send(invite_text_); }
  void reinvite(std::string_view sdp = {}, std::string_view extra = {});
  void cancel();
  void ack_failure(std::string_view line);  // the ACK of a 3xx-6xx, in the INVITE's transaction
  void ack(std::string_view body = {});     // the ACK of the last 2xx to INVITE
  void request(std::string_view method, std::string_view body = {}, std::string_view extra = {});  // within the dialog
  // Callee: answers the last request with that line ("INVITE").
  void reply(std::string_view line, int status, std::string_view body = {}, std::string_view extra = {},
             std::string_view tag = {});

  std::string new_branch();
  Host host;
  std::string tag = "peer-tag";  // empty: a peer of RFC 2543, which gives none
  std::string user;
  std::string domain;                 // host of its From; empty: its address
  std::string contact;                // URI of Contact; empty: its user at its address
  std::optional<std::string> phrase;  // of its responses; none: the usual ones

  void receive(Pass& pass, const Path& path, Bytes bytes) override;
  void flow_up(Pass& pass, const FlowFacts& facts) override;
  void flow_down(Pass& pass, FlowId flow, Fault why) override;
  void answer(Pass& pass, AskId ask, const Answer& reply) override;
  void expire(Pass&) override {}
  TimePoint next_deadline() const override { return kNever; }
  bool is_connected() const { return stream_.has_value(); }

 private:
  void hear(const Path& path, Bytes bytes);
  std::string via(std::string_view branch) const;
  std::string contact_line() const;

  World& world_;
  SocketAddress gateway_;
  std::optional<Path> stream_;
  std::map<FlowId, sip::Framer> framers_;
  std::string invite_text_;
  size_t mark_ = 0;
  uint32_t branches_ = 0;
};

// A minimal body with one audio line; `port` tells sessions apart.
std::string phone_sdp(uint16_t port, std::string_view codecs = "0 8", uint32_t version = 1,
                      std::string_view extra = {});

}  // namespace isthmus::test
