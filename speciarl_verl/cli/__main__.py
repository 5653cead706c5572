"""The command `speciarl`, as `python -m speciarl_verl.cli`."""

from speciarl_verl.cli.main import main

main()
