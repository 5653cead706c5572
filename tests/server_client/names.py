"""What a made-up user of the client calls its settings."""

from speciarl_verl.server_client.endpoint import Endpoint, SettingNames

NAMES = SettingNames("oracle", "--url", "--model", "--key-env", "--key-file", "--body")


def at(url: str, **settings: str) -> Endpoint:
    """The endpoint of a URL."""
    return Endpoint.from_url(url, NAMES, **settings)
