#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The files for who watches the gateway: dashboard, alert rules and scrape example name metrics that docs/metrics.md lists, and no other."""
import json
import pathlib
import re
import unittest

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
# Prometheus makes this one itself.
OF_PROMETHEUS = {"up"}
FUNCTIONS = {"sum", "rate", "increase", "changes", "histogram_quantile", "by", "label_values", "without", "time"}


def listed(text):
    """{name: (type, labels)} of the tables of docs/metrics.md."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|([^|]*)\| ([^|]+) \|$", text, re.M)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels, _ in rows}


def series(metrics):
    """The names by which samples are asked for, with the labels that each may have."""
    found = {name: {"job"} for name in OF_PROMETHEUS}
    for name, (kind, labels) in metrics.items():
        endings = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        for ending in endings:
            found[name + ending] = labels | {"job", "instance"} | ({"le"} if ending == "_bucket" else set())
    return found


def faults(expression, known):
    """What an expression names that is not there: metrics, labels of their selectors, labels it is grouped by."""
    wrong = []
    for name, selector in re.findall(r"([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?", re.sub(r'"(?:\\.|[^"\\])*"', '""', re.sub(r"\[[^\]]*\]", "", re.sub(r"\bby \([^)]*\)", "", expression)))):
        if name in FUNCTIONS or name == "job" and "label_values" in expression:
            continue
        if name not in known:
            wrong.append(name)
            continue
        wrong += [f"{name}{{{label}}}" for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector or "") if label not in known[name]]
    every = set().union(*known.values())
    for group in re.findall(r"\bby \(([^)]*)\)", expression):
        wrong += [f"by {label}" for label in re.findall(r"\w+", group) if label not in every]
    return wrong


KNOWN = series(listed((DOCS / "metrics.md").read_text(encoding="utf-8")))


class Dashboard(unittest.TestCase):
    def setUp(self):
        self.board = json.loads((DOCS / "grafana/isthmus.json").read_text(encoding="utf-8"))

    def test_every_expression_names_what_is_exported(self):
        expressions = [target["expr"] for panel in self.board["panels"] for target in panel.get("targets", [])]
        expressions += [variable["definition"] for variable in self.board["templating"]["list"] if "definition" in variable]
        self.assertGreater(len(expressions), 25)
        for expression in expressions:
            self.assertEqual(faults(expression, KNOWN), [], expression)

    def test_every_documented_metric_has_a_panel(self):
        shown = " ".join(target["expr"] for panel in self.board["panels"] for target in panel.get("targets", []))
        names = re.findall(r"(?m)^\| `(\w+)`", (DOCS / "metrics.md").read_text(encoding="utf-8"))
        self.assertGreater(len(names), 40)
        self.assertEqual([name for name in names if not re.search(rf"\b{name}(_bucket)?\b", shown)], [])

    def test_panels_have_a_place_of_their_own(self):
        numbers = [panel["id"] for panel in self.board["panels"]]
        self.assertEqual(len(numbers), len(set(numbers)))
        taken = set()
        for panel in self.board["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(at["x"] + at["w"], 24)
            taken |= cells


class Rules(unittest.TestCase):
    def test_every_alert_names_what_is_exported_and_says_what_it_means(self):
        text = (DOCS / "grafana/alerts.yml").read_text(encoding="utf-8")
        alerts = re.split(r"^      - alert: ", text, flags=re.M)[1:]
        self.assertGreater(len(alerts), 5)
        for alert in alerts:
            expression = re.search(r"^        expr: (.+)$", alert, re.M)
            self.assertIsNotNone(expression, alert)
            self.assertEqual(faults(expression[1], KNOWN), [], expression[1])
            self.assertRegex(alert, r'summary: ".+[.?]"')
            self.assertRegex(alert, r"severity: (critical|warning)")

    def test_the_scrape_shows_the_secret_by_a_file(self):
        text = (DOCS / "grafana/prometheus.yml").read_text(encoding="utf-8")
        for part in ("metrics_path: /metrics", "type: Bearer", "credentials_file: ", "- alerts.yml"):
            self.assertIn(part, text)


class Judge(unittest.TestCase):
    """The judge of the other tests must find faults where there are any."""

    def test_faults_are_found(self):
        for expression in ("sum(isthmus_nothing)", 'rate(isthmus_calls{color="red"}[5m])', "sum by (color) (isthmus_calls)", "isthmus_call_setup_seconds",
                           "isthmus_calls_bucket", "process_nothing / process_open_fds"):
            self.assertNotEqual(faults(expression, KNOWN), [], expression)
        self.assertEqual(faults('sum by (state) (rate(isthmus_calls{direction="incoming"}[5m])) > 0', KNOWN), [])


if __name__ == "__main__":
    unittest.main()
