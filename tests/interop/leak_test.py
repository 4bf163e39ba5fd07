# SPDX-License-Identifier: MIT
"""Two thousand calls in batches of one size: after each batch everything is given back, and memory is flat after the first.
The witness is the kernel: descriptors, UDP sockets, resident memory, ports that can be bound again."""

import unittest

from bed import Gateway, free_port, refused_rtp_ports, wait_until
from scenarios import PAIRS
from sipp import run_pair
from sipp_test import TRUNKS

BATCH = 500
BATCHES = 4
RATE = 100
# Tables and heap grow with the calls that are up at once and keep their room. In each batch calls last until as many are up as ever will be, however
# slow the machine: so the room is taken in the first one, and in none later is there room to spare in which a leak would not be seen.
AT_ONCE = 100
GROWTH_LIMIT_KIB = 192  # in all batches after the first together: a leak of 131 bytes a call would be more


class Leaks(unittest.TestCase):
    # R1.26: nothing live within a second, nothing lingering within the bound. R4.18: each port can be bound again.
    def test_two_thousand_calls_leave_nothing(self):
        ports = free_port(), free_port()
        gateway = Gateway(TRUNKS.format(port=ports[1], transport="udp"))
        self.addCleanup(gateway.stop)
        descriptors, sockets = gateway.descriptors(), gateway.udp_sockets()
        memory = []
        for _ in range(BATCHES):
            run_pair(gateway, ports, PAIRS["many"], calls=BATCH, rate=RATE, at_once=AT_ONCE)
            gateway.wait_nothing_live()
            self.assertEqual(refused_rtp_ports(), [])
            gateway.wait_nothing_left()
            wait_until(lambda: gateway.descriptors() == descriptors, lambda: f"{descriptors} descriptors, not {gateway.descriptors()}", 5)
            self.assertEqual(gateway.udp_sockets(), sockets)
            memory.append(gateway.memory_kib())
        print(f"KiB after each batch of {BATCH}: {memory}")
        self.assertLessEqual(memory[-1] - memory[0], GROWTH_LIMIT_KIB, memory)
        self.assertEqual(gateway.stop(), 0)


if __name__ == "__main__":
    unittest.main()
