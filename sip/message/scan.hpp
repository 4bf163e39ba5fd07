// SPDX-License-Identifier: MIT
// The inner loops of the parser: which octets of a block need a look, where the colon is, where a URI ends. They read
// whole blocks, up to 64 octets behind the end, which Buffer allows. SSE2 where the compiler has it, plain loops
// elsewhere, with equal results.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "sip/message/lexer.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace isthmus::sip {

// Octets that a scan over lines stops at: control characters with CR and LF among them, and everything above ASCII,
// which costs nothing to include and is harmless.
constexpr bool is_notable(char c) {
  const auto octet = static_cast<uint8_t>(c);
  return octet < 0x20 || octet >= 0x7f;
}

// The portable forms, also the oracle of the tests.
inline uint64_t notable_mask_plain(const char* block) {
  uint64_t mask = 0;
  for (int i = 0; i < 64; ++i) mask |= uint64_t{is_notable(block[i])} << i;
  return mask;
}
inline const char* find_char_plain(const char* at, const char* end, char wanted) {
  while (at < end && *at != wanted) ++at;
  return at;
}
inline const char* find_uri_stop_plain(const char* at) {
  while (is(*at, kUriChar)) ++at;
  return at;
}

#if defined(__SSE2__)
namespace detail {
inline __m128i load(const char* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}
// One more than the octet, read as signed, is below 0x21 for controls, for DEL and for everything above ASCII.
inline uint64_t notable_16(const char* at) {
  const __m128i more = _mm_add_epi8(load(at), _mm_set1_epi8(1));
  return static_cast<uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(_mm_cmplt_epi8(more, _mm_set1_epi8(0x21)))));
}
}  // namespace detail
#endif

// Bit i is set when octet i of the 64 is notable.
inline uint64_t notable_mask(const char* block) {
#if defined(__SSE2__)
  return detail::notable_16(block) | detail::notable_16(block + 16) << 16 | detail::notable_16(block + 32) << 32 |
         detail::notable_16(block + 48) << 48;
#else
  return notable_mask_plain(block);
#endif
}

// The notable octets of a text one after the other.
class NotableScan {
 public:
  NotableScan() = default;
  NotableScan(const char* begin, const char* end) : block_(begin), end_(end), mask_(notable_mask(begin)) {}

  // The next one, or the end.
  const char* next() {
    while (mask_ == 0) {
      block_ += 64;
      if (block_ >= end_) return stop();
      mask_ = notable_mask(block_);
    }
    const char* found = block_ + std::countr_zero(mask_);
    if (found >= end_) return stop();
    mask_ &= mask_ - 1;
    return found;
  }

  // Takes the octet right behind the last one given, which is known to be notable too: the LF of a CRLF.
  void drop() {
    if (mask_ != 0) {
      mask_ &= mask_ - 1;
    } else {
      next();
    }
  }

 private:
  const char* stop() {
    block_ = end_;
    mask_ = 0;
    return end_;
  }

  const char* block_ = nullptr;
  const char* end_ = nullptr;
  uint64_t mask_ = 0;
};

// The first `wanted` in [at, end), or end. For short distances; memchr is better for long ones.
inline const char* find_char(const char* at, const char* end, char wanted) {
#if defined(__SSE2__)
  const __m128i pattern = _mm_set1_epi8(wanted);
  for (; at < end; at += 16) {
    const int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(detail::load(at), pattern));
    if (mask != 0) {
      const char* found = at + std::countr_zero(static_cast<unsigned>(mask));
      return found < end ? found : end;
    }
  }
  return end;
#else
  return find_char_plain(at, end, wanted);
#endif
}

// The first octet at or behind `at` that cannot stand in a URI (see kUriChar). There must be one within the buffer; the
// zeros behind its end are such.
inline const char* find_uri_stop(const char* at) {
#if defined(__SSE2__)
  for (;; at += 16) {
    const __m128i block = detail::load(at);
    const __m128i outside = _mm_cmplt_epi8(_mm_add_epi8(block, _mm_set1_epi8(1)), _mm_set1_epi8(0x22));
    const __m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    const __m128i angle = _mm_cmpeq_epi8(_mm_or_si128(block, _mm_set1_epi8(2)), _mm_set1_epi8('>'));  // '<' or '>'
    const int mask = _mm_movemask_epi8(_mm_or_si128(outside, _mm_or_si128(quote, angle)));
    if (mask != 0) return at + std::countr_zero(static_cast<unsigned>(mask));
  }
#else
  return find_uri_stop_plain(at);
#endif
}

}  // namespace isthmus::sip
