// SPDX-License-Identifier: MIT
// ICE lite (RFC 8445 sections 2.5, 7.3 and 8.2; RFC 7675): always controlled, never sends a check. It answers checks
// with valid integrity and nothing else, so a stranger gets no octet out of it. Remote addresses are the sources of
// valid checks (peer-reflexive); candidates in the SDP are not needed. USE-CANDIDATE chooses the path, the latest wins.
#pragma once

#include <array>

#include "ice/agent.hpp"

namespace isthmus::ice {

class LiteAgent {
 public:
  // `digests` needs hmac_sha1 and crc32.
  LiteAgent(Credentials local, stun::Digests digests);

  const Credentials& local() const { return local_; }
  // Once known, only checks of this fragment are taken; before, of any (the browser's checks may outrun its answer).
  void set_remote(Credentials remote) { remote_ = std::move(remote); }

  Verdict receive(Pass& pass, const Path& path, const stun::Message& message);
  void expire(Pass& pass);
  TimePoint next_deadline() const;
  std::optional<Event> poll_event();

  // The nominated path; while none is nominated, the one of highest priority that passed a check.
  std::optional<Path> selected() const;
  bool is_nominated() const;
  TimePoint last_check() const;  // the latest valid check on any path; TimePoint{} before the first

 private:
  struct Seen {
    Path path;
    uint32_t priority = 0;
    TimePoint checked_at;
  };

  Verdict judge(const stun::Message& message) const;
  void answer(Pass& pass, const Path& path, const stun::Message& message, Verdict verdict) const;
  void note_check(Pass& pass, const Path& path, const stun::Message& message);
  size_t place_for(const Path& path);
  void drop(size_t index);
  void choose(size_t index, bool nominated);
  size_t best() const;

  Credentials local_;
  std::optional<Credentials> remote_;
  stun::Digests digests_;
  std::array<Seen, kMaxPaths> seen_{};
  size_t seen_count_ = 0;
  size_t selected_ = kMaxPaths;  // index into seen_; kMaxPaths: none
  bool nominated_ = false;
  bool tell_selected_ = false;
  bool tell_lost_ = false;
};

static_assert(Agent<LiteAgent>);

}  // namespace isthmus::ice
