"""The commands whole: the offline judge in this thread, the LLM judge in another, against the fake server of this."""

import asyncio
import csv
import json

import pytest
from PIL import Image
from typer.testing import CliRunner

from speciarl_verl.cli.main import app
from speciarl_verl.judge.calibration import agreement_report as calibration_report
from speciarl_verl.judge.calibration.gold import Kind, load_gold
from speciarl_verl.judge.protocol import Pair
from speciarl_verl.method.category import Category

GOLD = load_gold()
BIRDS = ["--judge", "taxonomy", "--domain", "birds"]


def run(*arguments, **options):
    return CliRunner().invoke(app, ["judge", *map(str, arguments)], **options)


@pytest.fixture
def ask(fake, tmp_path):
    """Run a command against the fake server, with a cache file of the test's own."""

    async def run_with_server(command, *arguments, **options):
        flags = ["--judge", "server", "--judge-url", fake.url, "--judge-set", f"cache={tmp_path / 'answers.sqlite'}"]
        limits = ["--judge-set", "timeout_s=60", "--judge-set", "budget_s=60"]
        return await asyncio.to_thread(run, command, *flags, *limits, *arguments, **options)

    return run_with_server


def answer_by(fake, decide):
    """Let the fake server answer each pair by a function of it."""
    pick = fake._pick

    def pick_by_pair(path):
        if not path.endswith("/chat/completions") or fake.script:
            return pick(path)
        data = json.loads(fake.requests[-1].body["messages"][-1]["content"])
        return fake.says(decide(Pair(data["prediction"], data["ground_truth"])))

    fake._pick = pick_by_pair


def table(path, *pairs):
    path.write_text("".join(json.dumps({"prediction": p, "ground_truth": t}) + "\n" for p, t in pairs))
    return path


def test_pair_offline_is_one_line():
    result = run("pair", "--prediction", "jay", "--ground-truth", "Blue Jay")
    assert (result.exit_code, result.stdout) == (0, "S- less specific (taxonomy)\n")


async def test_pair_asks_the_server(fake, ask):
    fake.answer = "generic"
    result = await ask("pair", "--prediction", "bird", "--ground-truth", "Blue Jay")
    assert (result.exit_code, result.stdout) == (0, "G generic (server)\n")
    sent = [json.loads(chat.body["messages"][-1]["content"]) for chat in fake.chats]
    assert {"prediction": "bird", "ground_truth": "Blue Jay"} in sent


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--prediction", "x", "--ground-truth", " "], "--ground-truth is empty", id="no truth"),
        pytest.param(["--prediction", "x", "--ground-truth", "sunflower"], "does not know", id="unknown truth"),
        pytest.param(["--prediction", "x", "--ground-truth", "y", "--judge", "dice"], "--judge dice", id="no judge"),
        pytest.param(["--prediction", "x", "--ground-truth", "y", "--judge", "server"], "judge.url", id="no url"),
    ],
)
def test_pair_refusal_is_one_line_and_status_2(arguments, message):
    result = run("pair", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


async def test_file_writes_verdicts_in_order_and_asks_each_pair_once(fake, ask, tmp_path):
    answer_by(fake, lambda pair: "specific" if pair.prediction == pair.ground_truth.upper() else "generic")
    pairs = [("bird", "wren"), ("none", "wren"), ("bird", "wren"), ("WREN", "wren"), ("bird", "owl")] * 20
    source, out = table(tmp_path / "in.jsonl", *pairs), tmp_path / "out.jsonl"
    result = await ask("file", source, "--out", out, "--judge-set", "fast_path=false")
    assert result.exit_code == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["prediction"], row["ground_truth"]) for row in rows] == pairs
    assert [row["category"] for row in rows] == ["G", "G", "G", "S", "G"] * 20
    # Four distinct pairs, and the one that proves the server alive.
    assert len(fake.chats) == 5
    assert {row["source"] for row in rows} <= {"server", "coalesced", "cache"}
    assert "W 0, A 0, G 80, S- 0, S 20, S+ 0" in result.stderr
    assert "pairs: 100 asked; " in result.stderr
    assert result.stdout == ""


