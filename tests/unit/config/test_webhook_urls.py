"""Who may be told that a batch has settled."""

import pytest

from worker.config.webhook_urls import (
    fault_of_address,
    fault_of_origins,
    fault_of_secret,
    origin_of,
)


@pytest.mark.parametrize(
    "url", ["https://sis.example/hook?key=1", "http://127.0.0.1:8080/", "http://[::1]/hook"]
)
def test_an_address_is_taken(url: str) -> None:
    """Over https, or on this machine."""
    assert fault_of_address(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "", "sis.example", "ftp://sis.example", "http://sis.example/hook", "https:///hook",
        "https://me:word@sis.example/", "https://sis.example/#part", "https://sis.example/a b",
        "https://sis.example/\r\nX: y", "https://[::1", "https://sis.example/" + "a" * 2000,
    ],
)  # fmt: skip
def test_an_address_is_refused(url: str) -> None:
    """What is none, or would go over the net in the clear."""
    assert fault_of_address(url) is not None


def test_origins_are_without_a_path() -> None:
    """With or without a port."""
    assert fault_of_origins("https://sis.example https://a.example:8443/") is None
    assert fault_of_origins("https://sis.example/hook") is not None
    assert fault_of_origins("sis.example") is not None
    assert origin_of("https://SIS.example/hook?a") == origin_of("https://sis.example:443")
    assert origin_of("https://sis.example:8443") != origin_of("https://sis.example")


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_short", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
)
def test_a_secret_has_a_form(secret: str) -> None:
    """That of the standard."""
    assert fault_of_secret(secret) is not None
    assert fault_of_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") is None
