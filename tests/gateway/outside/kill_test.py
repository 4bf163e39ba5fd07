#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program killed by SIGKILL at random points under registrations and calls, and started again on the same folder (G15). After each kill: the
database passes its integrity check; the start is ready within 2 s; every registration that was confirmed by 200 is there, none that was withdrawn
is; a phone is reached by its flow at once; requests within lost calls get 481; a phone that rang for a lost call is called off. Usage: kill_test.py PROGRAM [KILLS [SEED]]"""
import os
import signal
import sys
import time
import unittest

import under_load
from smoke_test import PATIENCE

KILLS = 5
CALLED_OFF_LIMIT = 32.0  # 64*T1; seconds from the start of the program
READY_LIMIT = 2.0  # times the load of each core, where that is above 1: the machine is not ours alone


class Killed(under_load.UnderLoad):
    def check_registrations(self, there, what):
        for phone in self.phones:
            bound, cseq = phone.sure
            words = f"round {self.round}, {what}: {phone.name} was told {phone.sure}, on its way {phone.open}, there is {there.get(phone.name)}\n" + "\n".join(line for line in self.gateway.text().splitlines() if "kept" in line or phone.name + " " in line)[-1500:]
            if phone.open is None:
                self.assertEqual(phone.name in there, bound, words)
            if bound and (phone.open is None or phone.open[0]):
                self.assertIn(phone.name, there, words)
                self.assertGreaterEqual(there[phone.name], cseq, words)

    def check_after(self, rows):
        # What a REGISTER on its way has become is not known to its phone: from now on it is what the database says.
        for phone in self.phones:
            phone.lose()
            if phone.open is not None:
                phone.sure = (phone.name in rows, rows.get(phone.name, phone.cseq))
            phone.open, phone.waiting = None, False
        table = {entry["user"]: entry for entry in self.registrations()}
        self.assertEqual(set(table), {phone.name for phone in self.phones if phone.sure[0]}, f"round {self.round}")
        for phone in self.phones:
            if phone.name in table:
                self.assertEqual(table[phone.name]["status"], "restored" if phone.stream else "active")
        # A phone is reached at once, by its flow.
        bound = [phone for phone in self.phones if phone.sure[0] and not phone.stream]
        if bound:
            phone = self.random.choice(bound)
            phone.invited.clear()
            self.left.invite(phone.name, f"reach{self.round}")
            self.assertTrue(self.serve(PATIENCE, lambda: phone.invited and self.left.statuses.get((f"reach{self.round}", "INVITE")) == 486, load=False), "the phone is not reached")
        # Requests within lost calls.
        for peer in (self.left, self.right):
            for call in list(peer.calls):
                self.lost_calls += 1
                peer.bye(call)
                self.assertTrue(self.serve(PATIENCE, lambda peer=peer, call=call: (call, "BYE") in peer.statuses, load=False), f"no answer to BYE of {call}")
                self.assertEqual(peer.statuses[call, "BYE"], 481)
                peer.calls.pop(call, None)

    def let_one_ring(self):
        """A phone on the right rings, and the database knows it."""
        self.right.ringing.clear(), self.right.called_off.clear()
        call = f"ring{self.round}"
        self.left.invite(under_load.RINGS, call)
        self.assertTrue(self.serve(PATIENCE, lambda: self.right.ringing and self.left.statuses.get((call, "INVITE")) == 180 and self.ringing_rows() == 1), "nothing rings")
        return next(iter(self.right.ringing.values()))

    def check_called_off(self, invite, begun):
        self.assertTrue(self.serve(CALLED_OFF_LIMIT, lambda: self.right.called_off, load=False), f"round {self.round}: the phone rings on\n{self.gateway.text()}")
        cancel, at = self.right.called_off[0]
        self.called_off.append(at - begun)
        self.assertLess(at - begun, CALLED_OFF_LIMIT)
        # RFC 3261 9.1
        self.assertEqual(cancel.line.split()[1], invite.line.split()[1])
        for name in ("Via", "From", "To", "Call-ID"):
            self.assertEqual(cancel.all(name), invite.all(name), name)
        self.assertEqual((cancel.cseq, cancel.method), (invite.cseq, "CANCEL"))
        self.assertIn("phones that rang for lost calls are called off: 1\n", self.gateway.text())
        self.assertTrue(self.serve(PATIENCE, lambda: self.ringing_rows() == 0, load=False), "it is still in the file")
        self.assertFalse(self.right.ringing)

    # G15: SIGKILL at random points, under load.
    def test_killed_at_random_points(self):
        self.start()
        self.called_off = []
        for self.round in range(1, KILLS + 1):
            invite = self.let_one_ring()
            self.serve(self.random.uniform(0.05, 0.6))
            self.gateway.process.send_signal(signal.SIGKILL)
            self.gateway.process.wait(PATIENCE)
            for peer in (self.left, self.right):
                peer.lose()
            self.serve(0.05, load=False)  # what was sent before the kill is read
            rows = self.rows()
            self.check_registrations(rows, "in the file")
            loaded = max(1.0, os.getloadavg()[0] / os.cpu_count())
            begun = time.monotonic()
            self.starts.append(self.start())
            self.assertLess(self.starts[-1], READY_LIMIT * loaded, f"round {self.round}, load {os.getloadavg()[0]}")
            self.check_called_off(invite, begun)
            self.check_after(rows)
            self.check_registrations(self.rows(), "after the start")
        self.assertEqual(self.gateway.stop(), 0, self.gateway.text())
        starts = sorted(self.starts)
        print(f"{KILLS} kills, seed {self.SEED}: {self.confirmed} REGISTERs confirmed, none lost; {self.lost_calls} legs of lost calls got 481; "
              f"{len(self.called_off)} phones that rang were called off, {max(self.called_off):.2f} s after the start at most; ready after "
              f"{starts[len(starts) // 2]:.2f} s in the median, {starts[-1]:.2f} s at most (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)", file=sys.stderr)
        self.assertGreater(self.confirmed, KILLS)
        if KILLS >= 5:
            self.assertGreater(self.lost_calls, 0)


if __name__ == "__main__":
    under_load.UnderLoad.PROGRAM = os.path.abspath(sys.argv[1])
    KILLS, under_load.UnderLoad.SEED = (int(given) for given in sys.argv[2:] + ["5", "1"][len(sys.argv) - 2 :])
    unittest.main(argv=sys.argv[:1], verbosity=2)
