# SPDX-License-Identifier: MIT
"""SIPp scenarios, put together from steps. A caller and a callee are written in the order in which they send and wait; everything they do not
expect makes the call, and with it SIPp's exit status, a failure."""

SDP = """Content-Type: application/sdp
Content-Length: [len]

v=0
o=sipp 5 {version} IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0 8 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a={direction}
"""
NO_BODY = "Content-Length: 0\n"
IN_DIALOG_OK = "SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n"
CONTACT = "Contact: <sip:{user}@[local_ip]:[local_port];transport=[transport]>\n"


class Scenario:
    """Steps of one side; `xml()` when all are there. Each step of SIPp has a number: an ACK or CANCEL finds the branch of its INVITE by it."""

    def __init__(self, name):
        self._name = name
        self._steps = []
        self._variables = []

    def xml(self):
        known = f'<Reference variables="{",".join(self._variables)}"/>' if self._variables else ""
        steps = "\n".join(self._steps)
        return f'<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="{self._name}">\n{steps}\n{known}\n</scenario>\n'

    def pause(self, milliseconds):
        return self._add(f'<pause milliseconds="{milliseconds}"/>')

    def speak(self, path):
        """From now to the end of the call the samples of a file, G.711 for payload type 0, again and again, one packet each 20 ms."""
        return self._add(f'<nop><action><exec rtp_stream="{path},-1,0"/></action></nop>')

    def _send(self, text, retransmit=False):
        # A text without the blank line after its headers gets one.
        body = "\n".join(text.strip("\n").splitlines())
        separator = "\n" if "\n\n" in body else "\n\n"
        return self._add(f'<send{" retrans=" + chr(34) + "500" + chr(34) if retransmit else ""}><![CDATA[\n{body}{separator}]]></send>')

    def _receive(self, what, checks=(), optional=False, keep=(), keep_lines=(), **attributes):
        """`checks`: (where, regular expression) that must be found. `keep`: (header, expression, variable). `keep_lines`: (first header, header after
        the last, variable)."""
        written = "".join(f' {name}="{value}"' for name, value in attributes.items())
        actions = ""
        for where, expression in checks:
            variable = f"check{len(self._variables)}"
            self._variables.append(variable)
            place = 'search_in="body"' if where == "body" else f'search_in="hdr" header="{where}:"' if where else 'search_in="msg"'
            actions += f'<ereg regexp="{expression}" {place} check_it="true" assign_to="{variable}"/>'
        for header, expression, variable in keep:
            self._variables.append(variable)
            actions += f'<ereg regexp="{expression}" search_in="hdr" header="{header}:" check_it="true" assign_to="{variable}"/>'
        for first, after, variable in keep_lines:
            whole = f"whole_{variable}"
            self._variables += (whole, variable)
            expression = f"({first}:.*[^[:space:]])[[:space:]]+{after}:"
            actions += f'<ereg regexp="{expression}" search_in="msg" check_it="true" assign_to="{whole},{variable}"/>'
        inside = f"<action>{actions}</action>" if actions else ""
        return self._add(f'<recv {what}{written}{" optional=" + chr(34) + "true" + chr(34) if optional else ""}>{inside}</recv>')

    def _repeated(self, what):
        """Any number of repeats of what was answered already, on a machine that stalls for longer than T1. SIPp knows them by itself only until it
        has sent two messages in a row."""
        label = len(self._steps) + 1
        self._add(f'<label id="{label}"/>')
        return self._receive(what, optional=True, next=label)

    def _add(self, step):
        self._steps.append(step)
        return self


