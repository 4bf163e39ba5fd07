// SPDX-License-Identifier: MIT
// A scripted phone of an account: registers and calls with digest credentials, one message at a time as SipPeer does.
#pragma once

#include <string>

#include "tests/support/call_bed.hpp"
#include "tests/support/digest_user.hpp"
#include "tests/support/sip_peer.hpp"

namespace isthmus::test {

class Phone : public SipPeer {
 public:
  Phone(World& world, const std::string& account, const SocketAddress& address)
      : SipPeer(world, account, address, kGateway), secret{account}, world_(world) {
    domain = kGateway.ip.text();
    tag = "tag-of-" + account;
    registration = "registration-" + account;
  }

  DigestUser secret;
  std::string registration;  // Call-ID of its REGISTERs
  uint32_t register_cseq = 0;

  std::string own_contact() const {
    return contact.empty() ? "sip:" + user + "@" + host.address().text() + (is_connected() ? ";transport=tcp" : "")
                           : contact;
  }

  // One REGISTER as it is said here; `lines` are whole header lines, with Contact where it is wanted.
  void send_register(std::string_view lines) {
    send("REGISTER sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/" + std::string(is_connected() ? "TCP " : "UDP ") +
         host.address().text() + ";branch=" + new_branch() + ";rport\r\nMax-Forwards: 70\r\nFrom: <sip:" + user +
         "@192.0.2.1>;tag=r\r\nTo: <sip:" + user + "@192.0.2.1>\r\nCall-ID: " + registration + "\r\nCSeq: " +
         std::to_string(++register_cseq) + " REGISTER\r\n" + std::string(lines) + "Content-Length: 0\r\n\r\n");
    world_.run_for(std::chrono::milliseconds(5));
  }
  // With the challenge answered; the line of the last response ("200 REGISTER").
  std::string enroll(std::string_view lines) {
    send_register(lines);
    if (heard.back().line != "401 REGISTER") return heard.back().line;
    const sip::Message challenged = heard.back().message;
    send_register(secret.line(challenged, "REGISTER", "sip:192.0.2.1") + std::string(lines));
    return heard.back().line;
  }
  std::string enroll() { return enroll("Contact: <" + own_contact() + ">\r\nExpires: 600\r\n"); }

  // An INVITE with the challenge answered.
  void place(std::string_view to, std::string_view sdp, std::string_view extra = {}) {
    invite(to, sdp, extra);
    world_.run_for(std::chrono::milliseconds(5));
    if (heard.empty() || heard.back().line != "407 INVITE") return;
    const sip::Message challenged = heard.back().message;
    ack_failure("407 INVITE");
    forget();
    invite(to, sdp, std::string(extra) + secret.line(challenged, "INVITE", call.invite_uri));
    world_.run_for(std::chrono::milliseconds(5));
  }

 private:
  World& world_;
};

}  // namespace isthmus::test
