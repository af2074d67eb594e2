"""Messages by Apprise to a web hook on this machine: what arrives, what is said otherwise, and what never is."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from hooks import SECRET, Hook, hooked
from ml_connector.connectors.apprise_post import ApprisePost
from ml_connector.core.errors import ConfigurationError, ConnectorError, RetryableError
from ml_connector.core.waits import DATABASE


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hooked() as opened:
        yield opened


def post(url: str) -> str:
    return ApprisePost(lambda name: {"alerts.hook": url}[name]).send(
        "alerts.hook", "A title", "What.\n\nDo it."
    )


def test_a_message_arrives(hook: Hook) -> None:
    assert post(hook.url) == ""
    [took] = hook.took
    assert (took["title"], took["message"]) == ("A title", "What.\n\nDo it.")
    assert took["attachments"] == []


def test_one_that_is_refused_says_so_without_the_address(hook: Hook) -> None:
    hook.status = 403
    said = post(hook.url)
    assert "error=403" in said
    assert SECRET not in said
    assert "127.0.0.1" not in said, "with some services the host is a token"


def test_nobody_there_is_said(hook: Hook) -> None:
    hook.port = 1
    assert post(hook.url).startswith("A Connection error occurred")
    assert hook.took == []


@pytest.mark.parametrize("url", ["no address", "nowhere://x", f"json://:{SECRET}@", ""])
def test_what_is_no_address_is_for_a_person(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"alerts\.hook is no address") as caught:
        post(url)
    assert caught.value.remedy.startswith("Set it anew: ml-connector secrets set alerts.hook")
    assert SECRET not in f"{caught.value!r} {caught.value.remedy} {caught.value.__context__}"


def test_certificates_are_always_verified() -> None:
    with pytest.raises(ConfigurationError, match="certificates are not to be verified"):
        post("jsons://127.0.0.1:1/?verify=no")


def test_nothing_of_the_address_is_logged_however_much_is(
    hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(1):
        logging.getLogger("apprise").setLevel(1)
        logging.getLogger("urllib3").setLevel(1)
        post(hook.url)
        hook.status = 500
        post(hook.url)
    assert len(hook.took) == 1
    assert SECRET not in caplog.text


def test_while_the_database_is_away_an_address_is_as_it_last_was(hook: Hook) -> None:
    away = RetryableError("The database does not answer.")
    away.system = DATABASE
    kept: dict[str, str | ConnectorError] = {
        "alerts.hook": hook.url,
        "alerts.none": ConfigurationError("The secret is not set."),
    }

    def reveal(name: str) -> str:
        found = kept[name]
        if isinstance(found, ConnectorError):
            raise found
        return found

    post = ApprisePost(reveal)
    post.remember(list(kept))
    kept |= dict.fromkeys(kept, away)
    assert post.send("alerts.hook", "A title", "What.") == ""
    assert len(hook.took) == 1
    with pytest.raises(RetryableError):
        post.send("alerts.none", "A title", "What.")
    with pytest.raises(RetryableError):
        post.remember(["alerts.hook"])
    kept["alerts.hook"] = ConfigurationError("The secret is not set.")  # a person took it away
    with pytest.raises(ConfigurationError):
        post.send("alerts.hook", "A title", "What.")
