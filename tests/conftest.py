"""Fixtures that several rooms of tests use."""

pytest_plugins = ["tests.judge.fake_server"]
