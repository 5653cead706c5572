"""Where a split is cut, and what is kept of an interrupted run."""

import pytest

from data_prep.listing import Example, Stamp
from data_prep.pictures import shard


class _Sized:
    """A store of nothing but sizes: the name of a picture is its size."""

    def stamp(self, file_name: str) -> Stamp:
        return Stamp(size=int(file_name), modified=0)


def test_shard_is_closed_before_it_holds_too_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard, "MAX_BYTES", 100)
    examples = [Example(str(size), 0, None) for size in (40, 40, 40, 300, 10, 90, 1)]
    parts = list(shard.cut("train", examples, _Sized()))
    assert [[int(e.file_name) for e in part.examples] for part in parts] == [[40, 40], [40], [300], [10, 90], [1]]
    assert [part.start for part in parts] == [0, 2, 3, 4, 6]
    assert [part.size for part in parts] == [80, 40, 300, 100, 1]
