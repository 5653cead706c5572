"""The world of the trainings, as tests/e2e has it."""

from tests.e2e.conftest import world

__all__ = ["world"]
