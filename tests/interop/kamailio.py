# SPDX-License-Identifier: MIT
"""Kamailio, a proxy that we did not write: record-routing, with a digest for whoever comes from the gateway, a registrar of its own, a fork. It
writes down each request and each reply that it sees, with the Routes that are left in it."""

import os
import pathlib
import re
import tempfile

from bed import Program, wait_until

PROXY = "127.0.0.3"
REALM, USER, PASSWORD = "carrier.example", "gateway", "password-of-the-gateway"
# Longer than a busy machine needs for a 100, and how long a dead branch is waited for.
FR_TIMER_MS = 2000
# The user parts that it knows, beside those that register.
OVER_UDP, OVER_TCP, FORKED, DEAD = "100", "101", "102", "103"

CONFIG = """#!KAMAILIO
debug=2
log_stderror=yes
# One worker each: two would overtake each other, and an INVITE its ACK.
children=1
tcp_children=1
auto_aliases=no
dns=no
rev_dns=no
tcp_source_ipv4={proxy}
listen=udp:{proxy}:{port}
listen=tcp:{proxy}:{port}

loadmodule "kex.so"
loadmodule "corex.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "dispatcher.so"
{hiding}
modparam("tm", "fr_timer", {fr_timer})
modparam("auth", "algorithm", "{algorithm}")
modparam("auth", "nonce_count", 1)
modparam("auth", "nonce_expire", {nonce_expire})
modparam("auth", "qop", "auth")
modparam("dispatcher", "list_file", "{folder}/gateways")
modparam("dispatcher", "ds_ping_interval", 1)
modparam("dispatcher", "ds_ping_from", "sip:ping@{proxy}")
modparam("dispatcher", "ds_probing_mode", 1)
modparam("dispatcher", "ds_inactive_threshold", 1)

request_route {{
  xlog("L_NOTICE", "REQUEST $rm $cs from $proto:$si to $ru tag=$tt routes=$hdr(Route)\\n");
  if (!mf_process_maxfwd_header("70")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
  if (is_method("CANCEL")) {{
    if (t_check_trans()) t_relay();
    else xlog("L_NOTICE", "STRAY CANCEL\\n");
    exit;
  }}
  if (has_totag()) {{
    # The ACK of a challenge within a dialog ends here: it has the Route of its INVITE.
    if (is_method("ACK")) t_check_trans();
    if (loose_route()) {{
      if ({strict} && {from_gateway} && !is_method("ACK")) {{
        if (!t_newtran()) exit;
        route(CHALLENGE);
      }}
      route(RELAY);
      exit;
    }}
    if (is_method("ACK") && t_check_trans()) exit;
    xlog("L_NOTICE", "STRAY $rm\\n");
    if (!is_method("ACK")) sl_send_reply("404", "No Route");
    exit;
  }}
  t_check_trans();
  if (is_method("REGISTER")) {{ save("location"); exit; }}
  record_route();
  if (!{from_gateway}) {{
    if (!ds_select_dst("1", "4")) {{ sl_send_reply("503", "No Gateway"); exit; }}
    $ru = "sip:" + $rU + "@{gateway}:{gateway_port}{parameters}";
    route(RELAY);
    exit;
  }}
  route(CHALLENGE);
  switch ($rU) {{
    case "{over_udp}": $ru = "sip:{over_udp}@{behind}:{first}"; break;
    case "{over_tcp}": $ru = "sip:{over_tcp}@{behind}:{first};transport=tcp"; break;
    case "{forked}": $ru = "sip:a@{behind}:{first}"; append_branch("sip:b@{behind}:{second}"); break;
    case "{dead}": $ru = "sip:{dead}@{behind}:{silent}"; break;
    default: if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
  }}
  route(RELAY);
}}

route[CHALLENGE] {{
  if (!pv_auth_check("{realm}", "{password}", "0", "0")) {{
    xlog("L_NOTICE", "CHALLENGED $rm\\n");
    auth_challenge("{realm}", "1");
    exit;
  }}
  xlog("L_NOTICE", "AUTHENTICATED $rm as $au\\n");
  consume_credentials();
}}

route[RELAY] {{
  t_on_reply("SEEN");
  if (!t_relay()) sl_reply_error();
}}

onreply_route[SEEN] {{ xlog("L_NOTICE", "REPLY $rs $cs $rm from $proto:$si\\n"); }}
event_route[dispatcher:dst-up] {{ xlog("L_NOTICE", "GATEWAY UP\\n"); }}
event_route[dispatcher:dst-down] {{ xlog("L_NOTICE", "GATEWAY DOWN\\n"); }}
"""
HIDING = """loadmodule "topoh.so"
modparam("topoh", "mask_key", "some-key")
modparam("topoh", "mask_ip", "127.0.0.8")
"""
# Inactive at first: it is used once it has answered an OPTIONS, and for as long as it answers one each second.
GATEWAYS = "1 sip:{gateway}:{gateway_port}{parameters} 1\n"


class Kamailio:
    """In front of `gateway`, which it reaches over `transport`; behind it `ports`: (callee over UDP and TCP, second branch, silent one) at the
    address `behind`. `strict`: requests in dialogs are challenged, too, and a nonce is good for a second. `hiding`: with topoh, which masks Via,
    Contact and Record-Route."""

    def __init__(self, gateway, port, ports, behind, transport="udp", algorithm="MD5", strict=False, hiding=False):
        self._folder = tempfile.TemporaryDirectory(prefix="isthmus-kamailio-")
        self.address = f"{PROXY}:{port}"
        self.marked = 0
        path = pathlib.Path(self._folder.name)
        words = {
            "proxy": PROXY, "port": port, "folder": path, "gateway": gateway.host, "gateway_port": gateway.port, "behind": behind,
            "parameters": ";transport=tcp" if transport == "tcp" else "", "algorithm": algorithm, "strict": "1==1" if strict else "1==0",
            "nonce_expire": 1 if strict else 300, "hiding": HIDING if hiding else "", "fr_timer": FR_TIMER_MS,
            "realm": REALM, "password": PASSWORD, "over_udp": OVER_UDP, "over_tcp": OVER_TCP, "forked": FORKED, "dead": DEAD,
            "first": ports[0], "second": ports[1], "silent": ports[2],
            # Its TCP connections come from what the kernel chooses.
            "from_gateway": f'($si == "{gateway.host}" || ($proto == "tcp" && $si == "127.0.0.1"))',
        }  # fmt: skip
        (path / "kamailio.cfg").write_text(CONFIG.format(**words))
        (path / "gateways").write_text(GATEWAYS.format(**words))
        # -DD: in the foreground, with its worker processes, which end with it.
        self.program = Program(["kamailio", "-DD", "-E", "-m", "32", "-M", "4", "-f", str(path / "kamailio.cfg"), "-w", str(path), "-Y", str(path)])
        try:
            self.program.line("GATEWAY UP")
        except AssertionError:
            self.stop()
            raise

    def mark(self):
        """`seen` looks from here on."""
        self.marked = len(self.program.lines)

    def seen(self, pattern):
        """The lines since the mark in which the pattern is found."""
        return [line for line in self.program.lines[self.marked :] if re.search(pattern, line)]

    def report(self):
        return "\n".join(self.program.lines[self.marked :][-200:])

    def stop(self):
        """SIGTERM; its workers are gone, too."""
        children = pathlib.Path(f"/proc/{self.program.pid}/task/{self.program.pid}/children")
        workers = children.read_text().split() if children.exists() else []
        self.program.end()
        self._folder.cleanup()
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers), f"no worker of Kamailio is left of {workers}", 5)
