# SPDX-License-Identifier: MIT
"""Each bound of the soak is seen broken by a made-up series: a planted leak, a lost call, media in one direction."""

import unittest

from soak_bounds import Course, Sample, Soak, figures, memory_slope, result, slope, steady, verdict


def series(minutes=30.0, leak_kib_an_hour=0.0, lost_descriptors_an_hour=0.0, warm_up_kib=4000):
    """One sample each ten seconds: tables fill in the first minutes, then calls come and go."""
    out = []
    for second in range(0, int(minutes * 60) + 1, max(1, int(minutes / 3))):
        share = second / (minutes * 60)
        memory = 12000 + warm_up_kib * min(1, 4 * share) + leak_kib_an_hour * second / 3600 + 40 * (second % 3 - 1)
        calls = 14 + second % 5 + int(8 * share)  # the machine gets busier
        out.append(Sample(second, int(memory), int(30 + 4 * calls + lost_descriptors_an_hour * second / 3600), calls))
    return out


def soak(**changes):
    whole = {
        "samples": series(), "missed": 0, "courses": [Course("udp talk", 900, 880, 0)], "ended": {"hung_up": 880, "error": 0},
        "relayed": 4.8e6, "datagrams": 1e7, "counters": {"isthmus_outbox_dropped_total": 0}, "left": [], "status": 0, "cpu_seconds": 60.0, "waited_seconds": 20.0,
    }  # fmt: skip
    return Soak(**{**whole, **changes})


class Bounds(unittest.TestCase):
    """Goal G14."""

    def broken(self, part, **changes):
        told = verdict(soak(**changes))
        self.assertEqual(len(told), 1, told)
        self.assertIn(part, told[0])

    def test_a_clean_soak_is_clean(self):
        self.assertEqual(verdict(soak()), [])
        self.assertEqual(verdict(soak(samples=series(minutes=1))), [])
        self.assertRegex(figures(soak()), r"^880 calls .* 0 failed .* 19 calls at once")
        self.assertRegex(figures(soak(samples=series()[:3])), "calls at once")

    def test_a_leak_in_memory(self):
        self.broken("memory grew", samples=series(leak_kib_an_hour=2400))
        self.broken("memory grew", samples=series(minutes=480, leak_kib_an_hour=1200))
        self.broken("memory grew", samples=series(minutes=1, leak_kib_an_hour=60000))
        self.assertEqual(verdict(soak(samples=series(leak_kib_an_hour=500))), [])

    def test_a_leak_of_descriptors(self):
        self.broken("descriptors grew", samples=series(lost_descriptors_an_hour=60))
        self.assertEqual(verdict(soak(samples=[Sample(s.at, s.memory_kib, s.descriptors + 4 * (i % 3 == 0), s.calls) for i, s in enumerate(series())])), [])
        self.broken("descriptors were", left=["descriptors were 40, and are 41"])

    def test_what_is_before_the_warm_up_does_not_count(self):
        self.assertEqual([steady(series(minutes=m))[0].at for m in (1, 1.5, 30)], [40, 40, 600])
        self.assertEqual(verdict(soak(samples=series(warm_up_kib=90000))), [])
        self.assertAlmostEqual(memory_slope(series(leak_kib_an_hour=900)), 900, delta=50)
        self.assertAlmostEqual(slope([(0, 1), (1, 3), (2, 5)]), 2)

    def test_a_call_that_the_gateway_failed(self):
        self.broken("udp talk: 1 calls failed", courses=[Course("udp talk", 900, 880, 1)])
        self.assertEqual(verdict(soak(courses=[Course("udp talk", 900, 880, 0, own=3)])), [])
        self.broken("ended with error", ended={"hung_up": 880, "error": 1})

    def test_a_load_that_was_none(self):
        self.broken("no steady load", courses=[Course("udp talk", 900, 400, 0)])
        self.broken("no sample saw a call", samples=[Sample(each.at, each.memory_kib, 30, 0) for each in series()])
        self.broken("2 samples", samples=series()[:2])
        self.broken("100 were not to be had", missed=100)

    def test_media_in_one_direction(self):
        self.broken("both ways", relayed=3.3e6)

    def test_a_machine_without_a_core_to_spare_is_no_fault_and_no_success(self):
        self.assertEqual([result(soak(waited_seconds=w)) for w in (20, 1000)], ["clean", "clean"])
        self.assertEqual([result(soak(waited_seconds=w, status=1)) for w in (20, 1000)], ["failed", "void"])

    def test_what_must_not_happen_at_all(self):
        self.broken("isthmus_outbox_dropped_total is 2", counters={"isthmus_outbox_dropped_total": 2})
        self.broken("status 1", status=1)


if __name__ == "__main__":
    unittest.main()