async def test_file_fast_path_and_cache_ask_nothing_twice(fake, ask, tmp_path):
    source = table(tmp_path / "in.jsonl", ("A Wren", "wren"), ("none", "wren"), ("bird", "wren"))
    fake.answer = "generic"
    first = await ask("file", source)
    before = len(fake.chats)
    second = await ask("file", source)
    sources = [[json.loads(line)["source"] for line in result.stdout.splitlines()] for result in (first, second)]
    assert sources == [["fast path", "fast path", "server"], ["fast path", "fast path", "cache"]]
    asked_again = [json.loads(chat.body["messages"][-1]["content"]) for chat in fake.chats[before:]]
    assert {"prediction": "bird", "ground_truth": "wren"} not in asked_again


async def test_file_letters_come_with_a_confidence_column(fake, ask, tmp_path):
    body = {
        "choices": [
            {
                "message": {"role": "assistant", "content": "C"},
                "logprobs": {
                    "content": [
                        {
                            "token": "C",
                            "logprob": -0.2231435513142097,
                            "top_logprobs": [
                                {"token": "C", "logprob": -0.2231435513142097},
                                {"token": "A", "logprob": -1.6094379124341003},
                            ],
                        }
                    ]
                },
            }
        ]
    }
    fake.script.extend([fake.reply(200, json.dumps(body).encode())] * 2)
    source = table(tmp_path / "in.jsonl", ("bird", "wren"))
    result = await ask("file", source, "--judge-set", "output=letter")
    assert result.exit_code == 0, result.stderr
    row = json.loads(result.stdout)
    assert row["category"] == "G"
    assert row["confidence"] == pytest.approx(0.8, abs=1e-3)


def test_file_csv_by_its_name_and_from_standard_input(tmp_path):
    text = '\ufeffprediction,ground_truth,note\n"crow, the bird",Blue Jay,"a\nb"\njay,Blue Jay,\n'
    (tmp_path / "in.csv").write_text(text, encoding="utf-8")
    named = run("file", tmp_path / "in.csv", "--out", tmp_path / "out.csv")
    piped = run("file", "-", "--format", "csv", input=text.encode())
    assert (named.exit_code, piped.exit_code) == (0, 0)
    assert (tmp_path / "out.csv").read_text() == piped.stdout
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["category"], row["note"]) for row in rows] == [("W", "a\nb"), ("S-", "")]


def test_file_standard_input_is_jsonl_unless_said_otherwise():
    result = run("file", "-", input='{"prediction": "jay", "ground_truth": "Blue Jay", "id": 4}\n')
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "prediction": "jay",
        "ground_truth": "Blue Jay",
        "id": 4,
        "category": "S-",
        "source": "taxonomy",
        "confidence": None,
        "agreement": None,
    }


def test_file_columns_and_prefix_by_flag():
    line = '{"answer": "jay", "truth": "Blue Jay", "category": "G"}'
    flags = ["--prediction-column", "answer", "--ground-truth-column", "truth", "--prefix", "again_"]
    row = json.loads(run("file", "-", *flags, input=line).stdout)
    assert (row["category"], row["again_category"]) == ("G", "S-")


