from speciarl_verl.judge.cache.answers import Answer
from speciarl_verl.judge.cache.open import open_cache
from speciarl_verl.judge.judge_config import ServerJudgeConfig
from tests.judge.cache.test_sqlite import kept
from tests.judge.entries import entry


async def test_open_cache_user_is_the_file_of_the_users_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache = open_cache(ServerJudgeConfig())
    await cache.put(entry(1))
    await cache.close()
    assert await kept(tmp_path / "speciarl_verl" / "verdicts.sqlite", 1) == [Answer("specific")]


async def test_open_cache_path_may_start_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    await open_cache(ServerJudgeConfig(cache="~/mine.sqlite")).close()
    assert (tmp_path / "mine.sqlite").exists()
