// SPDX-License-Identifier: MIT
// The hot path allocates nothing and leaves the outbox alone; telephone events pass, are reported and are sent.
#include "media/relay.hpp"

#include <gtest/gtest.h>

#include "tests/support/allocations.hpp"
#include "tests/support/media_bed.hpp"

namespace isthmus::test {
namespace relay_test {

using namespace media;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Relay, PassesPacketsBothWaysWithoutAllocatingOrTouchingTheOutbox) {
  Call call;
  call.up();
  constexpr uint16_t kBatch = 64;
  std::vector<std::byte> room(size_t{kBatch} * Bed::kRoom);
  std::vector<Packet> packets(kBatch);
  const std::string payload(160, 'x');
  size_t passed = 0;
  size_t allocated = 0;
  for (uint16_t round = 0; round < 20; ++round) {
    for (uint16_t i = 0; i < kBatch; ++i) {
      const auto number = static_cast<uint16_t>(round * kBatch + i);
      const bool page = i % 2 == 0;
      const Datagram bytes = page ? call.page.seal(from_page(number, payload)) : rtp_bytes(from_phone(number, payload));
      std::byte* slot = &room[size_t{i} * Bed::kRoom];
      std::copy(bytes.begin(), bytes.end(), slot + Bed::kHeadroom);
      packets[i] = {{page ? call.bed.shared_flow : call.phone_flow, page ? kBrowserAddress : kPhoneAddress, {}},
                    slot,
                    Bed::kHeadroom,
                    static_cast<uint16_t>(bytes.size()),
                    Bed::kRoom};
    }
    Outbox out;
    Pass pass{call.bed.now, out};
    const size_t before = allocations;
    call.bed.engine.receive(pass, packets);
    if (round > 0) allocated += allocations - before;  // the first packets of a leg tell LegConnected
    EXPECT_TRUE(out.actions.empty());
    for (const Packet& packet : packets) passed += packet.path.flow ? 1 : 0;
    call.bed.now.steady += milliseconds(20);
  }
  EXPECT_EQ(passed, 20u * kBatch);
  EXPECT_EQ(allocated, 0u);
  EXPECT_EQ(call.bed.engine.relayed(), 20u * kBatch);
}

TEST(Relay, ASlotWithoutRoomForTheTagIsDroppedAndCounted) {
  Call call;
  call.up();
  Datagram bytes = rtp_bytes(from_phone(0));
  Packet packet{{call.phone_flow, kPhoneAddress, {}},
                bytes.data(),
                0,
                static_cast<uint16_t>(bytes.size()),
                static_cast<uint16_t>(bytes.size())};
  Pass pass{call.bed.now, call.bed.out};
  call.bed.engine.receive(pass, std::span(&packet, 1));
  EXPECT_FALSE(packet.path.flow);
  EXPECT_EQ(call.bed.engine.drops()[Drop::no_room], 1u);
}

// The engine's answer to the SendDtmf with that token.
std::optional<DtmfFault> answer_to(const Call& call, uint64_t token) {
  for (const DtmfTaken& taken : call.bed.events<DtmfTaken>()) {
    if (taken.token == token) return taken.fault;
  }
  return std::nullopt;
}

RtpSent event_packet(uint16_t i, uint8_t type, uint8_t event, bool end, uint16_t duration) {
  std::string payload(4, '\0');
  payload[0] = static_cast<char>(event);
  payload[1] = static_cast<char>(end ? 0x8a : 0x0a);
  payload[2] = static_cast<char>(duration >> 8);
  payload[3] = static_cast<char>(duration & 0xff);
  RtpSent packet = from_page(i, payload);
  packet.type = type;
  packet.timestamp = 777777;
  packet.marker = i == 0;
  return packet;
}

TEST(Relay, R0_12OneG711LawBecomesTheOtherWhereThePartnerTakesThatAlone) {
  Call call;
  call.up();
  ArmRtp phone = call.bed.description(kPhone, kPhoneAddress);
  phone.payloads.entries[0] = {8, Codec::pcma, 8000};
  call.bed.obey(phone);
  EXPECT_TRUE(call.page.say(call.bed, from_page(1, std::string(160, '\x80'))));
  ASSERT_EQ(call.phone.heard.size(), 1u);
  EXPECT_EQ(call.phone.heard[0].type, 8);
  EXPECT_EQ(call.phone.heard[0].payload, std::string(160, static_cast<char>(a_of_linear(linear_of_mu(0x80)))));
}

TEST(Relay, Trap28EventsPassWithTheOtherLegsPayloadTypeAndAreToldOnce) {
  Call call;
  call.up();
  for (uint16_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(call.page.say(call.bed, event_packet(i, 126, 9, false, static_cast<uint16_t>(160 * (i + 1)))));
  }
  for (uint16_t i = 5; i < 8; ++i) EXPECT_TRUE(call.page.say(call.bed, event_packet(i, 126, 9, true, 960)));
  ASSERT_EQ(call.phone.heard.size(), 8u);
  for (const RtpSent& packet : call.phone.heard) {
    EXPECT_EQ(packet.type, 101);
    EXPECT_EQ(packet.timestamp, call.phone.heard[0].timestamp);
  }
  const auto told = call.bed.events<DtmfReceived>();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].leg, kPage);
  EXPECT_EQ(told[0].digit, '9');
  EXPECT_EQ(told[0].milliseconds, 120);
}

