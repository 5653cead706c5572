"""The `speciarl.judge` node of the configuration, checked before anything starts."""

import json
import re
from enum import Enum
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from speciarl_verl.named_function import FUNCTION_PATH
from speciarl_verl.server_client.endpoint import Endpoint, SettingNames, checked_url
from speciarl_verl.server_client.failure import ServerError

JUDGE_KEYS = SettingNames(
    server="judge server",
    url="speciarl.judge.url",
    model="speciarl.judge.model",
    api_key_env="speciarl.judge.api_key_env",
    api_key_file="speciarl.judge.api_key_file",
    body="speciarl.judge.max_tokens_key, temperature and extra_body",
)
_OURS = frozenset({"model", "messages", "n", "stream", "temperature", "seed", "logprobs", "top_logprobs"})
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class TaxonomyJudgeConfig(BaseModel):
    """The offline judge.

    >>> TaxonomyJudgeConfig(taxonomy="my_birds.json").name
    'taxonomy'

    Attributes:
        taxonomy: the name of a shipped taxonomy, or the path of a file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: Literal["taxonomy"] = "taxonomy"
    taxonomy: str = "cub"


class Output(str, Enum):
    """What the LLM answers with: the words of the category, or one letter (one decoding step, and a confidence)."""

    LABEL = "label"
    LETTER = "letter"


class MaxTokensKey(str, Enum):
    """Under which name a server is told how long an answer may be; some know one only, or none."""

    MAX_TOKENS = "max_tokens"
    MAX_COMPLETION_TOKENS = "max_completion_tokens"
    NONE = "none"


class VotesConfig(BaseModel):
    """Several calls a pair, the majority decides, ties go to the lower category.

    Attributes:
        calls: how many of the same question, at `temperature`, each with a seed of its own. 1 is no vote.
        temperature: of the calls, when there are several; null leaves it to the server.
        prompts: instead of `calls`: rubrics, one call each at temperature 0; the judge's own `prompt` is not asked.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    calls: int = Field(default=1, ge=1)
    temperature: float | None = Field(default=0.7, gt=0, allow_inf_nan=False)
    prompts: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_kind_of_vote(self) -> "VotesConfig":
        if self.prompts and self.calls > 1:
            raise ValueError("votes are either several calls of one prompt or one call of several prompts: drop one")
        if len(set(self.prompts)) != len(self.prompts) or len(self.prompts) == 1:
            raise ValueError("votes.prompts needs two different rubrics or more")
        return self


