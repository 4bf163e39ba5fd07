# SPDX-License-Identifier: MIT
"""SIGTERM in the middle of calls: each side of each call gets its BYE, all are answered, and the gateway ends with status 0."""

import signal
import unittest

from bed import Gateway, free_port, wait_until
from scenarios import called, calling
from sipp import run_pair
from sipp_test import TRUNKS

CALLS = 5


class Shutdown(unittest.TestCase):
    # R5.1: graceful shutdown.
    def test_calls_are_ended_before_the_gateway_is(self):
        ports = free_port(), free_port()
        gateway = Gateway(TRUNKS.format(port=ports[1], transport="udp"))
        self.addCleanup(gateway.stop)

        def end(caller):
            wait_until(lambda: caller.messages().count("\nACK ") == CALLS, lambda: f"{CALLS} calls up: {caller.messages()}")
            gateway.program.process.send_signal(signal.SIGTERM)

        run_pair(gateway, ports, (calling("caller").hung_up(), called("callee").hung_up()), calls=CALLS, during=end, limit=20)
        self.assertEqual(gateway.program.process.wait(20), 0, gateway.program.lines)


if __name__ == "__main__":
    unittest.main()
