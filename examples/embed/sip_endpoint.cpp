// SPDX-License-Identifier: MIT
// sip/endpoint alone, with the transactions below it: a phone that is always busy. Its answer is lost at first and
// repeated by timer G until the ACK comes (RFC 3261 17.2.1). Time is an argument: 32 seconds pass at once (R4.20,
// R5.4).

#include <chrono>
#include <iostream>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.hpp"
#include "base/machine.hpp"
#include "sip/endpoint.hpp"

namespace {

using isthmus::IpAddress;
namespace sip = isthmus::sip;

const isthmus::SocketAddress kPhone{IpAddress::v4(192, 0, 2, 1), 5060};
const isthmus::Path kPath{{1, 1}, {IpAddress::v4(192, 0, 2, 10), 5060}, kPhone};

std::string request(std::string_view method, std::string_view to_tag) {
  return std::string(method) +
         " sip:bob@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
         "From: <sip:alice@192.0.2.10>;tag=a\r\nTo: <sip:bob@192.0.2.1>" +
         std::string(to_tag) + "\r\nCall-ID: example\r\nCSeq: 1 " + std::string(method) +
         "\r\nContact: <sip:alice@192.0.2.10>\r\nContent-Length: 0\r\n\r\n";
}

// Shows what was sent, and gives the To tag of it.
std::string show(isthmus::Pass& pass) {
  std::string tag;
  for (const auto& action : pass.out.actions) {
    const auto* sent = std::get_if<isthmus::Send>(&action);
    if (sent == nullptr) continue;
    const auto message = isthmus::as_text(pass.out.view(sent->bytes));
    std::cout << pass.now.steady.time_since_epoch() / std::chrono::milliseconds(1)
              << " ms: " << message.substr(0, message.find('\r')) << "\n";
    const size_t begin = message.find(";tag=", message.find("\r\nTo: "));
    if (begin != std::string_view::npos) tag = message.substr(begin, message.find('\r', begin) - begin);
  }
  pass.out.clear();
  return tag;
}

}  // namespace

int main() {
  sip::EndpointConfig config;
  config.listeners = {{isthmus::Protocol::udp, kPhone, "192.0.2.1", 5060}};
  sip::Endpoint endpoint(config, isthmus::Seed::of(1));
  isthmus::Outbox out;
  isthmus::Pass pass{{}, out};
  endpoint.flow_up(pass, {kPath, isthmus::Protocol::udp, isthmus::Framing::datagram, false});

  endpoint.receive(pass, kPath, isthmus::as_bytes(request("INVITE", "")));
  std::string to_tag;
  while (const auto event = endpoint.poll_event()) {
    if (event->kind != sip::EndpointEventKind::request) continue;
    const auto server = endpoint.admit(pass);
    endpoint.respond(pass, server, endpoint.response(server, 486));
  }
  to_tag = show(pass);

  const auto run_until = [&](std::chrono::seconds end) {
    while (endpoint.next_deadline() <= isthmus::TimePoint{} + end) {
      pass.now.steady = endpoint.next_deadline();
      endpoint.expire(pass);
      while (endpoint.poll_event()) continue;
      show(pass);
    }
  };
  run_until(std::chrono::seconds(3));
  std::cout << "the ACK arrives\n";
  endpoint.receive(pass, kPath, isthmus::as_bytes(request("ACK", to_tag)));
  while (endpoint.poll_event()) continue;
  run_until(std::chrono::seconds(32));
  std::cout << "nothing is left: " << std::boolalpha << endpoint.census().empty() << "\n";
}
