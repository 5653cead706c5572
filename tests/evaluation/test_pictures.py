import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from speciarl_verl.errors import DataContractError, EvaluationError
from speciarl_verl.evaluation.pictures import (
    NO_LIMIT,
    PictureError,
    PictureFiles,
    describe_files,
    draw,
    open_picture,
    read_pictures,
)
from tests.evaluation.small_set import png, small_set, write_set


def test_read_names_every_row_of_every_file(tmp_path: Path) -> None:
    cub = write_set(tmp_path / "a.parquet", ["Blue Jay", "Cardinal"])
    pets = write_set(tmp_path / "b.parquet", ["beagle"], dataset="oxford_pets")
    pictures = read_pictures([cub, pets])
    assert [(p.dataset, p.image, p.ground_truth, p.row) for p in pictures] == [
        ("cub", "000.png", "Blue Jay", 0),
        ("cub", "001.png", "Cardinal", 1),
        ("oxford_pets", "000.png", "beagle", 0),
    ]
    assert [Path(p.file).name for p in pictures] == ["a.parquet", "a.parquet", "b.parquet"]


def test_read_refuses_a_picture_given_twice(tmp_path: Path) -> None:
    file = write_set(tmp_path / "a.parquet", ["Blue Jay", "Cardinal"])
    with pytest.raises(EvaluationError, match=r"cub/000\.png is there twice: row 0 of .* and row 0 of"):
        read_pictures([file, file])


def test_read_refuses_a_foreign_parquet(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataContractError, match=r"a\.parquet"):
        read_pictures([str(tmp_path / "a.parquet")])


def test_fingerprint_tells_content_and_not_layout(tmp_path: Path) -> None:
    def mark(name: str, labels: list[str], **changes: object) -> str:
        return describe_files(read_pictures([write_set(tmp_path / name, labels, **changes)]))[0].fingerprint  # type: ignore[arg-type]

    labels = ["Blue Jay", "Cardinal", "Wren"]
    first = mark("a.parquet", labels)
    assert mark("moved.parquet", labels, row_group_size=3) == first
    others = {
        mark("b.parquet", [*labels[:2], "Robin"]),
        mark("c.parquet", labels, pictures=[png(7), png(8), png(9)]),
        mark("d.parquet", labels, names=["x", "y", "z"]),
        mark("e.parquet", labels[:2]),
    }
    assert len(others | {first}) == 5


def test_files_give_the_stored_bytes_in_any_order(tmp_path: Path) -> None:
    pictures = small_set(tmp_path, count=25)
    files = PictureFiles()
    for picture in [*reversed(pictures), *pictures[::7]]:
        assert files.read(picture) == png(picture.row)


def test_files_refuse_bytes_of_another_hash(tmp_path: Path) -> None:
    data = png(1)
    wrong = hashlib.sha256(b"other").hexdigest()
    (picture,) = read_pictures([write_set(tmp_path / "a.parquet", ["Wren"], pictures=[data], hashes=[wrong])])
    with pytest.raises(PictureError, match=r"a\.parquet row 0: not the bytes of its content_hash"):
        PictureFiles().read(picture)


def test_draw_is_by_data_set_nested_and_seeded(tmp_path: Path) -> None:
    pictures = small_set(tmp_path, 40) + small_set(tmp_path, 30, dataset="oxford_pets")
    small, large, other = draw(pictures, 5, seed=0), draw(pictures, 12, seed=0), draw(pictures, 5, seed=1)
    assert [sum(p.dataset == name for p in small) for name in ("cub", "oxford_pets")] == [5, 5]
    assert set(small) < set(large)
    assert set(other) != set(small)
    assert large == [picture for picture in pictures if picture in set(large)]
    assert draw(pictures, None, seed=0) == pictures


def jpeg(size: tuple[int, int]) -> bytes:
    data = io.BytesIO()
    Image.effect_noise(size, 80).convert("RGB").save(data, "JPEG")
    return data.getvalue()


@pytest.mark.parametrize("patch_size", [14, 16])
@pytest.mark.parametrize("data", [jpeg((333, 250)), png(9, (30, 500), "RGBA"), png(3, (91, 77), "L")])
def test_open_is_what_verl_shows_the_model(data: bytes, patch_size: int) -> None:
    from verl.utils.dataset import rl_dataset

    content = [{"type": "image", "image": Image.open(io.BytesIO(data))}, {"type": "text", "text": "?"}]
    (expected,), _, _ = rl_dataset.RLHFDataset._process_multi_modal_info(
        [{"role": "user", "content": content}], image_patch_size=patch_size, config={}
    )
    opened = open_picture(data, patch_size)
    assert opened.size == expected.size
    assert opened.mode == expected.mode == "RGB"
    assert opened.tobytes() == expected.tobytes()


def test_open_keeps_the_pixel_budget() -> None:
    data = jpeg((900, 600))
    small = open_picture(data, 14, max_pixels=50_000)
    large = open_picture(data, 14, min_pixels=1_000_000)
    assert 40_000 < small.width * small.height <= 50_000
    assert large.width * large.height >= 1_000_000
    assert all(side % 28 == 0 for side in (*small.size, *large.size))


def test_open_without_a_limit_keeps_the_size_but_for_whole_patches() -> None:
    size = (4200, 3220)
    assert open_picture(jpeg(size), 14).size < size
    assert open_picture(jpeg(size), 14, max_pixels=NO_LIMIT).size == size
    assert open_picture(jpeg((29, 29)), 14, NO_LIMIT, NO_LIMIT).size == (28, 28)


@pytest.mark.parametrize(
    "data", [b"", b"<html>", jpeg((64, 64))[:400], png(1, (2000, 5))], ids=["empty", "page", "cut", "sliver"]
)
def test_open_refuses_what_is_no_picture_for_the_model(data: bytes) -> None:
    with pytest.raises(PictureError, match="cannot be opened"):
        open_picture(data, 14)
