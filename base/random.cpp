// SPDX-License-Identifier: MIT
#include "base/random.hpp"

#include <bit>
#include <cstring>

#include "base/hash.hpp"

namespace isthmus {
namespace {

using Block = std::array<uint32_t, 16>;

void quarter(Block& x, size_t a, size_t b, size_t c, size_t d) {  // RFC 8439 2.1
  x[a] += x[b], x[d] = std::rotl(x[d] ^ x[a], 16);
  x[c] += x[d], x[b] = std::rotl(x[b] ^ x[c], 12);
  x[a] += x[b], x[d] = std::rotl(x[d] ^ x[a], 8);
  x[c] += x[d], x[b] = std::rotl(x[b] ^ x[c], 7);
}

uint32_t little(const uint8_t* p) {
  return uint32_t{p[0]} | uint32_t{p[1]} << 8 | uint32_t{p[2]} << 16 | uint32_t{p[3]} << 24;
}

std::array<uint8_t, 64> chacha20_block(const Seed& key, uint64_t counter, uint64_t nonce) {
  Block start{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  for (size_t i = 0; i < 8; ++i) start[4 + i] = little(key.octets.data() + 4 * i);
  start[12] = static_cast<uint32_t>(counter);
  start[13] = static_cast<uint32_t>(counter >> 32);
  start[14] = static_cast<uint32_t>(nonce);
  start[15] = static_cast<uint32_t>(nonce >> 32);
  Block x = start;
  for (int round = 0; round < 10; ++round) {
    quarter(x, 0, 4, 8, 12), quarter(x, 1, 5, 9, 13), quarter(x, 2, 6, 10, 14), quarter(x, 3, 7, 11, 15);
    quarter(x, 0, 5, 10, 15), quarter(x, 1, 6, 11, 12), quarter(x, 2, 7, 8, 13), quarter(x, 3, 4, 9, 14);
  }
  std::array<uint8_t, 64> out{};
  for (size_t i = 0; i < 16; ++i) {
    const uint32_t word = x[i] + start[i];
    for (size_t j = 0; j < 4; ++j) out[4 * i + j] = static_cast<uint8_t>(word >> (8 * j));
  }
  return out;
}

}  // namespace

Seed Seed::of(uint64_t number) {
  Seed seed;
  for (size_t i = 0; i < 8; ++i) seed.octets[i] = static_cast<uint8_t>(number >> (8 * i));
  return seed;
}

Seed Random::fork(std::string_view name) const {
  // The nonce of a fork is never zero, which is the nonce of the generator's own stream.
  const uint64_t nonce = keyed_hash({little(key_.octets.data()), little(key_.octets.data() + 4)}, as_bytes(name)) | 1;
  const auto block = chacha20_block(key_, 0, nonce);
  Seed seed;
  std::memcpy(seed.octets.data(), block.data(), seed.octets.size());
  return seed;
}

void Random::refill() {
  buffer_ = chacha20_block(key_, block_++, 0);
  used_ = 0;
}

uint64_t Random::next() {
  uint64_t out = 0;
  fill({reinterpret_cast<std::byte*>(&out), sizeof out});
  return out;
}

uint64_t Random::below(uint64_t bound) {
  const uint64_t reject = (0 - bound) % bound;  // 2^64 mod bound
  for (;;) {
    const uint64_t draw = next();
    if (draw >= reject) return draw % bound;
  }
}

void Random::fill(MutableBytes out) {
  for (std::byte& b : out) {
    if (used_ == buffer_.size()) refill();
    b = static_cast<std::byte>(buffer_[used_++]);
  }
}

std::string Random::token(size_t bits) {
  std::string out;
  out.reserve(bits / 4);
  uint64_t draw = 0;
  for (size_t i = 0; i < bits / 4; ++i) {
    if (i % 16 == 0) draw = next();
    out += "0123456789abcdef"[draw & 15];
    draw >>= 4;
  }
  return out;
}

}  // namespace isthmus
