"""The commands of one run, in order: prepare its sets, train, evaluate. Pure: nothing is started here."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from recipes.paper.runs import Flags, Paper, Run, Scale, Settings
from speciarl_verl.errors import InputError


@dataclass(frozen=True)
class Step:
    """One command and the file that tells that it was done; where the command writes none of its own, paper.sh does.

    Attributes:
        done: beside it stands the command that made it.
    """

    title: str
    command: tuple[str, ...]
    done: Path

    @property
    def made_by(self) -> Path:
        """The file that holds the command."""
        return self.done.with_name(f"{self.done.name}.command")

    @property
    def text(self) -> str:
        """The command as a shell takes it."""
        return shlex.join(self.command)


@dataclass(frozen=True)
class Request:
    """What the user gives to a run.

    Attributes:
        data: folder with one folder a set, each with what its publisher ships.
        out: prepared sets, trainings and evaluations of all runs go here.
        model: None takes the paper's.
        judge_url: of the judge while training, and `evaluation_judge_url` in evaluation (None: the same one).
        taxonomy: the offline judge instead, of this taxonomy, in both.
        overrides: further ones of verl's configuration.
    """

    data: Path
    out: Path
    python: str
    model: str | None = None
    judge_url: str | None = None
    evaluation_judge_url: str | None = None
    taxonomy: str | None = None
    training_judge: str | None = None
    inclusion_url: str | None = None
    scale: str | None = None
    overrides: Flags = ()


def plan(paper: Paper, run: Run, request: Request) -> list[Step]:
    """Everything from the publishers' archives to the report.

    Raises:
        InputError: there is no such scale, or not exactly one judge.
    """
    if (request.judge_url is None) == (request.taxonomy is None):
        raise InputError("--judge-url URL is missing (or --taxonomy FILE: the offline judge)")
    return _Planner(paper, request).steps(run)


class _Planner:
    def __init__(self, paper: Paper, request: Request) -> None:
        if request.scale is not None and request.scale not in paper.scales:
            raise InputError(f"--scale {request.scale}: choose one of {', '.join(paper.scales)}")
        self._paper = paper
        self._request = request
        self._scale: Scale | None = paper.scales[request.scale] if request.scale else None
        self._model = request.model or paper.model
        self._prepared = request.out / "data"

    def steps(self, run: Run) -> list[Step]:
        trained = self._paper.find(run.of) if run.of else run
        training = [] if trained.kind == "base" else [*self._draw(trained), self._train(trained)]
        return [*training, *(self._test_set(name) for name in self._tested), self._evaluate(run, trained)]

    @property
    def _tested(self) -> tuple[str, ...]:
        return (self._scale.set,) if self._scale else self._paper.tested

    def _prepare(self, name: str, out: Path, flags: Flags) -> Step:
        source = self._request.data / name
        own = [str(source / flag) if flag.endswith(".json") else flag for flag in self._paper.sets[name]]
        command = (self._request.python, "-m", "data_prep", name, "--source", str(source), "--out", str(out))
        return Step(f"prepare {out.name}", (*command, *own, *self._paper.prepare, *flags), out / "manifest.json")

    def _test_set(self, name: str) -> Step:
        return self._prepare(name, self._prepared / f"{name}-test", ("--train-size", "0", "--val-size", "0"))

    def _draw_of(self, run: Run) -> dict[str, int]:
        return {self._scale.set: self._scale.train_size} if self._scale else run.draw

    def _train_folder(self, run: Run) -> Path:
        draw = self._draw_of(run)
        return self._prepared / ("mix" if len(draw) > 1 else "-".join(map(str, next(iter(draw.items())))))

    def _draw(self, run: Run) -> list[Step]:
        draw, flags = self._draw_of(run), self._scale.draw if self._scale else self._paper.draw
        if len(draw) == 1:
            ((name, size),) = draw.items()
            return [self._prepare(name, self._train_folder(run), (*flags, "--train-size", str(size)))]
        steps, parts = [], []
        for name, size in draw.items():
            held = ("--val-size", "0") if name in self._paper.unvalidated else ()
            whole = self._prepared / f"{name}-whole"
            steps.append(self._prepare(name, whole, (*self._paper.whole, *held)))
            parts += ["--part", f"{whole}={size}"]
        out = self._train_folder(run)
        command = (self._request.python, "-m", "data_prep", "mix", *parts, *self._paper.mix, "--out", str(out))
        return [*steps, Step(f"prepare {out.name}", command, out / "manifest.json")]

    def _train(self, run: Run) -> Step:
        out, data = self._training(run), self._train_folder(run)
        script, settings = ("train.sh", self._paper.rl) if run.kind == "rl" else ("sft.sh", self._paper.sft)
        small = Settings() if self._scale is None else self._scale.rl if run.kind == "rl" else self._scale.sft
        files = ("--train", data / "train.parquet", "--val", data / "val.parquet", "--model", self._model, "--out", out)
        judge = self._training_judge() if run.kind == "rl" else ()
        flags = (*map(str, files), *judge, *settings.flags, *run.train, *small.flags)
        overrides = (*settings.overrides, *run.overrides, *small.overrides, *self._request.overrides)
        return Step(f"train {run.name}", ("bash", f"recipes/{script}", *flags, "--", *overrides), out / "finished")

    def _training(self, run: Run) -> Path:
        return self._request.out / run.name / "train"

    def _training_judge(self) -> Flags:
        if self._request.taxonomy:
            return ("--judge", "taxonomy", "--taxonomy", self._request.taxonomy)
        return ("--judge", "server", "--judge-url", str(self._request.judge_url))

    def _evaluation_judge(self) -> Flags:
        request = self._request
        if request.taxonomy:
            return ("--judge", "taxonomy", "--judge-set", f"taxonomy={request.taxonomy}")
        return ("--judge", "server", "--judge-url", str(request.evaluation_judge_url or request.judge_url))

    def _evaluate(self, run: Run, trained: Run) -> Step:
        request, out = self._request, self._request.out / run.name / "evaluation"
        files = [str(self._prepared / f"{name}-test" / "test.parquet") for name in self._tested]
        command = ["bash", "recipes/evaluate.sh", "--model", self._model, "--out", str(out)]
        command += [part for file in files for part in ("--data", file)]
        if trained.kind != "base":
            command += ["--adapter", str(self._training(trained) / "checkpoints")]
            command += ["--training-judge", request.training_judge] if request.training_judge else []
        command += [*self._evaluation_judge(), *self._paper.evaluate, *run.evaluate]
        if request.inclusion_url and "--conti" in run.evaluate:
            command += ["--inclusion-url", request.inclusion_url]
        command += self._scale.evaluate if self._scale else ()
        return Step(f"evaluate {run.name}", tuple(command), out / "report.json")
