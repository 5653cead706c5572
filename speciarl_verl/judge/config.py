"""The `speciarl.judge` node of the configuration, checked before anything starts."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator


class TaxonomyJudgeConfig(BaseModel):
    """The offline judge.

    Attributes:
        taxonomy: the name of a shipped taxonomy, or the path of a file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["taxonomy"] = "taxonomy"
    taxonomy: str = "cub"


class ServerJudgeConfig(BaseModel):
    """An LLM behind an OpenAI-compatible endpoint (SGLang, vLLM or another).

    Attributes:
        url: `http://host:port`, or the base URL of the API where it does not live under `/v1`.
        model: the first one that the server lists when null.
        prompt: the name of a shipped rubric, or the path of a text file.
        timeout_s: seconds for one request.
        budget_s: seconds for one verdict, retries and their waits included, once it has one of the
            `max_concurrency` places.
        max_concurrency: requests in flight at once, in one process.
        api_key_env: the NAME of the environment variable that holds the key.
    """

    # A rejected URL may hold a secret, and pydantic would quote it.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Literal["server"] = "server"
    url: str | None = None
    model: str | None = None
    prompt: str = "strict"
    timeout_s: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    budget_s: float = Field(default=300.0, gt=0, allow_inf_nan=False)
    max_concurrency: int = Field(default=64, ge=1)
    api_key_env: str | None = None

    @field_validator("url")
    @classmethod
    def _is_plain_http(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        # Reading a port that is no number raises ValueError by itself.
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError("the judge's url must look like http://host:port")
        # A URL is logged and named in errors, so it must not carry a secret.
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("the judge's url must carry no credentials and no query: name the key in api_key_env")
        return url.rstrip("/")


JudgeConfig = Annotated[TaxonomyJudgeConfig | ServerJudgeConfig, Field(discriminator="name")]
