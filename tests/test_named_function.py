"""Functions that the configuration names."""

import re
import sys
from pathlib import Path

import pytest

from speciarl_verl.errors import ConfigError
from speciarl_verl.named_function import FUNCTION_PATH, named_function


def test_function_and_method_of_a_class_are_found() -> None:
    assert named_function("os.path:join", "key", "a", "b")("x", "y") == "x/y"
    assert named_function("pathlib:Path.cwd", "key") == Path.cwd


def test_function_written_in_c_without_a_signature_is_taken() -> None:
    assert named_function("builtins:max", "key", "values") is max


def test_module_that_fails_when_it_is_imported_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_module_of_mine.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    message = r"speciarl.x=broken_module_of_mine:f: cannot be imported \(ZeroDivisionError: division by zero\)"
    with pytest.raises(ConfigError, match=message):
        named_function("broken_module_of_mine:f", "speciarl.x")
    assert "broken_module_of_mine" not in sys.modules


@pytest.mark.parametrize("path", ["a:b", "package.module:function", "p.m:Class.method", "_p:_f"])
def test_function_path_takes_a_module_and_a_function(path: str) -> None:
    assert re.search(FUNCTION_PATH, path)


@pytest.mark.parametrize("path", ["", "a", "a.b", "a:", ":b", "a:b:c", "a b:c", "a/b.py:c", "1a:b", "a:b()"])
def test_function_path_takes_nothing_else(path: str) -> None:
    assert not re.search(FUNCTION_PATH, path)