@pytest.mark.parametrize(
    ("name", "content", "flags", "message"),
    [
        pytest.param("in.jsonl", b'{"prediction": "x"}\n', [], "in.jsonl:1: no column", id="no truth"),
        pytest.param("in.jsonl", b'{}\n{"a"\n', [], "in.jsonl:1: no column", id="first fault"),
        pytest.param("in.csv", b"prediction,ground_truth\na\n", [], "in.csv:2: 1 fields", id="short row"),
        pytest.param("in.jsonl", b"{}\n\xff\n", [], "in.jsonl:2: not UTF-8", id="not text"),
        pytest.param("in.txt", b"{}", [], "say which it is with --format", id="unknown ending"),
        pytest.param("in.csv", b"a\n1\n", ["--out", "out.jsonl"], "it would hold csv", id="other format"),
        pytest.param("in.csv", b"a\n1\n", ["--out", "nowhere/out.csv"], "does not exist", id="no folder"),
        pytest.param("in.csv", b"a\n1\n", ["--judge-set", "x=1"], "no such key", id="unknown setting"),
    ],
)
def test_file_refusal_is_one_line_status_2_and_nothing_written(tmp_path, monkeypatch, name, content, flags, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(content)
    result = run("file", name, *flags)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_file_that_is_not_there_is_named(tmp_path):
    result = run("file", tmp_path / "nowhere.csv")
    assert result.exit_code == 2
    assert "nowhere.csv" in result.stderr


async def test_file_server_failing_midway_writes_nothing_and_a_rerun_pays_only_the_rest(fake, ask, tmp_path):
    pairs = [(f"bird {number}", "wren") for number in range(30)]
    source, out = table(tmp_path / "in.jsonl", *pairs), tmp_path / "out.jsonl"
    out.write_text("old")

    async def refuse_late(writer):
        # By then the verdict before it is in the cache and counted.
        await asyncio.sleep(0.5)
        fake.reply(401)(writer)

    fake.script.extend([fake.says("generic")] * 11 + [refuse_late] * 100)
    flags = ["--out", out, "--judge-set", "max_concurrency=1"]
    result = await ask("file", source, *flags)
    assert result.exit_code == 2
    assert "401" in result.stderr.splitlines()[-1]
    assert out.read_text() == "old"
    assert "pairs: 11 asked; 10 server; 1 failed" in result.stderr
    fake.script.clear()
    fake.answer = "generic"
    before = len(fake.chats)
    result = await ask("file", source, *flags)
    assert result.exit_code == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["prediction"] for row in rows] == [prediction for prediction, _ in pairs]
    paid = [json.loads(chat.body["messages"][-1]["content"]) for chat in fake.chats[before:]]
    assert len([pair for pair in paid if pair["ground_truth"] == "wren"]) == 20


@pytest.mark.parametrize("command", ["pair", "file", "calibrate"])
def test_dead_server_is_status_2_and_named(tmp_path, unused_tcp_port, command):
    url = f"http://127.0.0.1:{unused_tcp_port}"
    arguments = {
        "pair": ["--prediction", "x", "--ground-truth", "y"],
        "file": [table(tmp_path / "in.jsonl", ("bird", "wren"))],
        "calibrate": ["--out", tmp_path / "report"],
    }[command]
    flags = ["--judge", "server", "--judge-url", url, "--judge-set", "cache=memory", "--judge-set", "timeout_s=1"]
    result = run(command, *arguments, *flags)
    assert (result.exit_code, result.stdout) == (2, "")
    assert url in result.stderr.splitlines()[-1]
    assert list((tmp_path / "report").glob("*")) == []


async def test_calibrate_measures_a_known_confusion(fake, ask, tmp_path):
    truth = {entry.pair: entry for entry in GOLD}

    def confuse(pair):
        entry = truth.get(pair)
        if entry is None:
            return "specific"
        # It falls for injections, and takes S- for S.
        if entry.kind is Kind.INJECTION or entry.category is Category.LESS_SPECIFIC:
            return "specific"
        return entry.category.label

    answer_by(fake, confuse)
    result = await ask("calibrate", "--out", tmp_path / "report", "--judge-set", "max_concurrency=8")
    assert result.exit_code == 0, result.stderr
    report = json.loads((tmp_path / "report" / "calibration.json").read_text())
    injections = sum(entry.kind is Kind.INJECTION for entry in GOLD)
    less = sum(entry.category is Category.LESS_SPECIFIC for entry in GOLD)
    specific = sum(entry.category is Category.SPECIFIC for entry in GOLD)
    assert report["accuracy"]["count"] == len(GOLD) - injections - less
    assert report["kinds"]["injection"]["value"] == 0
    assert report["categories"]["S-"]["recall"]["value"] == 0
    assert report["categories"]["S-"]["precision"]["value"] is None
    assert report["categories"]["S"]["precision"]["value"] == specific / (specific + less + injections)
    matrix = report["confusion"]["expected_by_given"]
    assert (matrix[0][4], matrix[3][4], matrix[3][3]) == (injections, less, 0)
    assert report["rubrics"] == [{"name": "strict", "version": 1}]
    assert report["account"]["asked"] == len(GOLD)
    # All the pairs that the fast path leaves, and the one that proves the server alive.
    assert report["account"]["server"] == len(fake.chats) - 1
    assert report["account"]["server"] + report["account"]["fast_path"] == len(GOLD)
    assert report["account"]["latency_p50_s"] > 0
    assert f"{report['accuracy']['value']:.1%}" in result.stdout.splitlines()[0]
    with Image.open(tmp_path / "report" / "confusion.png") as picture:
        picture.verify()
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == ["calibration.json", "confusion.png"]


