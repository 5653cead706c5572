"""What the environment says about the way to a server: whose certificates are believed, and through which proxy."""

import os
import ssl
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi
from yarl import URL

from speciarl_verl.server_client.endpoint import Endpoint
from speciarl_verl.server_client.failure import ServerError


def certificates(endpoint: Endpoint) -> ssl.SSLContext:
    """Whose signatures are believed: SSL_CERT_FILE and SSL_CERT_DIR, otherwise certifi's.

    Raises:
        ServerError: they cannot be read.
    """
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    try:
        return ssl.create_default_context(cafile=file or (None if folder else certifi.where()), capath=folder or None)
    except OSError as error:
        server = f"{endpoint.names.server} {endpoint.api}"
        raise ServerError(
            f"{server}: no certificates can be read from {file or folder} (SSL_CERT_FILE): {error}"
        ) from error


def proxy_of(endpoint: Endpoint) -> URL | None:
    """The proxy that the environment names for the server; aiohttp by itself heeds no ALL_PROXY.

    Raises:
        ServerError: it is of a kind that cannot be used.
    """
    named, server = getproxies(), urlsplit(endpoint.api)
    proxy = named.get(server.scheme) or named.get("all")
    if proxy is None or proxy_bypass(server.netloc):
        return None
    try:
        address = URL(proxy if "://" in proxy else f"http://{proxy}")
        usable = address.scheme in ("http", "https") and address.host is not None
    except ValueError:
        usable = False
    if not usable:
        # Not quoted, as it may hold a password.
        raise ServerError(
            f"{endpoint.names.server} {endpoint.api}: the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names cannot "
            "be used: only http:// and https:// proxies can"
        ) from None
    return address
