"""Reports for the tests of plots, and what every plot is held to."""

from xml.etree import ElementTree

import numpy as np
from PIL import Image

from speciarl_verl.evaluation.report.assembly import build_report
from tests.evaluation.judged_lists import about, draw

FIVE = ("flowers102", "food101", "oxford_pets", "stanford_cars", "fgvc_aircraft")


HOSTILE = ("$\\frac{1}$ & <b>", "-->]]>", "a\x00b\x1b[1m \ud800", "犬 ü 🐶", "x" * 300, "$", "\\", "%_^")


def report_of(*names, samples=1, run="a run", images=24, **drawing):
    judged = [one for name in names for one in draw(name, images, samples=samples, **drawing)]
    return build_report(judged, **about(run, samples=samples))


def pixels(path):
    with Image.open(path) as image:
        image.load()
        return np.asarray(image.convert("RGB"))


def check_drawn(path):
    if path.suffix == ".svg":
        assert ElementTree.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"
        return
    drawn = pixels(path)
    assert drawn.shape[1] in (1200, 1425)
    assert 250 <= drawn.shape[0] <= 2000
    inked = (drawn < 250).any(axis=2)
    # Ink, and none of it cut off at the edges.
    assert 0.005 < inked.mean() < 0.95
    assert not inked[0].any()
    assert not inked[-1].any()
    assert not inked[:, 0].any()