class AuditConfig(BaseModel):
    """A second opinion on some of the verdicts of a training. There is none until somebody is named to give it.

    Attributes:
        share: of the verdicts, in (0, 1], drawn by `speciarl.seed`; at most `most` a step and process.
        tolerance: share of their verdicts, in (0, 1), in which two careful opinions may differ without a warning.
        prompt: another rubric, and `model` another model: of the judge's own server, or of the one at `url`.
        taxonomy: instead of an LLM, a shipped taxonomy or a file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    share: float = Field(default=0.01, gt=0, le=1)
    most: int = Field(default=64, ge=1)
    tolerance: float = Field(default=0.02, gt=0, lt=1)
    prompt: str | None = None
    model: str | None = None
    url: str | None = None
    taxonomy: str | None = None

    @property
    def by_llm(self) -> bool:
        """Whether an LLM is named."""
        return any(value is not None for value in (self.prompt, self.model, self.url))

    @property
    def is_on(self) -> bool:
        """Whether anybody is named."""
        return self.by_llm or self.taxonomy is not None

    @field_validator("url")
    @classmethod
    def _is_plain_http(cls, url: str | None) -> str | None:
        return None if url is None else checked_url(url).rstrip("/")

    @model_validator(mode="after")
    def _one_opinion(self) -> "AuditConfig":
        if self.taxonomy is not None and self.by_llm:
            raise ValueError("the second opinion is a taxonomy's or an LLM's (prompt, model, url): drop one")
        return self


class LLMJudgeConfig(BaseModel):
    """What every LLM judge has, wherever it runs.

    Attributes:
        model: the first one that the server lists when null.
        prompt: the name of a shipped rubric, or the path of a text file.
        output: the words of a category, or one letter.
        temperature: of one call; null sends none, for servers that take their own only.
        max_tokens_key: under which name the server is told how long an answer may be; none does not tell it.
        extra_body: further fields of each request, which take the place of ours of that name.
        fast_path: decide without the LLM what needs none.
        fast_path_probe: ask the LLM about this share, in [0, 1], of it all the same, and count where it agrees.
        cache: `user` (a file in the user's cache folder), `memory`, the path of a file, or `redis://host:port/db`.
        cache_password_env: the NAME of the environment variable that holds the password of a Redis cache.
        votes: several calls a pair.
        audit: a second opinion on some verdicts, in a training only.
        timeout_s: seconds for one request.
        budget_s: seconds for one answer, retries and their waits included, once it has one of the `max_concurrency`
            places.
        max_concurrency: requests in flight at once, in one process.
        proxy: go through the proxy that the environment names (HTTP_PROXY, HTTPS_PROXY); it sees what http:// sends.
        api_key_env: the NAME of the environment variable that holds the key.
        api_key_file: the path of a file that holds the key.
    """

    # A rejected value may hold a secret, and pydantic would quote it.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    model: str | None = None
    prompt: str = "strict"
    output: Output = Output.LABEL
    temperature: float | None = Field(default=0.0, ge=0, allow_inf_nan=False)
    max_tokens_key: MaxTokensKey = MaxTokensKey.MAX_TOKENS
    extra_body: dict[str, JsonValue] = Field(default_factory=dict)
    fast_path: bool = True
    fast_path_probe: float = Field(default=0.0, ge=0, le=1)
    cache: str = Field(default="user", min_length=1)
    cache_password_env: str | None = None
    votes: VotesConfig = Field(default_factory=lambda: VotesConfig())
    audit: AuditConfig = Field(default_factory=lambda: AuditConfig())
    timeout_s: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    budget_s: float = Field(default=300.0, gt=0, allow_inf_nan=False)
    max_concurrency: int = Field(default=64, ge=1)
    proxy: bool = False
    api_key_env: str | None = None
    api_key_file: str | None = None

    def __hash__(self) -> int:
        """Of all fields, `extra_body` among them, which is no hashable type."""
        return hash(self.model_dump_json())

    @field_validator("cache")
    @classmethod
    def _is_without_credentials(cls, cache: str) -> str:
        if "://" in cache:
            parts = urlsplit(cache)
            if parts.scheme not in ("redis", "rediss") or not parts.hostname:
                raise ValueError("the judge's cache must be user, memory, a file, or redis://host:port/db")
            if "@" in parts.netloc or parts.query:
                raise ValueError("the cache's url must carry no credentials: name them in cache_password_env")
        return cache

    @field_validator("extra_body")
    @classmethod
    def _leaves_the_question(cls, fields: dict[str, JsonValue]) -> dict[str, JsonValue]:
        taken = sorted(_OURS & fields.keys())
        if taken:
            raise ValueError(f"{', '.join(taken)} cannot be set here: they have keys of their own, or are the question")
        return fields

    @field_validator("api_key_env", "cache_password_env")
    @classmethod
    def _is_a_name(cls, variable: str | None) -> str | None:
        if variable is not None and not _VARIABLE.fullmatch(variable):
            raise ValueError("this is not the name of an environment variable (never the secret itself)")
        return variable

    @model_validator(mode="after")
    def _one_key(self) -> "LLMJudgeConfig":
        if self.api_key_env is not None and self.api_key_file is not None:
            raise ValueError("the key comes from api_key_env or from api_key_file, not from both")
        return self


class ServerJudgeConfig(LLMJudgeConfig):
    """An LLM behind an OpenAI-compatible endpoint (SGLang, vLLM or another).

    >>> ServerJudgeConfig(url="http://127.0.0.1:30000", output="letter", cache="memory").budget_s
    300.0

    Attributes:
        url: `http://host:port`, or the base URL of the API where it does not live under `/v1`.
    """

    name: Literal["server"] = "server"
    url: str | None = None

    @field_validator("url")
    @classmethod
    def _is_plain_http(cls, url: str | None) -> str | None:
        return None if url is None else checked_url(url).rstrip("/")

    def endpoint(self, names: SettingNames = JUDGE_KEYS) -> Endpoint:
        """Where the server is, with its key.

        Raises:
            ServerError: no URL is configured, or the key cannot be had.
        """
        if self.url is None:
            raise ServerError(f"{names.url} is missing, such as http://127.0.0.1:30000")
        return Endpoint.from_url(self.url, names, self.api_key_env, self.api_key_file)


class HostedJudgeConfig(LLMJudgeConfig):
    """An LLM that verl hosts beside a training (`reward.reward_model`); where, is known inside the run only."""

    name: Literal["hosted"] = "hosted"

    def at(self, url: str) -> ServerJudgeConfig:
        """The same judge as a server."""
        return ServerJudgeConfig(**{**dict(self), "name": "server"}, url=url)


class CustomJudgeConfig(BaseModel):
    """A judge of the user's own.

    >>> CustomJudgeConfig(factory="my_package.judges:make", options={"strict": True}).options["strict"]
    True

    Attributes:
        factory: `package.module:function`, from the options to a `Judge`.
        options: plain data. They are written into the files of runs: name a variable or a file that holds a secret.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    name: Literal["custom"] = "custom"
    factory: str
    options: dict[str, Any] = {}

    @field_validator("factory", mode="before")
    @classmethod
    def _names_a_function(cls, factory: object) -> object:
        if not isinstance(factory, str) or not re.search(FUNCTION_PATH, factory):
            raise ValueError("name the function that makes your judge: package.module:function")
        return factory

    @field_validator("options", mode="before")
    @classmethod
    def _none_are_no_options(cls, options: object) -> object:
        return {} if options is None else options

    def __hash__(self) -> int:
        return hash((self.factory, json.dumps(self.options, sort_keys=True, default=str)))


JudgeConfig = Annotated[TaxonomyJudgeConfig | ServerJudgeConfig | CustomJudgeConfig, Field(discriminator="name")]
"""A judge that any process can build."""

RunJudgeConfig = Annotated[
    TaxonomyJudgeConfig | ServerJudgeConfig | HostedJudgeConfig | CustomJudgeConfig, Field(discriminator="name")
]
"""What a training may name."""
