"""Fixtures that several rooms of tests use; properties are tried the same way each time, however long it takes."""

from hypothesis import HealthCheck, settings

settings.register_profile("house", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

pytest_plugins = ["tests.judge.fake_server"]