TEST(Relay, Trap28AnEventWhoseEndsAreLostIsToldByTime) {
  Call call;
  call.up();
  call.page.say(call.bed, event_packet(0, 126, 3, false, 400));
  call.bed.pass_time(kEventTimeout - milliseconds(1));
  EXPECT_TRUE(call.bed.events<DtmfReceived>().empty());
  call.bed.pass_time(milliseconds(2));
  ASSERT_EQ(call.bed.events<DtmfReceived>().size(), 1u);
  EXPECT_EQ(call.bed.events<DtmfReceived>()[0].digit, '3');
}

TEST(Relay, Trap28EventsOfANewSourceAreHeardWhateverItsTimestamps) {
  Call call;
  call.up();
  call.page.say(call.bed, event_packet(0, 126, 1, true, 800));
  RtpSent other = event_packet(1, 126, 2, true, 800);
  other.ssrc = 0x99998888;
  other.timestamp = 5;
  call.page.say(call.bed, other);
  EXPECT_EQ(call.bed.events<DtmfReceived>().size(), 2u);
}

TEST(Relay, Trap28DigitsOfOurOwnArePacedIntoTheStreamInPlaceOfTheAudio) {
  Call call;
  call.up();
  uint16_t next = 0;
  TimePoint frame = call.bed.now.steady;
  call.bed.each_step = [&] {
    for (; frame <= call.bed.now.steady; frame += milliseconds(20)) call.page.say(call.bed, from_page(next++));
  };
  call.bed.pass_time(milliseconds(200));
  const size_t before = call.phone.heard.size();
  call.bed.obey(SendDtmf{kPhone, 7, Digits::of("4#"), 100});
  EXPECT_EQ(answer_to(call, 7), DtmfFault::none);
  call.bed.pass_time(seconds(1));
  std::vector<RtpSent> events;
  for (size_t i = before; i < call.phone.heard.size(); ++i) {
    if (call.phone.heard[i].type == 101) events.push_back(call.phone.heard[i]);
    EXPECT_EQ(static_cast<uint16_t>(call.phone.heard[i].sequence - call.phone.heard[i - 1].sequence), 1) << i;
  }
  ASSERT_EQ(events.size(), 14u) << "each: 5 of 20 ms, two more ends";
  DtmfReceiver receiver;
  std::string heard;
  for (const RtpSent& packet : events) {
    const auto digit = receiver.receive(packet.timestamp, 8000, as_bytes(packet.payload), call.bed.now.steady);
    if (digit) heard += digit->digit;
  }
  EXPECT_EQ(heard, "4#");
  EXPECT_TRUE(events[0].marker);
  EXPECT_EQ(events[0].timestamp, events[6].timestamp);
  EXPECT_NE(events[6].timestamp, events[7].timestamp);
  EXPECT_GT(call.bed.engine.drops()[Drop::own_event], 5u);
  EXPECT_TRUE(call.bed.events<DtmfUnsendable>().empty());
}

