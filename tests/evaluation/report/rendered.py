"""Reports for the tests of tables, and tables as they are read."""

import re

from markdown_it import MarkdownIt

from speciarl_verl.evaluation.report.assembly import build_report
from tests.evaluation.judged_lists import about, draw

FIVE = ("flowers102", "food101", "oxford_pets", "stanford_cars", "fgvc_aircraft")


def report_of(*names, samples=1, run="a run", conti=None):
    judged = [one for name in names for one in draw(name, 12, samples=samples)]
    return build_report(judged, **about(run, samples=samples), conti=conti)


def rendered(page):
    """The rows of every table, as they are shown."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(page)
    rows, row = [], []
    for token in tokens:
        if token.type == "tr_open":
            row = []
        elif token.type == "inline":
            row.append("".join(child.content for child in token.children).replace("<br>", " "))
        elif token.type == "tr_close":
            rows.append(row)
    return rows


def latex_rows(text):
    return [re.split(r"(?<!\\)&", line.removesuffix(r"\\")) for line in text.splitlines() if line.endswith(r"\\")]
