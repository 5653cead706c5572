"""A Qwen3 of about a million parameters that judges: its classes are Qwen3's own, only the sizes are not.

What serves it (SGLang, vLLM) serves the 30B too, and it is asked as that is: the chat template over the rubric as
system message and the pair as JSON, an answer of one letter.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

from recipes.quickstart.policy import INITIALIZER_RANGE, MAX_POSITIONS
from speciarl_verl.judge.judge_config import Output, ServerJudgeConfig
from speciarl_verl.judge.llm.question import Form, make_forms
from speciarl_verl.judge.protocol import Pair
from speciarl_verl.server_client.discovery import Dialect, Service

OUTPUT = Output.LETTER
PROMPT = str(Path(__file__).with_name("judge.txt"))
"""A short rubric: a model this small loses the pair among the many words of the shipped ones."""
_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_CHAT_TEMPLATE = (
    "{%- for message in messages -%}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{%- endfor -%}{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)


def question(prompt: str = PROMPT) -> Form:
    """What the judge is asked: rubric and menu, without the pair."""
    (form,) = make_forms(ServerJudgeConfig(prompt=prompt, output=OUTPUT, cache="memory"))
    return form


def messages(form: Form, pair: Pair) -> list[dict[str, str]]:
    """The chat of one pair, as the client sends it."""
    sent = form.body(pair, Service(Dialect.SGLANG, "judge"))["messages"]
    assert isinstance(sent, list)
    return sent


def build_tokenizer(form: Form, pairs: Sequence[Pair]) -> PreTrainedTokenizerFast:
    """Byte-level BPE in which every word of the rubric and of the pairs is one token; any text encodes."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=4096,  # more than the words need: merging ends when each is one token
        special_tokens=list(_SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    texts = ["system\n", "user\n", "assistant\n"]
    texts += [message["content"] for pair in pairs for message in messages(form, pair)[1:]]
    bpe.train_from_iterator([*texts, form.system["content"]], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=_CHAT_TEMPLATE,
        model_max_length=MAX_POSITIONS,
    )


def build_model(tokenizer: PreTrainedTokenizerFast, seed: int) -> Qwen3ForCausalLM:
    """Random fp32 weights, in which each head begins by looking for tokens like the one that it stands at.

    To judge is to see whether the prediction's words are the truth's, and of weights all at random a model this small
    takes several times as many steps to find that out.
    """
    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=640,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=MAX_POSITIONS,
        tie_word_embeddings=True,
        initializer_range=INITIALIZER_RANGE,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = Qwen3ForCausalLM(config).float()
    for layer in model.model.layers:
        attention = layer.self_attn
        # The keys of a group of heads are its first head's queries.
        queries = attention.q_proj.weight.detach().unflatten(0, (config.num_key_value_heads, -1, config.head_dim))
        attention.k_proj.weight.data.copy_(queries[:, 0].flatten(0, 1))
    return model


def save_judge(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write a Hugging Face folder, which SGLang and vLLM serve."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