class Caller(Scenario):
    """`number` is dialled by `user`. Requests after the first go to what the other side wrote as Contact."""

    def __init__(self, name, number="100", user="caller"):
        super().__init__(name)
        self._number, self._user = number, user
        self._invite_step = 0
        self._cseq = 0
        self._version = 0

    def invite(self, direction="sendrecv"):
        again = self._cseq > 0
        self._cseq += 1
        self._version += 1
        self._invite_step = len(self._steps)
        return self._send(
            self._request("INVITE", again) + CONTACT.format(user=self._user) + SDP.format(version=self._version, direction=direction), retransmit=True
        )

    def answered(self, code, *checks, optional=False):
        return self._receive(f'response="{code}"', checks, optional=optional, **({"rrs": "true"} if code == 200 else {}))

    def ack(self):
        return self._send(self._request("ACK", True) + NO_BODY)

    def ack_refusal(self):
        return self._send(self._request("ACK", False, self._invite_branch()) + NO_BODY)

    def cancel(self):
        return self._send(self._request("CANCEL", False, self._invite_branch(), tag="") + NO_BODY, retransmit=True)

    def bye(self):
        self._cseq += 1
        self._send(self._request("BYE", True) + NO_BODY, retransmit=True)
        return self._receive('response="200"')

    def hung_up(self):
        self._receive('request="BYE"')
        return self._send(IN_DIALOG_OK + NO_BODY)

    def options(self):
        """In the dialog, RFC 3261 11."""
        self._cseq += 1
        self._send(self._request("OPTIONS", True) + NO_BODY, retransmit=True)
        return self._receive('response="200"')

    def reinvited(self, direction, *checks):
        """The other side asks to change the session and gets it, up to its ACK."""
        self._version += 1
        self._receive('request="INVITE"', checks)
        self._send(IN_DIALOG_OK + CONTACT.format(user=self._user) + SDP.format(version=self._version, direction=direction), retransmit=True)
        return self._repeated('request="INVITE"')._receive('request="ACK"')

    def _invite_branch(self):
        return f"[branch-{len(self._steps) - self._invite_step}]"

    def _request(self, method, in_dialog, branch="[branch]", tag="[peer_tag_param]"):
        target = "[next_url]" if in_dialog else f"sip:{self._number}@[remote_ip]:[remote_port]"
        return (
            f"{method} {target} SIP/2.0\n"
            f"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}\n"
            f"From: <sip:{self._user}@[local_ip]:[local_port]>;tag=[pid]A[call_number]\n"
            f"To: <sip:{self._number}@[remote_ip]:[remote_port]>{'' if method == 'INVITE' and not in_dialog else tag}\n"
            f"Call-ID: [call_id]\nCSeq: {self._cseq} {method}\nMax-Forwards: 70\n{'[routes]' + chr(10) if in_dialog else ''}"
        )


class Callee(Scenario):
    def __init__(self, name, user="callee"):
        super().__init__(name)
        self._user = user
        self._tagged = False
        self._version = 0
        self._cseq = 0

    def invited(self, *checks, keep_route=False):
        """`keep_route`: for a 200 that does not follow its INVITE; there must be a Record-Route then."""
        if self._tagged:
            return self._receive('request="INVITE"', checks)
        kept = (("From", ".*", "remote"), ("To", ".*", "local"), ("CSeq", "[0-9]+", "number"))
        lines = (("Record-Route" if keep_route else "Via", "Max-Forwards", "vias"),)
        return self._receive('request="INVITE"', checks, keep=kept, keep_lines=lines, rrs="true")

    def ring(self):
        return self._send(self._answer("180 Ringing") + CONTACT.format(user=self._user) + NO_BODY)

    def accept(self, direction="sendrecv"):
        self._version += 1
        answer = self._answer("200 OK") + CONTACT.format(user=self._user)
        self._tagged = True
        return self._send(answer + SDP.format(version=self._version, direction=direction), retransmit=True)

    def acknowledged(self, answered="INVITE"):
        return self._repeated(f'request="{answered}"')._receive('request="ACK"')

    def refuse(self, code, reason):
        self._send(self._answer(f"{code} {reason}") + NO_BODY, retransmit=True)
        return self.acknowledged()

    def cancelled(self):
        """200 for the CANCEL, which has the first Via of its INVITE alone; 487 for the INVITE."""
        self._receive('request="CANCEL"')
        self._send(self._answer("200 OK") + NO_BODY)
        self._send(self._answer_to_the_invite("487 Request Terminated") + NO_BODY, retransmit=True)
        return self.acknowledged("CANCEL")

    def hung_up(self):
        self._receive('request="BYE"')
        self._tagged = True
        return self._send(self._answer("200 OK") + NO_BODY)

    def cancelled_too_late(self):
        """The CANCEL has met the 200, which is sent now all the same (RFC 3261 9.2)."""
        self._receive('request="CANCEL"')
        self._send(self._answer("200 OK") + NO_BODY)
        self._version += 1
        answer = self._answer_to_the_invite("200 OK")
        self._tagged = True
        body = CONTACT.format(user=self._user) + SDP.format(version=self._version, direction="sendrecv")
        return self._send(answer + body, retransmit=True).acknowledged("CANCEL")

    def bye(self):
        self._cseq += 1
        self._send(self._request("BYE") + NO_BODY, retransmit=True)
        return self._receive('response="200"')

    def reinvite(self, direction, *checks):
        """It asks to change the session, up to its ACK."""
        self._cseq += 1
        self._version += 1
        self._send(
            self._request("INVITE") + CONTACT.format(user=self._user) + SDP.format(version=self._version, direction=direction), retransmit=True
        )
        self._receive('response="100"', optional=True)
        self._receive('response="200"', checks)
        self._send(self._request("ACK") + NO_BODY)
        return self

    def _request(self, method):
        return (
            f"{method} [next_url] SIP/2.0\n"
            "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
            "From:[$local];tag=[pid]B[call_number]\n"
            "To:[$remote]\n"
            f"Call-ID: [call_id]\nCSeq: {self._cseq} {method}\nMax-Forwards: 70\n[routes]\n"
        )

    def _answer(self, status):
        tag = "" if self._tagged else ";tag=[pid]B[call_number]"
        return f"SIP/2.0 {status}\n[last_Via:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n[last_CSeq:]\n[last_Record-Route:]\n"

    def _answer_to_the_invite(self, status):
        """When something else came after it."""
        return self._answer(status).replace("[last_Via:]", "[$vias]").replace("[last_CSeq:]", "CSeq: [$number] INVITE")