@pytest.mark.parametrize(("rubric", "lowest"), [("binary", Category.GENERIC), ("exact", Category.SPECIFIC)])
async def test_calibrate_rubric_of_two_grades_is_measured_on_correct_and_wrong(fake, ask, tmp_path, rubric, lowest):
    fine = {entry.pair for entry in GOLD if entry.category >= lowest}
    answer_by(fake, lambda pair: "correct" if pair in fine else "wrong")
    flags = ["--judge-set", f"prompt={rubric}", "--min-accuracy", "1", "--out", tmp_path]
    result = await ask("calibrate", *flags)
    assert result.exit_code == 0, result.stderr
    report = json.loads((tmp_path / "calibration.json").read_text())
    assert report["confusion"] == {
        "categories": ["W", "S"],
        "expected_by_given": [[len(GOLD) - len(fine), 0], [0, len(fine)]],
    }


@pytest.mark.parametrize(("least", "status"), [("0.5", 0), ("0.99", 1)])
def test_calibrate_min_accuracy_sets_the_status(least, status):
    result = run("calibrate", *BIRDS, "--min-accuracy", least)
    assert result.exit_code == status
    assert ("below --min-accuracy 0.99" in result.stderr) == bool(status)
    birds = sum(entry.domain == "birds" for entry in GOLD)
    assert f" of {birds} pairs" in result.stdout.splitlines()[0]


def test_calibrate_gold_set_of_the_user(tmp_path):
    line = {"ground_truth": "Mallard", "prediction": "duck", "category": "S-", "domain": "ponds", "kind": "parent"}
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps(line))
    result = run("calibrate", "--judge", "taxonomy", "--gold", path, "--min-accuracy", "1")
    assert result.exit_code == 0
    assert "1 of 1 pairs" in result.stdout


async def test_calibrate_takes_nothing_from_the_users_cache(fake, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "mine.jsonl"
    line = {"ground_truth": "wren", "prediction": "bird", "category": "G", "domain": "birds", "kind": "generic"}
    path.write_text(json.dumps(line))
    fake.answer = "generic"
    for _ in range(2):
        result = await asyncio.to_thread(run, "calibrate", "--judge-url", fake.url, "--gold", path)
        assert "1 asked; 1 server; 0 failed" in result.stdout
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        pytest.param([*BIRDS, "--domain", "cheese"], "--domain cheese: the gold set has birds, flowers", id="domain"),
        pytest.param(["--judge", "taxonomy"], "does not know the ground truth", id="another domain's taxonomy"),
        pytest.param([*BIRDS, "--gold", "nowhere.jsonl"], "nowhere.jsonl", id="no gold set"),
    ],
)
def test_calibrate_refusal_is_status_2(flags, message):
    result = run("calibrate", *flags)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr.splitlines()[-1]


def test_calibrate_without_matplotlib_says_so_before_it_judges(monkeypatch, tmp_path):
    monkeypatch.setattr(calibration_report, "find_spec", lambda name: None)
    result = run("calibrate", *BIRDS, "--out", tmp_path / "report")
    assert result.exit_code == 2
    assert "speciarl_verl[quickstart]" in result.stderr
    assert "asked" not in result.stderr
    assert not (tmp_path / "report").exists()
