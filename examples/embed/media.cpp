// SPDX-License-Identifier: MIT
// isthmus::media alone: an engine with two phone legs. Orders go in, events come out, and a packet is turned in place
// from one phone to the other (R4.20, R5.4). The sockets that it asks for are answered by hand.

#include <array>
#include <iostream>
#include <variant>

#include "base/machine.hpp"
#include "media/engine.hpp"
#include "media/rtp_packet.hpp"

namespace {

using isthmus::SocketAddress;
namespace media = isthmus::media;

SocketAddress at(uint8_t last, uint16_t port) {
  return {isthmus::IpAddress::v4(192, 0, 2, last), port};
}

void say_events(media::Engine& engine) {
  while (const auto event = engine.poll_event()) {
    if (const auto* ready = std::get_if<media::LegReady>(&*event)) {
      std::cout << "leg " << ready->leg.slot << " is ready at " << ready->addresses[0].text() << "\n";
    } else if (const auto* connected = std::get_if<media::LegConnected>(&*event)) {
      std::cout << "leg " << connected->leg.slot << " hears " << connected->remote.text() << "\n";
    } else if (const auto* gone = std::get_if<media::LegGone>(&*event)) {
      std::cout << "leg " << gone->leg.slot << " is gone: " << gone->last.received << " packets in, " << gone->last.sent
                << " out\n";
    }
  }
}

// What the edge of a program does: binds the two ports that the engine asked for.
void bind_ports(media::Engine& engine, isthmus::Pass& pass, uint32_t flow, uint16_t port) {
  const auto actions = pass.out.actions;
  pass.out.clear();
  for (const auto& action : actions) {
    const auto* bind = std::get_if<isthmus::Bind>(&action);
    if (bind == nullptr) continue;
    const auto rtcp_port = static_cast<uint16_t>(port + 1);
    engine.answer(pass, bind->ask, isthmus::PortFacts{{flow, 1}, at(1, port), {flow + 1, 1}, at(1, rtcp_port)});
  }
}

}  // namespace

int main() {
  media::Engine engine({}, isthmus::Seed::of(1));
  isthmus::Outbox out;
  isthmus::Pass pass{{isthmus::TimePoint{} + std::chrono::seconds(1), {}}, out};

  media::PayloadMap payloads;
  payloads.entries[payloads.count++] = {0, media::Codec::pcmu, 8000};
  for (uint8_t number = 1; number <= 2; ++number) {
    const media::LegId leg{number, 1};
    engine.obey(pass, media::OpenLeg{leg, media::LegKind::rtp, at(1, 0).ip});
    bind_ports(engine, pass, number * 10U, static_cast<uint16_t>(20000 + 10 * number));
    const auto phone = static_cast<uint8_t>(100 + number);
    engine.obey(pass, media::ArmRtp{leg, at(phone, 4000), at(phone, 4001), at(phone, 0).ip, payloads});
  }
  engine.obey(pass, media::JoinLegs{{1, 1}, {2, 1}});
  say_events(engine);

  std::array<std::byte, 300> room{};
  isthmus::PacketSlot packet{{{10, 1}, at(101, 4000), at(1, 20010)}, room.data(), 64, 172, room.size()};
  media::write_rtp_header(packet.bytes(), 0, false, 1, 160, 0x1234);
  engine.receive(pass, {&packet, 1});
  std::cout << packet.size << " octets go to " << packet.path.remote.text() << " through flow " << packet.path.flow.slot
            << "\n";
  say_events(engine);

  engine.obey(pass, media::CloseLeg{{1, 1}});
  engine.obey(pass, media::CloseLeg{{2, 1}});
  say_events(engine);
  std::cout << "nothing is left: " << std::boolalpha << engine.census().empty() << "\n";
}
