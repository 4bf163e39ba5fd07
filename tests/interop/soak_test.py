# SPDX-License-Identifier: MIT
"""The program under a steady load for some minutes. ISTHMUS_SOAK_MINUTES: how many; ISTHMUS_SOAK_REPORT: a file for the seconds of CPU and, in the
next line, the result."""

import os
import pathlib
import unittest

import soak
from soak_bounds import figures, result, verdict

MINUTES = float(os.environ.get("ISTHMUS_SOAK_MINUTES", "1"))
SHOWN = 30
REPORT = os.environ.get("ISTHMUS_SOAK_REPORT")


class Endurance(unittest.TestCase):
    # Goal G14, with less load. R1.26, R4.18: nothing is left.
    def test_a_steady_load_is_carried_and_leaves_nothing(self):
        shown = soak.run(MINUTES)
        broken = verdict(shown)
        told = f"{result(shown)}: {broken[0].splitlines()[0]}" if broken else "clean"
        print("KiB:", *(each.memory_kib for each in shown.samples[:: max(1, len(shown.samples) // SHOWN)]))
        print(f"soak {told}; {figures(shown)}", flush=True)
        if REPORT:
            pathlib.Path(REPORT).write_text(f"{shown.cpu_seconds}\n{told}; {figures(shown)}\n")
        self.assertEqual(broken, [], "\n".join(broken))


if __name__ == "__main__":
    unittest.main()
