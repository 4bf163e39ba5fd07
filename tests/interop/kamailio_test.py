# SPDX-License-Identifier: MIT
"""Calls through Kamailio as the proxy of a carrier: out to it with credentials, in from it by its address, along its Route in both directions and
over a change of transport, to branches that it forks, and with its own refusals. Kamailio counts what came by another way than its Route."""

import contextlib
import socket
import unittest

from bed import Gateway, free_port, refused_rtp_ports, wait_until
from kamailio import DEAD, FORKED, OVER_TCP, OVER_UDP, PASSWORD, PROXY, REALM, USER, Kamailio
from phone import SHARE, Phone
from scenarios import TALK_MS, Callee, Caller, called, calling, pairs, ringing_twice
from sipp import END_OF_CALLS, Sipp

# Each party has an address of its own, the proxy too. baresip has the one from which the kernel sends what is bound to none: its RTP.
PHONES, GATEWAY, CALLERS, BEHIND = "127.0.0.1", "127.0.0.2", "127.0.0.4", "127.0.0.5"
BOB_HZ, KATE_HZ = 600, 1000
TALK_PACKETS = 2 * 50 * 2.5
STALE_MS = 2500  # a nonce of a second is surely stale then

CONFIG = f"""
[[account]]
name = "bob"
password = "bobs-password"
[[trunk]]
name = "callers"
sources = ["{CALLERS}/32"]
[[trunk]]
name = "carrier"
sources = ["{PROXY}/32"]
numbers = ["100-103", "199", "kate"]
host = "{PROXY}"
port = {{port}}
transport = "{{transport}}"
user = "{USER}"
password = "{PASSWORD}"
realm = "{REALM}"
"""


class Bed:
    """A gateway and a Kamailio in front of it. After each test there is nothing live, at the end nothing at all."""

    transport, algorithm, strict, hiding = "udp", "MD5", False, False

    @classmethod
    def setUpClass(cls):
        port = free_port()
        cls.callee, cls.second = free_port(), free_port()
        # Its datagrams are never read.
        silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        cls.addClassCleanup(silent.close)
        silent.bind((BEHIND, 0))
        cls.gateway = Gateway(CONFIG.format(port=port, transport=cls.transport), GATEWAY)
        cls.addClassCleanup(cls.gateway.stop)
        cls.descriptors, cls.sockets = cls.gateway.descriptors(), cls.gateway.udp_sockets()
        ports = cls.callee, cls.second, silent.getsockname()[1]
        cls.proxy = Kamailio(cls.gateway, port, ports, BEHIND, cls.transport, cls.algorithm, cls.strict, cls.hiding)
        cls.addClassCleanup(cls.proxy.stop)

    @classmethod
    def tearDownClass(cls):
        down = [line for line in cls.proxy.program.lines if "GATEWAY DOWN" in line]
        assert down == [], "the OPTIONS of each second is answered"
        cls.proxy.stop()
        cls.gateway.wait_nothing_left()
        wait_until(lambda: cls.gateway.descriptors() == cls.descriptors, lambda: f"{cls.descriptors} descriptors, not {cls.gateway.descriptors()}", 5)
        assert cls.gateway.udp_sockets() == cls.sockets, cls.gateway.udp_sockets() - cls.sockets
        assert refused_rtp_ports(GATEWAY) == []
        status = cls.gateway.stop()
        assert status == 0, f"the gateway ended with {status}: {cls.gateway.program.lines}"

    def setUp(self):
        self.proxy.mark()

    def run_sides(self, caller, *callees, callee_transport="udp"):
        """Caller and callees, each written as a scenario: all must be content, nothing may have left the Route, and nothing live is left."""
        sides = []
        try:
            for callee, port in zip(callees, (self.callee, self.second)):
                sides.append(Sipp(callee, port, address=BEHIND, transport=callee_transport))
                sides[-1].wait_ready()
            sides.append(Sipp(caller, free_port(), to=self.gateway.sip, address=CALLERS))
            sides[-1].finish()
            for each in sides[:-1]:
                each.finish(END_OF_CALLS)
            self.gateway.wait_nothing_live()
            assert self.proxy.seen("STRAY") == [], self.proxy.seen("STRAY")
        except AssertionError as error:
            told = "\n--- the other side\n".join(each.report() for each in sides[:-1])
            raise AssertionError(f"{error}\n--- callees\n{told}\n--- Kamailio\n{self.proxy.report()}") from None
        finally:
            for each in sides:
                each.stop()

    def call_out(self, pair, number):
        self.run_sides(*pairs(number)[pair], callee_transport="tcp" if number == OVER_TCP else "udp")
        self.assertEqual(len(self.proxy.seen("CHALLENGED INVITE")), 1, self.proxy.report())


