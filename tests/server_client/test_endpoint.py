"""Where the server is and with which key: read from settings, and named in messages by its user's words."""

import traceback

import pytest

from speciarl_verl.server_client.endpoint import Endpoint, checked_url, secret_of
from speciarl_verl.server_client.failure import ServerError
from tests.server_client.names import NAMES

KEY = "sk-Secret-4711-abc"


@pytest.mark.parametrize(
    ("url", "api", "root"),
    [
        pytest.param("http://h:1", "http://h:1/v1", "http://h:1", id="bare"),
        pytest.param("http://h:1/", "http://h:1/v1", "http://h:1", id="slash"),
        pytest.param("https://h/openai/v9/", "https://h/openai/v9", "https://h/openai/v9", id="path"),
        pytest.param("http://h:1/v1/", "http://h:1/v1", "http://h:1", id="v1"),
        pytest.param("http://[::1]:30000", "http://[::1]:30000/v1", "http://[::1]:30000", id="IPv6"),
        pytest.param("HTTP://h:1", "http://h:1/v1", "http://h:1", id="capitals"),
        pytest.param("http://h:1/v1/chat/completions", "http://h:1/v1", "http://h:1", id="the whole address pasted"),
    ],
)
def test_endpoint_of_a_url(url, api, root):
    endpoint = Endpoint.from_url(url, NAMES)
    assert (endpoint.api, endpoint.root, endpoint.headers) == (api, root, {})


def test_s6_query_of_azure_stays_behind_every_path(monkeypatch):
    monkeypatch.setenv("SERVER_KEY", KEY)
    url = "https://r.example/openai/deployments/d?api-version=2024-10-21"
    endpoint = Endpoint.from_url(url, NAMES, api_key_env="SERVER_KEY")
    at = "https://r.example/openai/deployments/d/chat/completions?api-version=2024-10-21"
    assert endpoint.url("/chat/completions") == at
    # Azure takes its keys in a header of its own.
    assert endpoint.headers == {"api-key": KEY}
    pasted = Endpoint.from_url(at, NAMES)
    assert pasted.url("/chat/completions") == at


def test_endpoint_key_is_a_bearer_token(monkeypatch):
    monkeypatch.setenv("SERVER_KEY", KEY)
    assert Endpoint.from_url("http://h:1", NAMES, "SERVER_KEY").headers == {"Authorization": f"Bearer {KEY}"}


@pytest.mark.parametrize("space", [" ", "\n", "\u00a0", "\t "])
def test_s6_white_space_around_a_url_is_taken_off(space):
    assert checked_url(f"{space}http://h:1{space}") == "http://h:1"


@pytest.mark.parametrize(
    "url",
    [
        *("", "h:1", "localhost:30000", "ftp://h", "http://", "http://h:port", "http://h:0", "http://h:99999"),
        *("http://h 1", "http://h:1/a b", "http://h\u200b:1"),
        *(f"http://me:{KEY}@h:1", f"http://h:1?key={KEY}", f"http://h:1?api_key={KEY}", f"http://h:1#{KEY}"),
        *(f"http://h:1?api-version=1&sig={KEY}", f"http://h:1?Subscription-Key={KEY}", f"http://h:1?x-token={KEY}"),
    ],
)
def test_checked_url_that_cannot_be_used_or_holds_a_secret_is_refused_and_not_quoted(url):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        checked_url(url)
    assert KEY not in str(error.value)
    with pytest.raises(ServerError, match="--url: ") as refused:
        Endpoint.from_url(url, NAMES)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize("place", ["environment", "file"])
def test_endpoint_key_is_in_no_repr(place, monkeypatch, tmp_path):
    monkeypatch.setenv("SERVER_KEY", f" {KEY}\n")
    (tmp_path / "key.txt").write_text(f"{KEY}\n")
    named = {"api_key_env": "SERVER_KEY"} if place == "environment" else {"api_key_file": str(tmp_path / "key.txt")}
    endpoint = Endpoint.from_url("http://h:1", NAMES, **named)
    assert endpoint.key == KEY
    assert KEY not in f"{endpoint!r} {endpoint}"
    assert endpoint.without_key(f"a {KEY} b {KEY}") == "a *** b ***"


def test_endpoint_without_a_key_edits_nothing():
    assert Endpoint.from_url("http://h:1", NAMES).without_key("a text") == "a text"


def test_endpoint_unusable_key_is_not_quoted(tmp_path):
    path = tmp_path / "key.txt"
    for content in ("sk-t\u00e9st", "sk-two\nlines"):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(ServerError, match=r"key\.txt") as error:
            Endpoint.from_url("http://h:1", NAMES, api_key_file=str(path))
        assert "sk-t" not in "".join(traceback.format_exception(error.value)).replace(str(tmp_path), "")


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read: No such file"), (b"", "empty"), (b" \n", "empty"), (b"\xff\xfe", "not UTF-8 text")],
)
def test_endpoint_key_file_that_holds_none_is_named(tmp_path, content, message):
    path = tmp_path / "key.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ServerError, match=rf"--key-file .*key\.txt.*{message}"):
        Endpoint.from_url("http://h:1", NAMES, api_key_file=str(path))


def test_endpoint_key_file_may_start_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key.txt").write_text(KEY)
    assert Endpoint.from_url("http://h:1", NAMES, api_key_file="~/key.txt").key == KEY


def test_secret_of_no_variable_is_none():
    assert secret_of("--key-env", None) is None


@pytest.mark.parametrize("written", [f"Bearer {KEY}", f'"{KEY}"', f"'{KEY}'\n", f"\ufeff{KEY}\r\n", f"  {KEY}  "])
def test_endpoint_key_as_people_store_it(written, tmp_path):
    (tmp_path / "key.txt").write_text(written, encoding="utf-8")
    assert Endpoint.from_url("http://h:1", NAMES, api_key_file=str(tmp_path / "key.txt")).key == KEY
