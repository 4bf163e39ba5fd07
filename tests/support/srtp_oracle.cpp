// SPDX-License-Identifier: MIT
#include "tests/support/srtp_oracle.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <stdexcept>

#include "base/crypto.hpp"
#include "media/rtp_packet.hpp"

namespace isthmus::test {
namespace {

using media::SrtpMaster;
using media::SrtpProfile;

constexpr size_t kTagSize = 16;
constexpr uint8_t kRtpKey = 0, kRtpAuth = 1, kRtpSalt = 2, kRtcpKey = 3, kRtcpAuth = 4, kRtcpSalt = 5;

const unsigned char* in(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* in(Octets& octets, size_t at = 0) {
  return reinterpret_cast<unsigned char*>(octets.data() + at);
}

void must(bool ok) {
  if (!ok) throw std::runtime_error("the oracle's cipher failed");
}

struct Context {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { EVP_CIPHER_CTX_free(context); }
};

bool is_gcm(SrtpProfile profile) {
  return profile == SrtpProfile::aead_aes_128_gcm || profile == SrtpProfile::aead_aes_256_gcm;
}

struct Session {  // keys of one direction and kind of packet
  Octets key, salt, auth;
};

Session session_of(SrtpProfile profile, const SrtpMaster& master, uint8_t key, uint8_t auth, uint8_t salt) {
  const media::SrtpSizes sizes = media::sizes_of(profile);
  const Bytes master_key = Bytes{master.key}.first(sizes.key);
  const Bytes master_salt = Bytes{master.salt}.first(sizes.salt);
  return {derive(master_key, master_salt, key, sizes.key), derive(master_key, master_salt, salt, sizes.salt),
          derive(master_key, master_salt, auth, 20)};
}

// RFC 3711 4.1.1: salt * 2^16 XOR ssrc * 2^64 XOR index * 2^16.
Octets cm_block(const Octets& salt, uint32_t ssrc, uint64_t index) {
  Octets block(16);
  std::copy(salt.begin(), salt.end(), block.begin());
  Octets mask(16);
  write_u32(&mask[4], ssrc);
  write_u64(&mask[6], (index & 0xffffffffffff) | (uint64_t{read_u16(&mask[6])} << 48));
  for (size_t i = 0; i < 16; ++i) block[i] ^= mask[i];
  return block;
}

void apply_cm(const Session& session, uint32_t ssrc, uint64_t index, MutableBytes text) {
  const Octets stream = aes_cm_keystream(session.key, cm_block(session.salt, ssrc, index), text.size());
  for (size_t i = 0; i < text.size(); ++i) text[i] ^= stream[i];
}

}  // namespace

Octets aes_cm_keystream(Bytes key, Bytes first_block, size_t size) {
  const Context c;
  const EVP_CIPHER* cipher = key.size() == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
  must(EVP_EncryptInit_ex(c.context, cipher, nullptr, in(key), in(first_block)) == 1);
  const Octets zeros(size);
  Octets out(size);
  int written = 0;
  must(EVP_EncryptUpdate(c.context, in(out), &written, in(Bytes{zeros}), static_cast<int>(size)) == 1);
  return out;
}

Octets derive(Bytes master_key, Bytes master_salt, uint8_t label, size_t size) {
  Octets block(16);
  std::copy(master_salt.begin(), master_salt.end(), block.begin());
  block[7] ^= std::byte{label};
  return aes_cm_keystream(master_key, block, size);
}

Octets gcm_seal(Bytes key, Bytes nonce, Bytes associated, Bytes plain) {
  const Context c;
  const EVP_CIPHER* cipher = key.size() == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
  must(EVP_EncryptInit_ex(c.context, cipher, nullptr, in(key), in(nonce)) == 1);
  int written = 0;
  must(EVP_EncryptUpdate(c.context, nullptr, &written, in(associated), static_cast<int>(associated.size())) == 1);
  Octets out(plain.size() + kTagSize);
  must(EVP_EncryptUpdate(c.context, in(out), &written, in(plain), static_cast<int>(plain.size())) == 1);
  must(EVP_EncryptFinal_ex(c.context, in(out, plain.size()), &written) == 1);
  must(EVP_CIPHER_CTX_ctrl(c.context, EVP_CTRL_GCM_GET_TAG, kTagSize, in(out, plain.size())) == 1);
  return out;
}

Octets seal_rtp(SrtpProfile profile, const SrtpMaster& master, Bytes packet, uint32_t roll_over) {
  const Session session = session_of(profile, master, kRtpKey, kRtpAuth, kRtpSalt);
  const auto header = media::parse_rtp_header(packet).value();
  Octets sealed(packet.begin(), packet.end());
  const Bytes plain = packet.subspan(header.header_size);
  if (is_gcm(profile)) {  // RFC 7714 section 8.1
    Octets nonce(12);
    write_u32(&nonce[2], header.ssrc);
    write_u32(&nonce[6], roll_over);
    write_u16(&nonce[10], header.sequence);
    for (size_t i = 0; i < 12; ++i) nonce[i] ^= session.salt[i];
    const Octets text = gcm_seal(session.key, nonce, packet.first(header.header_size), plain);
    sealed.resize(header.header_size);
    sealed.insert(sealed.end(), text.begin(), text.end());
    return sealed;
  }
  const uint64_t index = (uint64_t{roll_over} << 16) | header.sequence;
  apply_cm(session, header.ssrc, index, MutableBytes{sealed}.subspan(header.header_size));
  std::array<std::byte, 4> counter{};
  write_u32(counter.data(), roll_over);
  const auto tag = crypto::hmac_sha1(session.auth, {sealed, counter});
  sealed.insert(sealed.end(), tag.begin(), tag.begin() + static_cast<std::ptrdiff_t>(media::sizes_of(profile).rtp_tag));
  return sealed;
}

Octets seal_rtcp(SrtpProfile profile, const SrtpMaster& master, Bytes packet, uint32_t index) {
  const Session session = session_of(profile, master, kRtcpKey, kRtcpAuth, kRtcpSalt);
  const uint32_t ssrc = read_u32(&packet[4]);
  std::array<std::byte, 4> trailer{};
  write_u32(trailer.data(), 0x80000000U | index);
  Octets sealed(packet.begin(), packet.end());
  if (is_gcm(profile)) {  // RFC 7714 section 9.1
    Octets nonce(12);
    write_u32(&nonce[2], ssrc);
    write_u32(&nonce[8], index);
    for (size_t i = 0; i < 12; ++i) nonce[i] ^= session.salt[i];
    Octets associated(packet.begin(), packet.begin() + 8);
    associated.insert(associated.end(), trailer.begin(), trailer.end());
    const Octets text = gcm_seal(session.key, nonce, associated, packet.subspan(8));
    sealed.resize(8);
    sealed.insert(sealed.end(), text.begin(), text.end());
    sealed.insert(sealed.end(), trailer.begin(), trailer.end());
    return sealed;
  }
  apply_cm(session, ssrc, index, MutableBytes{sealed}.subspan(8));
  sealed.insert(sealed.end(), trailer.begin(), trailer.end());
  const auto tag = crypto::hmac_sha1(session.auth, {sealed});
  sealed.insert(sealed.end(), tag.begin(),
                tag.begin() + static_cast<std::ptrdiff_t>(media::sizes_of(profile).rtcp_tag));
  return sealed;
}

}  // namespace isthmus::test
