// SPDX-License-Identifier: MIT
#include "bench/peers/peer.hpp"

// libre's headers come last: they lean on what is included before, and define names that the standard library uses.
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
extern "C" {
#include <re.h>
}

namespace isthmus::bench {
namespace {

std::string_view view(const pl& text) {
  return {text.p, text.l};
}

class Libre : public Peer {
 public:
  ~Libre() override { release(); }
  std::string_view name() const override { return "libre"; }

  bool route(std::string_view bytes, Fields& fields) override {
    mbuf* buffer = mbuf_alloc(bytes.size());
    mbuf_write_mem(buffer, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    mbuf_set_pos(buffer, 0);
    const int error = sip_msg_decode(&message_, buffer);
    mem_deref(buffer);
    if (error != 0) return false;
    if (message_->req) {
      fields.method = view(message_->met);
      fields.uri_user = view(message_->uri.user);
      fields.uri_host = view(message_->uri.host);
      fields.uri_port = message_->uri.port;
    } else {
      fields.status = message_->scode;
    }
    const sip_via& via = message_->via;
    const std::string_view value = view(via.val);
    const size_t at = value.find("2.0/") + 4;
    fields.transport = value.substr(at, value.find(' ', at) - at);
    const std::string_view sent_by = view(via.sentby);
    const size_t colon = sent_by.rfind(':');
    fields.sent_by = sent_by.substr(0, colon);
    fields.sent_by_port = colon == std::string_view::npos ? 0 : port_of(sent_by.substr(colon + 1));
    fields.branch = view(via.branch);
    fields.received = param(via.params, "received");
    fields.rport = param(via.params, "rport");
    fields.from_tag = view(message_->from.tag);
    fields.to_tag = view(message_->to.tag);
    fields.call_id = view(message_->callid);
    fields.cseq = message_->cseq.num;
    fields.cseq_method = view(message_->cseq.met);
    fields.max_forwards = pl_isset(&message_->maxfwd) ? static_cast<int>(pl_u32(&message_->maxfwd)) : -1;
    fields.content_length = pl_u32(&message_->clen);
    fields.body_size = mbuf_get_left(message_->mb);
    return true;
  }

  bool full(std::string_view bytes, size_t& sum) override {
    Fields fields;
    if (!route(bytes, fields)) return false;
    sum = fields.body_size;
    for (le* at = list_head(&message_->hdrl); at != nullptr; at = at->next) {
      const auto* header = static_cast<const sip_hdr*>(at->data);
      if (header->id == SIP_HDR_VIA) {
        sip_via via;
        if (sip_via_decode(&via, &header->val) != 0) return false;
        ++sum;
      } else if (is_address(header->id)) {
        sip_addr address;
        if (sip_addr_decode(&address, &header->val) != 0) return false;
        sum += address.uri.host.l;
      }
    }
    return true;
  }

  void release() override { message_ = static_cast<sip_msg*>(mem_deref(message_)); }

  bool respond(std::string& out) override {
    mbuf* buffer = mbuf_alloc(1024);
    int error = mbuf_printf(buffer, "SIP/2.0 200 OK\r\n");
    for (le* at = list_head(&message_->hdrl); at != nullptr; at = at->next) {
      const auto* header = static_cast<const sip_hdr*>(at->data);
      if (header->id == SIP_HDR_VIA || header->id == SIP_HDR_RECORD_ROUTE || header->id == SIP_HDR_FROM ||
          header->id == SIP_HDR_CALL_ID || header->id == SIP_HDR_CSEQ) {
        error |= mbuf_printf(buffer, "%r: %r\r\n", &header->name, &header->val);
      } else if (header->id == SIP_HDR_TO) {
        error |=
            mbuf_printf(buffer, "%r: %r%s%s\r\n", &header->name, &header->val,
                        pl_isset(&message_->to.tag) ? "" : ";tag=", pl_isset(&message_->to.tag) ? "" : kToTag.data());
      }
    }
    error |= mbuf_printf(buffer, "Contact: %s\r\nContent-Length: 0\r\n\r\n", kContact.data());
    out.assign(reinterpret_cast<const char*>(buffer->buf), buffer->end);
    mem_deref(buffer);
    return error == 0;
  }

 private:
  static unsigned port_of(std::string_view digits) {
    unsigned port = 0;
    for (const char c : digits) port = port * 10 + static_cast<unsigned>(c - '0');
    return port;
  }
  static std::string_view param(const pl& params, const char* name) {
    pl value{nullptr, 0};
    return msg_param_decode(&params, name, &value) == 0 ? view(value) : std::string_view{};
  }
  static bool is_address(sip_hdrid id) {
    return id == SIP_HDR_CONTACT || id == SIP_HDR_ROUTE || id == SIP_HDR_RECORD_ROUTE ||
           id == SIP_HDR_P_ASSERTED_IDENTITY;
  }

  sip_msg* message_ = nullptr;
};

}  // namespace

std::unique_ptr<Peer> make_libre() {
  return std::make_unique<Libre>();
}

}  // namespace isthmus::bench