class Registration(Scenario):
    """A phone of an account that comes, refreshes and goes. This SIPp knows MD5 alone and cannot choose among
    challenges: it says that it is a phone that is offered one (trap 27)."""

    def __init__(self, name, user, password):
        super().__init__(name)
        self._user, self._password = user, password
        self._cseq = 0

    def register(self, expires, challenged=True):
        """A stream that has shown the password once is not asked again."""
        if challenged:
            self._request(expires, "")
            self._receive('response="401"', auth="true")
        self._request(expires, f"[authentication username={self._user} password={self._password}]\n" if challenged else "")
        if challenged:
            self._repeated('response="401"')
        return self._receive('response="200"')

    def _request(self, expires, credentials):
        self._cseq += 1
        return self._send(
            "REGISTER sip:[remote_ip]:[remote_port] SIP/2.0\n"
            "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
            f"From: <sip:{self._user}@[remote_ip]>;tag=[pid]R[call_number]\n"
            f"To: <sip:{self._user}@[remote_ip]>\n"
            f"Call-ID: [call_id]\nCSeq: {self._cseq} REGISTER\nMax-Forwards: 70\nUser-Agent: baresip v1.0.0\n"
            f"Contact: <sip:{self._user}-[call_number]@[local_ip]:[local_port];transport=[transport]>\nExpires: {expires}\n{credentials}" + NO_BODY,
            retransmit=True,
        )


def cancelling(name, **options):
    """A caller that gives up while it rings."""
    return Caller(name, **options).invite().answered(100).answered(180).cancel().answered(200).answered(487).ack_refusal()


def hearing_busy(name, **options):
    return Caller(name, **options).invite().answered(100).answered(180, optional=True).answered(486).ack_refusal()


def ringing_twice(name, **options):
    """A caller who may hear of both branches of a fork that it rings."""
    return Caller(name, **options).invite().answered(100).answered(180).answered(180, optional=True).answered(200).ack()


def calling(name, **options):
    """A caller up to the ACK of the 200: 100 and 180 come, in this order."""
    return Caller(name, **options).invite().answered(100).answered(180).answered(200, ("body", "m=audio [0-9]+ RTP/AVP")).ack()


def called(name):
    """A callee that rings and accepts, up to the ACK."""
    return Callee(name).invited(("body", "m=audio [0-9]+ RTP/AVP")).ring().accept().acknowledged()


TALK_MS = 200


def pairs(number="100"):
    """A caller of that number, and its callee."""
    return {
        "basic": (calling("caller", number=number).pause(TALK_MS).bye(), called("callee").hung_up()),
        "hung_up_by_callee": (calling("caller", number=number).hung_up(), called("callee").pause(TALK_MS).bye()),
        "busy": (
            hearing_busy("caller", number=number),
            Callee("callee").invited().ring().refuse(486, "Busy Here"),
        ),
        "cancel": (
            cancelling("caller", number=number),
            Callee("callee").invited().ring().cancelled(),
        ),
        # Hold and back: the new direction reaches the other side, and the answer says the mirror of it (RFC 3264 8.4).
        "reinvite": (
            calling("caller", number=number).invite("sendonly").answered(100, optional=True).answered(200, ("body", "a=recvonly")).ack()
            .invite("sendrecv").answered(100, optional=True).answered(200, ("body", "a=sendrecv")).ack().bye(),
            called("callee").invited(("body", "a=sendonly")).accept("recvonly").acknowledged()
            .invited(("body", "a=sendrecv")).accept().acknowledged().hung_up(),
        ),
        # E1, asked for by the callee.
        "reinvite_of_callee": (
            calling("caller", number=number).reinvited("recvonly", ("body", "a=sendonly")).reinvited("sendrecv", ("body", "a=sendrecv")).bye(),
            called("callee").reinvite("sendonly", ("body", "a=recvonly")).reinvite("sendrecv", ("body", "a=sendrecv")).hung_up(),
        ),
        # Long enough that all are up at once.
        "many": (calling("caller", number=number).pause(3000).bye(), called("callee").hung_up()),
        "short": (calling("caller", number=number).bye(), called("callee").hung_up()),
    }  # fmt: skip


PAIRS = pairs()
