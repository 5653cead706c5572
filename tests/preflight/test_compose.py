import pytest

from speciarl_verl.errors import ConfigError
from speciarl_verl.preflight import compose
from speciarl_verl.preflight.compose import compose_config
from tests.config.test_run_checks import CPU
from tests.fresh_python import run


def test_an_override_is_in_what_is_composed() -> None:
    config = compose_config([*CPU, "trainer.total_epochs=7"])
    assert (config.trainer.total_epochs, config.speciarl.profile) == (7, "cpu")


@pytest.mark.parametrize("override", ["trainer.total_epoch=7", "speciarl/algo=none", "trainer.total_epochs=[", "a b"])
def test_an_override_that_cannot_be_is_one_line(override: str) -> None:
    with pytest.raises(ConfigError, match="the configuration does not compose: ") as refused:
        compose_config([*CPU, override])
    assert "\n" not in str(refused.value)


def test_verl_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="verl is not installed"):
        compose_config(CPU)


def test_neither_torch_nor_verl_is_loaded() -> None:
    code = f"""
        import sys
        from speciarl_verl.preflight.compose import compose_config
        compose_config({CPU!r})
        print([name for name in ("torch", "verl", "ray") if name in sys.modules])
    """
    assert run(code) == "[]"