class Out(Bed):
    """Calls to numbers of the carrier. 100 stands behind it on UDP, 101 on TCP."""

    # F2, RFC 3261 22.3: the challenge is answered; 12.2.1.1: ACK and BYE go along its Route.
    def test_the_caller_hangs_up(self):
        for number in (OVER_UDP, OVER_TCP):
            with self.subTest(number):
                self.proxy.mark()
                self.call_out("basic", number)
                self.assertEqual(len(self.proxy.seen("REQUEST ACK .* routes=<sip:")), 1, self.proxy.report())
                self.assertEqual(len(self.proxy.seen("REQUEST BYE .* routes=<sip:")), 1, self.proxy.report())

    def test_the_callee_hangs_up(self):
        for number in (OVER_UDP, OVER_TCP):
            with self.subTest(number):
                self.proxy.mark()
                self.call_out("hung_up_by_callee", number)

    # E1 both ways.
    def test_hold_by_either_side(self):
        for number in (OVER_UDP, OVER_TCP):
            for pair in ("reinvite", "reinvite_of_callee"):
                with self.subTest(pair, number=number):
                    self.proxy.mark()
                    self.call_out(pair, number)

    # C1: the CANCEL has the branch of the INVITE that carried the credentials (RFC 3261 9.1).
    def test_cancel_while_ringing(self):
        for number in (OVER_UDP, OVER_TCP):
            with self.subTest(number):
                self.proxy.mark()
                self.call_out("cancel", number)
                self.assertEqual(len(self.proxy.seen("REPLY 487")), 1, self.proxy.report())
                self.assertEqual(len(self.proxy.seen("REQUEST ACK")), 1, "of the 487, to the proxy; the one of the 407 is not written down")

    def test_busy(self):
        self.call_out("busy", OVER_UDP)


class MoreOut(Out):
    def refused(self, number, code, *callees):
        caller = Caller("caller", number=number).invite().answered(100).answered(180, optional=True).answered(code).ack_refusal()
        self.run_sides(caller, *callees)

    def test_the_callee_is_unknown(self):
        self.refused(OVER_UDP, 404, Callee("callee").invited().refuse(404, "Not Found"))

    def test_the_proxy_knows_no_such_number(self):
        self.refused("199", 404)

    def test_the_callee_is_overloaded(self):
        """RFC 3261 16.7: a proxy does not pass a 503 on, Kamailio makes a 500 of it."""
        self.refused(OVER_UDP, 500, Callee("callee").invited().refuse(503, "Service Unavailable"))
        self.assertEqual(len(self.proxy.seen("REPLY 503")), 1, self.proxy.report())

    def test_a_dead_callee_is_the_408_of_the_proxy(self):
        self.refused(DEAD, 408)

    # D4: two early dialogs, one of them becomes the call. The other is cancelled by the proxy and hears nothing from the gateway.
    def test_two_branches_one_answers(self):
        first = Callee("first").invited().ring().pause(TALK_MS).accept().acknowledged().hung_up()
        second = Callee("second").invited().ring().cancelled()
        self.run_sides(ringing_twice("caller", number=FORKED).pause(TALK_MS).bye(), first, second)

    # D4, trap 13: the second 200 gets its ACK and its BYE, the call lives on.
    def test_two_branches_answer(self):
        first = Callee("first").invited().ring().pause(TALK_MS).accept().acknowledged().hung_up()
        second = Callee("second").invited(keep_route=True).ring().cancelled_too_late().hung_up()
        self.run_sides(ringing_twice("caller", number=FORKED).pause(2000).bye(), first, second)
        self.assertEqual(len(self.proxy.seen("REPLY 200 .* INVITE")), 2, self.proxy.report())
        self.assertEqual(len(self.proxy.seen("REQUEST BYE")), 2, self.proxy.report())


class OutOverUdp(MoreOut, unittest.TestCase):
    pass


class OutOverTcp(MoreOut, unittest.TestCase):
    """And the other digest."""

    transport, algorithm = "tcp", "SHA-256"


class OutToAStrictProxy(Out, unittest.TestCase):
    """RFC 3261 22.3: requests in a dialog need credentials, too, and a nonce is good for a second."""

    strict = True

    # F2; RFC 7616 3.3: stale means the same password with the new nonce.
    def test_reinvite_and_bye_are_challenged_anew(self):
        caller = calling("caller", number=OVER_UDP).pause(STALE_MS).invite("sendonly").answered(100, optional=True)
        caller.answered(200, ("body", "a=recvonly")).ack().pause(STALE_MS).bye()
        callee = called("callee").invited(("body", "a=sendonly")).accept("recvonly").acknowledged().hung_up()
        self.run_sides(caller, callee)
        for method, times in (("INVITE", 2), ("BYE", 1)):
            for verb in ("CHALLENGED", "AUTHENTICATED"):
                self.assertEqual(len(self.proxy.seen(f"{verb} {method}")), times, self.proxy.report())