TEST(Relay, DigitsThatWaitAreThrownAwayWithThePathAndThatIsTold) {
  Call call;
  call.up();
  call.bed.obey(SendDtmf{kPhone, 1, Digits::of("12"), 100});
  EXPECT_EQ(answer_to(call, 1), DtmfFault::none);
  ArmRtp without = call.bed.description(kPhone, kPhoneAddress);
  without.payloads.count = 1;
  call.bed.obey(without);
  call.bed.pass_time(milliseconds(100));
  EXPECT_EQ(call.bed.events<DtmfUnsendable>().size(), 1u);
}

TEST(Relay, DigitsThatCannotBeSentAreRefused) {
  Call call;
  uint64_t token = 0;
  const auto say = [&](std::string_view digits, LegId leg = kPhone) {
    call.bed.obey(SendDtmf{leg, ++token, Digits::of(digits), 100});
    return answer_to(call, token);
  };
  EXPECT_EQ(say("1"), DtmfFault::no_format) << "no description yet";
  EXPECT_EQ(say("1", LegId{77, 7}), DtmfFault::no_path) << "no such leg";
  call.up();
  EXPECT_EQ(say("1x"), DtmfFault::no_format);
  call.bed.obey(SwitchLeg{kPhone, true, false});
  EXPECT_EQ(say("1"), DtmfFault::no_path) << "held";
  call.bed.obey(SwitchLeg{kPhone, true, true});
  ArmRtp nowhere = call.bed.description(kPhone, kPhoneAddress);
  nowhere.remote = nowhere.remote_rtcp = {};
  call.bed.obey(nowhere);
  EXPECT_EQ(say("1"), DtmfFault::no_path) << "held by c=0.0.0.0";
  ArmRtp without = call.bed.description(kPhone, kPhoneAddress);
  without.payloads.count = 1;
  call.bed.obey(without);
  EXPECT_EQ(say("1"), DtmfFault::no_format);
  call.bed.obey(call.bed.description(kPhone, kPhoneAddress));
  call.phone.heard.clear();
  call.bed.pass_time(seconds(5));
  for (const RtpSent& packet : call.phone.heard) EXPECT_NE(packet.type, 101) << "none of them was sent";
}

// All of an order's digits or none: the first of them sounds at once and makes room for one more.
TEST(Relay, DigitsBeyondTheQueueAreRefusedWhole) {
  Call call;
  call.up();
  const std::string all(kMaxDigits, '5');
  call.bed.obey(SendDtmf{kPhone, 1, Digits::of(all), 100});
  EXPECT_EQ(answer_to(call, 1), DtmfFault::none);
  call.bed.obey(SendDtmf{kPhone, 2, Digits::of("67"), 100});
  EXPECT_EQ(answer_to(call, 2), DtmfFault::no_room);
  call.bed.obey(SendDtmf{kPhone, 3, Digits::of("8"), 100});
  EXPECT_EQ(answer_to(call, 3), DtmfFault::none);
  call.bed.obey(SendDtmf{kPhone, 4, Digits::of("9"), 100});
  EXPECT_EQ(answer_to(call, 4), DtmfFault::no_room);
  call.bed.pass_time(seconds(10));
  DtmfReceiver receiver;
  std::string heard;
  for (const RtpSent& packet : call.phone.heard) {
    if (packet.type != 101) continue;
    const auto digit = receiver.receive(packet.timestamp, 8000, as_bytes(packet.payload), call.bed.now.steady);
    if (digit) heard += digit->digit;
  }
  EXPECT_EQ(heard, all + "8");
}

}  // namespace relay_test
}  // namespace isthmus::test
