// SPDX-License-Identifier: MIT
#include "ice/lite_agent.hpp"

#include <gtest/gtest.h>

#include "tests/support/ice_peer.hpp"

namespace isthmus::ice {
namespace {

using test::Check;
using test::kDigests;

const Credentials kOurs{"00ourfragment00", "our-password-of-22-chars"};
const Credentials kTheirs{"theirs", "their-password-of-22-chars"};

Path path_from(const char* remote) {
  return {FlowId{1, 1}, *SocketAddress::parse(remote), *SocketAddress::parse("192.0.2.1:4000")};
}

// One agent with a clock and an outbox of its own.
struct Bed {
  LiteAgent agent{kOurs, kDigests};
  Outbox out;
  Now now{TimePoint{} + std::chrono::seconds(1000), {}};
  uint64_t number = 0;

  Check check() {
    Check made;
    made.username = kOurs.ufrag + ":" + kTheirs.ufrag;
    made.password = kOurs.password;
    made.number = ++number;
    return made;
  }
  Verdict receive(const Path& path, Bytes datagram) {
    const auto message = stun::parse(datagram);
    EXPECT_TRUE(message);
    if (!message) return Verdict::kCount;
    Pass pass{now, out};
    return agent.receive(pass, path, *message);
  }
  Verdict receive(const Path& path, const Check& check) { return receive(path, test::build(check)); }
  void advance(Duration by) {
    now.steady += by;
    Pass pass{now, out};
    agent.expire(pass);
  }
  // The only answer since the last call.
  std::vector<std::byte> answer() {
    EXPECT_EQ(out.actions.size(), 1U);
    if (out.actions.size() != 1) return {};
    const Bytes bytes = out.view(std::get<Send>(out.actions[0]).bytes);
    std::vector<std::byte> copy(bytes.begin(), bytes.end());
    out.clear();
    return copy;
  }
};

TEST(LiteAgent, RFC8445_7_3_answers_a_valid_check_with_the_mapped_address_under_integrity) {
  Bed bed;
  const Path path = path_from("198.51.100.9:55555");
  EXPECT_EQ(bed.receive(path, bed.check()), Verdict::valid);
  EXPECT_EQ(std::get<Send>(bed.out.actions.at(0)).path, path);
  const auto octets = bed.answer();
  const auto message = stun::parse(octets);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->kind, stun::Class::success);
  EXPECT_EQ(message->transaction, test::transaction_id(1));
  EXPECT_EQ(message->mapped, path.remote);
  EXPECT_TRUE(stun::integrity_matches(*message, as_bytes(kOurs.password), kDigests.hmac_sha1));
  EXPECT_TRUE(stun::fingerprint_matches(*message, kDigests.crc32));
}

TEST(LiteAgent, trap_9_learns_the_peer_reflexive_address_without_any_candidate) {
  Bed bed;
  const Path path = path_from("[2001:db8::77]:40000");
  EXPECT_FALSE(bed.agent.selected());
  bed.receive(path, bed.check());
  EXPECT_EQ(bed.agent.selected(), path);
  EXPECT_FALSE(bed.agent.is_nominated());
  EXPECT_EQ(bed.agent.poll_event(), (Event{Event::Kind::selected, path}));
  EXPECT_EQ(bed.agent.poll_event(), std::nullopt);
}

TEST(LiteAgent, G5_strangers_get_no_octet) {
  struct Case {
    const char* name;
    Verdict verdict;
    void (*spoil)(Check&);
  };
  const Case cases[] = {
      {"no integrity", Verdict::no_integrity, [](Check& c) { c.integrity = false; }},
      {"no user name", Verdict::no_integrity, [](Check& c) { c.username.clear(); }},
      {"wrong password", Verdict::bad_integrity, [](Check& c) { c.password[0] ^= 1; }},
      {"peer's password", Verdict::bad_integrity, [](Check& c) { c.password = kTheirs.password; }},
      {"foreign receiver", Verdict::wrong_username, [](Check& c) { c.username = "other:theirs"; }},
      {"no second half", Verdict::wrong_username, [](Check& c) { c.username = kOurs.ufrag; }},
      {"indication", Verdict::not_a_check, [](Check& c) { c.kind = stun::Class::indication; }},
      {"advisory 18: error nobody asked for", Verdict::not_a_check, [](Check& c) { c.kind = stun::Class::error; }},
      {"advisory 20: success nobody asked for", Verdict::not_a_check, [](Check& c) { c.kind = stun::Class::success; }},
  };
  for (const Case& one : cases) {
    Bed bed;
    Check check = bed.check();
    one.spoil(check);
    EXPECT_EQ(bed.receive(path_from("203.0.113.5:1"), check), one.verdict) << one.name;
    EXPECT_TRUE(bed.out.actions.empty()) << one.name;
    EXPECT_FALSE(bed.agent.selected()) << one.name;
    EXPECT_FALSE(bed.agent.poll_event()) << one.name;
    EXPECT_EQ(bed.agent.next_deadline(), kNever) << one.name;
  }
}

TEST(LiteAgent, G3_no_bit_flip_of_a_check_earns_an_answer) {
  Bed bed;
  std::vector<std::byte> octets = test::build(bed.check());
  for (size_t bit = 0; bit < octets.size() * 8; ++bit) {
    // A flip that turns FINGERPRINT into an attribute behind the integrity leaves the covered octets whole.
    if (bit / 8 >= octets.size() - 8 && bit / 8 < octets.size() - 4) continue;
    octets[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    if (stun::parse(octets)) {
      EXPECT_NE(bed.receive(path_from("203.0.113.5:1"), Bytes{octets}), Verdict::valid) << bit;
    }
    octets[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
  }
  EXPECT_TRUE(bed.out.actions.empty());
}

TEST(LiteAgent, takes_any_peer_before_its_answer_and_only_the_answered_one_after) {
  Bed bed;
  Check other = bed.check();
  other.username = kOurs.ufrag + ":someone";
  EXPECT_EQ(bed.receive(path_from("203.0.113.5:1"), other), Verdict::valid);
  bed.agent.set_remote(kTheirs);
  bed.out.clear();
  EXPECT_EQ(bed.receive(path_from("203.0.113.5:1"), other), Verdict::wrong_username);
  EXPECT_TRUE(bed.out.actions.empty());
  EXPECT_EQ(bed.receive(path_from("203.0.113.5:1"), bed.check()), Verdict::valid);
}

TEST(LiteAgent, RFC8445_8_USE_CANDIDATE_nominates_and_the_latest_wins) {
  Bed bed;
  const Path first = path_from("198.51.100.1:1");
  const Path second = path_from("198.51.100.2:2");
  Check low = bed.check();
  low.priority = 1;
  low.use_candidate = true;
  bed.receive(first, low);
  EXPECT_TRUE(bed.agent.is_nominated());
  bed.receive(second, bed.check());  // of higher priority, but not nominated
  EXPECT_EQ(bed.agent.selected(), first);
  Check nominating = bed.check();
  nominating.use_candidate = true;
  bed.receive(second, nominating);
  EXPECT_EQ(bed.agent.selected(), second);
  EXPECT_EQ(bed.agent.poll_event(), (Event{Event::Kind::selected, second}));
}

TEST(LiteAgent, before_nomination_the_path_of_highest_priority_is_chosen) {
  Bed bed;
  Check low = bed.check();
  low.priority = 100;
  bed.receive(path_from("198.51.100.1:1"), low);
  bed.receive(path_from("198.51.100.2:2"), bed.check());
  EXPECT_EQ(bed.agent.selected(), path_from("198.51.100.2:2"));
  low.priority = 50;
  bed.receive(path_from("198.51.100.3:3"), low);
  EXPECT_EQ(bed.agent.selected(), path_from("198.51.100.2:2"));
}

TEST(LiteAgent, RFC8445_7_3_1_1_a_controlled_peer_is_told_487_whatever_its_tie_breaker) {
  Bed bed;
  Check check = bed.check();
  check.controlled = true;
  EXPECT_EQ(bed.receive(path_from("198.51.100.1:1"), check), Verdict::role_conflict);
  const auto octets = bed.answer();
  const auto message = stun::parse(octets);
  ASSERT_TRUE(message && message->error);
  EXPECT_EQ(message->error->code, 487);
  EXPECT_TRUE(stun::integrity_matches(*message, as_bytes(kOurs.password), kDigests.hmac_sha1));
  EXPECT_FALSE(bed.agent.selected());
  // Having switched, the same peer is welcome.
  EXPECT_EQ(bed.receive(path_from("198.51.100.1:1"), bed.check()), Verdict::valid);
}

TEST(LiteAgent, RFC8489_6_3_1_unknown_required_attributes_get_420_and_a_list) {
  Bed bed;
  Check check = bed.check();
  check.extra = [](stun::Writer& writer) {
    writer.number32(static_cast<stun::Attribute>(0x7abc), 1);
    writer.number32(static_cast<stun::Attribute>(0xc057), 1);  // optional: ignored
  };
  EXPECT_EQ(bed.receive(path_from("198.51.100.1:1"), check), Verdict::unknown_attribute);
  const auto octets = bed.answer();
  const auto message = stun::parse(octets);
  ASSERT_TRUE(message && message->error);
  EXPECT_EQ(message->error->code, 420);
  const std::string text(as_text(octets));
  EXPECT_NE(text.find(std::string("\x00\x0a\x00\x02\x7a\xbc\x00\x00", 8)), std::string::npos);
  // The same without integrity earns nothing.
  check.integrity = false;
  EXPECT_EQ(bed.receive(path_from("198.51.100.1:1"), check), Verdict::no_integrity);
  EXPECT_TRUE(bed.out.actions.empty());
}

TEST(LiteAgent, RFC7675_5_1_consent_is_lost_thirty_seconds_after_the_last_valid_check) {
  Bed bed;
  bed.receive(path_from("198.51.100.1:1"), bed.check());
  while (bed.agent.poll_event()) {
  }
  EXPECT_EQ(bed.agent.next_deadline(), bed.now.steady + kConsentTimeout);
  bed.advance(kConsentTimeout - std::chrono::seconds(1));
  Check forged = bed.check();
  forged.password += "x";
  bed.receive(path_from("198.51.100.1:1"), forged);  // proves nothing, so it prolongs nothing
  EXPECT_FALSE(bed.agent.poll_event());
  bed.advance(std::chrono::seconds(1));
  EXPECT_EQ(bed.agent.poll_event(), (Event{Event::Kind::consent_lost, {}}));
  EXPECT_FALSE(bed.agent.selected());
  EXPECT_EQ(bed.agent.next_deadline(), kNever);
  EXPECT_FALSE(bed.agent.poll_event());
}

TEST(LiteAgent, RFC7675_5_1_each_valid_check_renews_consent) {
  Bed bed;
  for (int i = 0; i < 100; ++i) {
    bed.receive(path_from("198.51.100.1:1"), bed.check());
    bed.advance(std::chrono::seconds(25));
  }
  EXPECT_EQ(bed.agent.poll_event()->kind, Event::Kind::selected);
  EXPECT_FALSE(bed.agent.poll_event());
}

TEST(LiteAgent, a_stale_nominated_path_gives_way_to_one_that_still_answers) {
  Bed bed;
  Check nominating = bed.check();
  nominating.use_candidate = true;
  bed.receive(path_from("198.51.100.1:1"), nominating);
  bed.advance(std::chrono::seconds(20));
  bed.receive(path_from("198.51.100.2:2"), bed.check());
  while (bed.agent.poll_event()) {
  }
  bed.advance(std::chrono::seconds(10));
  EXPECT_EQ(bed.agent.poll_event(), (Event{Event::Kind::selected, path_from("198.51.100.2:2")}));
  EXPECT_FALSE(bed.agent.poll_event());
}

TEST(LiteAgent, paths_are_bounded_and_the_chosen_one_never_yields) {
  Bed bed;
  Check nominating = bed.check();
  nominating.use_candidate = true;
  const Path chosen = path_from("198.51.100.1:1");
  bed.receive(chosen, nominating);
  for (uint16_t port = 1; port <= 100; ++port) {
    bed.advance(std::chrono::milliseconds(10));
    Path path = path_from("198.51.100.2:2");
    path.remote.port = port;
    EXPECT_EQ(bed.receive(path, bed.check()), Verdict::valid);
    EXPECT_EQ(bed.agent.selected(), chosen);
  }
}

TEST(LiteAgent, every_verdict_has_a_sentence) {
  for (uint8_t i = 0; i < static_cast<uint8_t>(Verdict::kCount); ++i) {
    EXPECT_NE(describe(static_cast<Verdict>(i)), "unknown verdict");
  }
}

}  // namespace
}  // namespace isthmus::ice