class OutToAProxyThatHides(Out, unittest.TestCase):
    """topoh: Via, Contact and Record-Route are masked on both sides."""

    hiding = True


class Phones(Bed):
    """baresip registered here, and one registered at Kamailio: sound both ways."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bob = Phone("bob", "bobs-password", cls.gateway.sip, BOB_HZ, PHONES)
        cls.addClassCleanup(cls.bob.close)
        cls.kate = Phone("kate", "any", cls.proxy.address, KATE_HZ, PHONES)
        cls.addClassCleanup(cls.kate.close)

    @classmethod
    def tearDownClass(cls):
        cls.bob.close()
        cls.kate.close()
        super().tearDownClass()

    def talk(self):
        relayed = self.gateway.metrics()["isthmus_media_relayed_total"]
        wait_until(lambda: self.gateway.metrics()["isthmus_media_relayed_total"] >= relayed + TALK_PACKETS, "media passes both ways", 15, pause=0.2)

    def call(self, caller, callee, name):
        caller.command("dial", name)
        callee.event("CALL_INCOMING")
        caller.event("CALL_RINGING")
        callee.command("accept")
        caller.event("CALL_ESTABLISHED")
        callee.event("CALL_ESTABLISHED")
        self.talk()

    def hang_up(self, first, second):
        first.command("hangup")
        for phone in (first, second):
            phone.event("CALL_CLOSED")
        self.gateway.wait_nothing_live()
        self.assertGreater(self.bob.heard_share(KATE_HZ), SHARE)
        self.assertGreater(self.kate.heard_share(BOB_HZ), SHARE)
        self.assertEqual(self.proxy.seen("STRAY"), [])

    def out(self):
        self.call(self.bob, self.kate, "kate")
        self.assertEqual(len(self.proxy.seen("AUTHENTICATED INVITE")), 1, self.proxy.report())

    def test_out_ended_by_the_phone(self):
        self.out()
        self.hang_up(self.bob, self.kate)

    def test_out_ended_by_the_far_side(self):
        self.out()
        self.hang_up(self.kate, self.bob)

    # A trunk is known by its address; ACK and BYE come and go along its Record-Route.
    def test_in_ended_by_the_phone(self):
        self.call(self.kate, self.bob, "bob")
        self.hang_up(self.bob, self.kate)
        self.assertEqual(len(self.proxy.seen("REQUEST BYE .* from .*:127.0.0.[12] .* routes=<sip:")), 1, self.proxy.report())

    def test_in_ended_by_the_far_side(self):
        self.call(self.kate, self.bob, "bob")
        self.hang_up(self.kate, self.bob)

    # E1 both ways, with a phone's own re-INVITE.
    def test_hold_and_back(self):
        for holder in (self.bob, self.kate):
            self.proxy.mark()
            self.out()
            for command in ("hold", "resume"):
                holder.command(command)
                wait_until(lambda: len(self.proxy.seen("REPLY 200 .* INVITE")) >= (3 if command == "resume" else 2), self.proxy.report, 10)
            self.talk()
            self.hang_up(holder, self.kate if holder is self.bob else self.bob)


    @contextlib.contextmanager
    def called_by_sipp(self, steps):
        """`steps` go on from the ACK of SIPp's INVITE, which went to Kamailio."""
        caller = Caller("caller", number="bob").invite().answered(100).answered(180).answered(200, ("body", "m=audio [0-9]+ RTP/AVP")).ack()
        sipp = Sipp(steps(caller), free_port(), to=self.proxy.address, address=CALLERS)
        try:
            self.bob.event("CALL_INCOMING")
            self.bob.command("accept")
            self.bob.event("CALL_ESTABLISHED")
            yield
            sipp.finish()
            self.bob.event("CALL_CLOSED")
            self.gateway.wait_nothing_live()
            assert self.proxy.seen("STRAY") == [], self.proxy.seen("STRAY")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{sipp.report()}\n--- Kamailio\n{self.proxy.report()}") from None
        finally:
            sipp.stop()

    def test_in_with_options_and_hold_ended_by_the_caller(self):
        """RFC 3261 11: OPTIONS in a dialog changes nothing. E1: hold and back come along the Route."""
        def steps(caller):
            caller.options().invite("sendonly").answered(100, optional=True).answered(200, ("body", "a=recvonly")).ack()
            return caller.invite("sendrecv").answered(100, optional=True).answered(200, ("body", "a=sendrecv")).ack().options().bye()

        with self.called_by_sipp(steps):
            pass

    def test_in_from_a_plain_caller_ended_by_the_phone(self):
        with self.called_by_sipp(lambda caller: caller.hung_up()):
            self.bob.command("hangup")


class PhonesOverUdp(Phones, unittest.TestCase):
    pass


class PhonesOverTcp(Phones, unittest.TestCase):
    transport = "tcp"


if __name__ == "__main__":
    unittest.main()
