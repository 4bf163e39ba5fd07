// SPDX-License-Identifier: MIT
// The two inner loops of the parser: find the next control character, find the colon. They read whole words, up to 16
// octets behind `end`, which Buffer allows. SSE2 where the compiler has it, plain words elsewhere, with equal results.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace isthmus::sip {

inline bool is_control(char c) {
  const auto octet = static_cast<uint8_t>(c);
  return octet < 0x20 || octet == 0x7f;
}

// The portable forms, also the oracle of the tests.
inline const char* find_control_plain(const char* at, const char* end) {
  while (at < end && !is_control(*at)) ++at;
  return at;
}
inline const char* find_char_plain(const char* at, const char* end, char wanted) {
  while (at < end && *at != wanted) ++at;
  return at;
}

// The first octet below 0x20 or equal to 0x7f in [at, end), or end.
inline const char* find_control(const char* at, const char* end) {
#if defined(__SSE2__)
  const __m128i last_control = _mm_set1_epi8(0x1f);
  const __m128i del = _mm_set1_epi8(0x7f);
  for (; at < end; at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(block, last_control), block);
    const int mask = _mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(block, del)));
    if (mask != 0) {
      const char* found = at + std::countr_zero(static_cast<unsigned>(mask));
      return found < end ? found : end;
    }
  }
  return end;
#else
  return find_control_plain(at, end);
#endif
}

// The first `wanted` in [at, end), or end. For short distances; memchr is better for long ones.
inline const char* find_char(const char* at, const char* end, char wanted) {
#if defined(__SSE2__)
  const __m128i pattern = _mm_set1_epi8(wanted);
  for (; at < end; at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(block, pattern));
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

}  // namespace isthmus::sip
