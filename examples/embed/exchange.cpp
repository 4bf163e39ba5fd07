// SPDX-License-Identifier: MIT
// isthmus::exchange alone: the call logic of the gateway without a socket, a clock or a media engine. A phone system
// calls the echo application; this file plays network and media, and time stands still (R4.20, R5.4).

#include <iostream>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.hpp"
#include "base/machine.hpp"
#include "gateway/call/exchange.hpp"

namespace {

using isthmus::IpAddress;
using isthmus::SocketAddress;
namespace gateway = isthmus::gateway;
namespace media = isthmus::media;

const SocketAddress kGateway{IpAddress::v4(192, 0, 2, 1), 5060};
const SocketAddress kOffice{IpAddress::v4(192, 0, 2, 10), 5060};
const isthmus::Path kPath{{1, 1}, kOffice, kGateway};

std::string request(std::string_view method, std::string_view to_tag, std::string_view body) {
  std::string out = std::string(method) + " sip:echo@192.0.2.1 SIP/2.0\r\n";
  out += "Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK-" + std::string(method) + "\r\nMax-Forwards: 70\r\n";
  out += "From: <sip:1000@192.0.2.10>;tag=office\r\nTo: <sip:echo@192.0.2.1>" + std::string(to_tag) + "\r\n";
  out += "Call-ID: example@192.0.2.10\r\nContact: <sip:1000@192.0.2.10>\r\n";
  out += std::string("CSeq: ") + (method == "BYE" ? "2 " : "1 ") + std::string(method) + "\r\n";
  if (!body.empty()) out += "Content-Type: application/sdp\r\n";
  return out + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

class World {
 public:
  World() : exchange_(settings(), isthmus::Seed::of(1)) {
    exchange_.flow_up(pass_, {kPath, isthmus::Protocol::udp, isthmus::Framing::datagram, false});
  }

  void send(const std::string& message) {
    std::cout << "office: " << message.substr(0, message.find('\r')) << "\n";
    exchange_.receive(pass_, kPath, isthmus::as_bytes(message));
    settle();
  }
  const std::string& to_tag() const { return to_tag_; }
  bool is_empty() const { return exchange_.census().no_live(); }

 private:
  static gateway::Settings settings() {
    gateway::Settings out;
    out.user_agent.endpoint.listeners = {{isthmus::Protocol::udp, kGateway, "192.0.2.1", 5060}};
    out.domain = "192.0.2.1";
    out.admission = gateway::Admission::allow_all;
    gateway::TrunkSettings office;
    office.name = "office";
    office.sources = {isthmus::Prefix{kOffice.ip, 32}};
    office.host = kOffice.ip.text();
    out.trunks = {office};
    return out;
  }

  // Requests of the exchange and events of the media alternate until both are silent; then what was sent is shown.
  void settle() {
    while (const auto wish = exchange_.poll_event()) {
      if (const auto* order = std::get_if<gateway::OrderMedia>(&*wish)) obey(order->order);
      if (const auto* told = std::get_if<gateway::CallEnded>(&*wish))
        std::cout << "call " << told->call.to << " ended\n";
    }
    for (const auto& action : pass_.out.actions) {
      const auto* sent = std::get_if<isthmus::Send>(&action);
      if (sent != nullptr) show(isthmus::as_text(pass_.out.view(sent->bytes)));
    }
    pass_.out.clear();
  }

  void obey(const media::Order& order) {
    if (const auto* open = std::get_if<media::OpenLeg>(&order)) {
      std::cout << "media: open a leg\n";
      media::LegReady ready{open->leg};
      ready.addresses[ready.address_count++] = {kGateway.ip, 20000};
      ready.addresses[ready.address_count++] = {kGateway.ip, 20001};
      exchange_.media(pass_, ready);
    } else if (const auto* join = std::get_if<media::JoinLegs>(&order)) {
      std::cout << "media: join " << (join->a == join->b ? "the leg to itself" : "two legs") << "\n";
    } else if (const auto* close = std::get_if<media::CloseLeg>(&order)) {
      std::cout << "media: close the leg\n";
      exchange_.media(pass_, media::LegGone{close->leg});
    }
  }

  void show(std::string_view message) {
    std::cout << "gateway: " << message.substr(0, message.find('\r')) << "\n";
    const size_t to = message.find("\r\nTo: ");
    const size_t tag = message.find(";tag=", to);
    if (tag != std::string_view::npos) to_tag_ = message.substr(tag, message.find('\r', tag) - tag);
  }

  gateway::Exchange exchange_;
  isthmus::Outbox out_;
  isthmus::Pass pass_{{isthmus::TimePoint{} + std::chrono::seconds(1), {}}, out_};
  std::string to_tag_;
};

}  // namespace

int main() {
  World world;
  world.send(request("INVITE", "",
                     "v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
                     "m=audio 4000 RTP/AVP 0\r\n"));
  world.send(request("ACK", world.to_tag(), ""));
  world.send(request("BYE", world.to_tag(), ""));
  std::cout << "nothing is left: " << std::boolalpha << world.is_empty() << "\n";
}
