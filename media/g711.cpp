// SPDX-License-Identifier: MIT
#include "media/g711.hpp"

#include <algorithm>
#include <array>

namespace isthmus::media {
namespace {

constexpr int kMuBias = 0x84;
constexpr int kMuClip = 32635;

constexpr int linear_mu(uint8_t octet) {
  const int inverted = ~octet & 0xff;
  const int segment = inverted >> 4 & 7;
  const int magnitude = (((inverted & 0x0f) << 3) + kMuBias) << segment;
  return (inverted & 0x80) != 0 ? kMuBias - magnitude : magnitude - kMuBias;
}

constexpr int linear_a(uint8_t octet) {
  const int value = octet ^ 0x55;
  const int segment = value >> 4 & 7;
  int magnitude = ((value & 0x0f) << 4) + 8;
  if (segment > 0) magnitude = (magnitude + 0x100) << (segment - 1);
  return (value & 0x80) != 0 ? magnitude : -magnitude;
}

constexpr uint8_t encode_mu(int sample) {
  const int sign = sample < 0 ? 0x80 : 0;
  const int magnitude = std::min(sample < 0 ? -sample : sample, kMuClip) + kMuBias;
  int segment = 7;
  while (segment > 0 && (magnitude >> (segment + 7)) == 0) --segment;
  return static_cast<uint8_t>(~(sign | segment << 4 | (magnitude >> (segment + 3) & 0x0f)) & 0xff);
}

constexpr uint8_t encode_a(int sample) {
  const int sign = sample < 0 ? 0 : 0x80;
  const int magnitude = sample < 0 ? -sample - 1 : sample;
  int segment = 7;
  while (segment > 0 && (magnitude >> (segment + 7)) == 0) --segment;
  const int mantissa = (segment == 0 ? magnitude >> 4 : magnitude >> (segment + 3)) & 0x0f;
  return static_cast<uint8_t>((sign | segment << 4 | mantissa) ^ 0x55);
}

using Table = std::array<uint8_t, 256>;

constexpr Table make_table(bool mu_to_a) {
  Table table{};
  for (size_t i = 0; i < table.size(); ++i) {
    const auto octet = static_cast<uint8_t>(i);
    table[i] = mu_to_a ? encode_a(linear_mu(octet)) : encode_mu(linear_a(octet));
  }
  return table;
}

constexpr Table kMuToA = make_table(true);
constexpr Table kAToMu = make_table(false);

}  // namespace

void change_law(LawChange change, MutableBytes payload) {
  if (change == LawChange::none) return;
  const Table& table = change == LawChange::mu_to_a ? kMuToA : kAToMu;
  for (std::byte& octet : payload) octet = static_cast<std::byte>(table[std::to_integer<uint8_t>(octet)]);
}

int16_t linear_of_mu(uint8_t octet) {
  return static_cast<int16_t>(linear_mu(octet));
}
int16_t linear_of_a(uint8_t octet) {
  return static_cast<int16_t>(linear_a(octet));
}
uint8_t mu_of_linear(int16_t sample) {
  return encode_mu(sample);
}
uint8_t a_of_linear(int16_t sample) {
  return encode_a(sample);
}

}  // namespace isthmus::media
