"""From the folders of some trainings to `report.html` and `plots/`."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from speciarl_verl.errors import EvaluationError, SpeciaRLError
from speciarl_verl.evaluation.error_browser.thumbnails import SETTINGS, encode_thumbnail
from speciarl_verl.evaluation.pictures import PictureError, PictureFiles, read_pictures
from speciarl_verl.files import write_text
from speciarl_verl.run_report.portraits import Portrait, choose, portraits
from speciarl_verl.run_report.run_folder import Run, open_runs
from speciarl_verl.run_report.run_page import RunView, render_page
from speciarl_verl.run_report.survey import Survey, survey
from speciarl_verl.watch.alerts import spells

_TRAIN_FILES = "data.train_files"


def write_report(folders: Sequence[Path], out: Path) -> Path:
    """Write the report of some runs; nothing of it is read from anywhere else when it is looked at.

    Returns:
        The page.

    Raises:
        InputError: a folder is no training, or a file in it is broken.
        EvaluationError: matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise EvaluationError("the report's plots need matplotlib: pip install 'speciarl_verl[evaluate]'")
    runs = open_runs(folders)
    surveys = [survey(run) for run in runs]
    plots = out / "plots"
    course = _course(runs, plots)
    views = [_view(run, found, plots, number) for number, (run, found) in enumerate(zip(runs, surveys, strict=True))]
    page = out / "report.html"
    write_text(page, _html(render_page(views, course)))
    return page


def _html(text: str) -> str:
    """Without what HTML or UTF-8 cannot hold, and a rollouts file can: NUL, and lone surrogates."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "xmlcharrefreplace").decode()


def _course(runs: Sequence[Run], plots: Path) -> bytes:
    from speciarl_verl.evaluation.report.plots.canvas import save
    from speciarl_verl.run_report.course_plot import draw_course

    return save(draw_course(runs), plots, "course")[0].read_bytes()


def _view(run: Run, found: Survey, plots: Path, number: int) -> RunView:
    from speciarl_verl.evaluation.report.plots.canvas import save
    from speciarl_verl.run_report.class_plot import draw_classes
    from speciarl_verl.run_report.outcome_plot import draw_outcomes_over_steps

    end = f"_{number + 1}"
    outcomes = save(draw_outcomes_over_steps(run), plots, f"outcomes{end}")[0].read_bytes()
    classes = save(draw_classes(found.classes), plots, f"classes{end}")[0].read_bytes() if found.classes else None
    shown = portraits(run, choose(found.pictures))
    return RunView(run, found, spells(run.steps), outcomes, classes, shown, _thumbnails(run, shown))


def _thumbnails(run: Run, shown: Sequence[Portrait]) -> list[bytes | None]:
    """The pictures themselves, where the run's data are still where it found them."""
    files = run.setting(_TRAIN_FILES) or []
    try:
        rows = read_pictures([files] if isinstance(files, str) else [str(file) for file in files])
    except (SpeciaRLError, OSError):
        return [None] * len(shown)
    places = {(row.dataset, row.image): row for row in rows}
    store = PictureFiles()
    found: list[bytes | None] = []
    for portrait in shown:
        place = places.get((str(portrait.first.get("data_source")), str(portrait.first.get("image"))))
        try:
            found.append(encode_thumbnail(store.read(place), SETTINGS[0]) if place else None)
        except PictureError:
            found.append(None)
    return found
