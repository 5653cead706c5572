from typer.testing import CliRunner

from speciarl_verl.cli.main import app


def test_help_of_a_command_keeps_its_panels() -> None:
    output = CliRunner().invoke(app, ["evaluate", "--help"]).output
    assert "Speed and patience" in output
    assert "Commands:" in CliRunner().invoke(app, ["--help"]).output
