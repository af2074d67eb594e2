"""What ping and provision make of what the systems say, and how every error ends."""

import errno
import json
import re
import resource

import pytest
import typer
from typer.testing import CliRunner

from ml_connector.cli.checks import System, show_tried, try_systems
from ml_connector.cli.exits import Exit
from ml_connector.cli.group import LOG_NAME, SentenceGroup
from ml_connector.cli.options import SettingsPath
from ml_connector.cli.provision_show import (
    End,
    missing_of,
    show_by_hand,
    show_end,
    show_states,
    states_after,
)
from ml_connector.cli.zoho import steps
from ml_connector.core.errors import (
    ConfigurationError,
    NotPermittedError,
    RecordRejectedError,
    RetryableError,
)
from ml_connector.core.needs import FieldNeed, FieldState
from ml_connector.core.ports import Check

GOOD = Check("reached", ok=True, detail="3 ms")
BAD = Check("scope [coql]", ok=False, detail="missing", remedy="Grant it.")
KEY = FieldNeed("Accounts", "GP_Customer_ID", "GP Customer ID", "text", 50, unique=True, external=True)
STANDARD = FieldNeed("Accounts", "Phone")


def raises(error):
    def call():
        raise error

    return call


AWAY, REFUSED = RetryableError("Away.", "Wait."), ConfigurationError("Refused.", "Set it.")


@pytest.mark.parametrize(
    ("system", "code"),
    [
        (System("one", lambda: [GOOD], raises(AWAY)), Exit.DONE),  # no failed check: no probe
        (System("one", lambda: [GOOD, BAD], raises(AWAY)), Exit.NEEDS_A_PERSON),
        (System("one", lambda: [BAD], lambda: 0.0), Exit.NEEDS_A_PERSON),
        (System("one", lambda: [BAD], raises(AWAY)), Exit.SYSTEM_AWAY),
        (System("one", lambda: [BAD], raises(REFUSED)), Exit.WRONG_USE),
        (System("one", raises(REFUSED), lambda: 0.0), Exit.WRONG_USE),
    ],
)
def test_ping_tries_both_and_ends_by_the_worst(capsys, system, code):
    tried = try_systems([system, System("two", lambda: [GOOD], lambda: 0.0)])
    assert show_tried(tried, as_json=True) == code
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is (code is Exit.DONE)
    assert document["systems"]["two"] == [{"name": "reached", "ok": True, "detail": "3 ms", "remedy": ""}]


def test_pings_table_shows_what_failed_and_what_to_do(capsys):
    tried = try_systems([System("Zoho CRM", lambda: [GOOD, BAD], lambda: 0.0)])
    assert show_tried(tried, as_json=False) == Exit.NEEDS_A_PERSON
    shown = capsys.readouterr()
    assert "scope [coql]" in shown.out
    assert "FAILED" in shown.out
    assert "Grant it." in shown.err


def test_what_has_one_remedy_is_told_once(capsys):
    equal = [
        Check(f"read {n}", ok=False, detail="The token is refused.", remedy="Sign in.") for n in range(14)
    ]
    show_tried(try_systems([System("Zoho CRM", lambda: [GOOD, *equal, BAD], lambda: 0.0)]), as_json=False)
    shown = capsys.readouterr()
    assert shown.out.count("The token is refused.") == 1
    assert shown.out.count("FAILED") == 15
    assert shown.err.splitlines() == [
        "Zoho CRM, read 0, read 1, read 2 and 11 more: Sign in.",
        "Zoho CRM, scope [coql]: Grant it.",
    ]
    states = [
        FieldState(
            FieldNeed("Accounts", f"F{n}", "F"), exists=False, problem=f"F{n} is not there.", remedy="Make."
        )
        for n in range(48)
    ]
    show_end(End((), states, missing_of(states)), as_json=False)
    assert (
        capsys.readouterr().err
        == "F0 is not there. F1 is not there. F2 is not there. And 45 more like it. Make.\n"
    )


def test_only_what_is_ours_is_made_and_once():
    states = [
        FieldState(KEY, exists=False, problem="It does not exist yet."),
        FieldState(STANDARD, exists=False, problem="There is no such field."),
        FieldState(KEY, exists=False, problem="It does not exist yet."),
    ]
    assert missing_of(states) == [KEY]
    assert missing_of([FieldState(KEY, exists=True)]) == []


@pytest.mark.parametrize(
    ("before", "made", "code"),
    [
        ([FieldState(KEY, exists=True)], [], Exit.DONE),
        ([FieldState(KEY, exists=False, problem="Not yet.")], [FieldState(KEY, exists=True)], Exit.DONE),
        (
            [FieldState(KEY, exists=False)],
            [FieldState(KEY, exists=False, problem="No.")],
            Exit.NEEDS_A_PERSON,
        ),
        ([FieldState(STANDARD, exists=False, problem="No.")], [], Exit.NEEDS_A_PERSON),
    ],
)
def test_provision_says_what_became_of_it(capsys, before, made, code):
    after = states_after(before, made)
    assert show_end(End((), after, []), as_json=True) == code
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is (code is Exit.DONE)
    show_states(before)
    assert show_end(End((), after, []), as_json=False) == code
    assert capsys.readouterr().out


ROOM = "the standard edition has 10 custom fields a module, and Accounts has 9 already"


def left_out(name):
    need = FieldNeed("Accounts", name, name.replace("_", " "), "currency", 16, 2)
    note = f"Accounts.{name} is left out: {ROOM}. The mappings do without it."
    return FieldState(need, exists=False, left_out=True, note=note)


def test_what_is_left_out_is_not_made_and_is_one_sentence_a_module(capsys):
    states = [
        FieldState(KEY, exists=True),
        left_out("GP_Balance"),
        left_out("GP_On_Order"),
        left_out("GP_Fax"),
    ]
    assert missing_of(states) == []
    show_states(states)
    told = capsys.readouterr()
    assert told.out.count("left out: no room") == 3
    assert told.err.count(ROOM) == 1
    assert "The same holds for 2 more: GP_On_Order, GP_Fax." in told.err
    assert show_end(End((), states, []), as_json=True) is Exit.DONE
    assert [need["name"] for need in json.loads(capsys.readouterr().out)["left_out"]] == [
        "GP_Balance",
        "GP_On_Order",
        "GP_Fax",
    ]


def test_what_somebody_else_has_to_make_is_told_exactly(capsys):
    error = NotPermittedError("Zoho does not let us create fields.", "Grant it.")
    show_by_hand(error, [KEY], as_json=False)
    told = capsys.readouterr()
    assert re.search(r"Accounts +GP Customer ID +GP_Customer_ID +Single Line +50 +yes +yes", told.out)
    assert "Setup > " in told.out
    assert "provision --check" in told.out
    assert told.err == "Zoho does not let us create fields. Grant it.\n"
    show_by_hand(error, [KEY], as_json=True)
    assert json.loads(capsys.readouterr().out)["to_make"][0]["unique"] is True


def test_authorize_names_console_and_scopes():
    text = steps("eu", "https://accounts.zoho.eu", ["ZohoCRM.org.READ", "ZohoCRM.coql.READ"])
    assert "https://api-console.zoho.eu" in text
    assert "ZohoCRM.org.READ,ZohoCRM.coql.READ" in text


@pytest.fixture
def end_with(tmp_path):
    """A program of our kind whose one command raises."""

    def run(error, *options):
        program = typer.Typer(cls=SentenceGroup, pretty_exceptions_enable=False, rich_markup_mode=None)

        @program.callback()
        def common(settings: SettingsPath = None, debug: bool = False) -> None: ...

        @program.command()
        def work(settings: SettingsPath = None) -> None:
            raise error

        return CliRunner().invoke(program, [*options, "work", "--settings", str(tmp_path / "x.toml")])

    return run


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RetryableError("It is away.", "Wait."), 4),
        (ConfigurationError("It is wrong.", "Correct it."), 2),
        (RecordRejectedError("It was refused.", "Look."), 1),
    ],
)
def test_an_expected_error_is_two_sentences(end_with, error, code):
    result = end_with(error)
    assert result.exit_code == code
    assert result.stderr.splitlines() == [error.happened, error.remedy]
    assert result.stdout == ""


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort()])
def test_an_interrupted_command_says_that_it_goes_on(end_with, error):
    result = end_with(error)
    assert result.exit_code == 130
    assert "goes on from there" in result.stderr


def test_a_bug_is_told_shortly_and_kept(end_with, tmp_path):
    result = end_with(ZeroDivisionError("the reason"))
    assert result.exit_code == 5
    assert "the reason" not in result.output
    assert str(tmp_path / LOG_NAME) in result.stderr
    assert "the reason" in (tmp_path / LOG_NAME).read_text()


def test_a_bug_that_cannot_be_kept_is_told_all_the_same(end_with):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))  # no file takes anything
    try:
        result = end_with(ZeroDivisionError("the reason"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert result.exit_code == 5
    assert "none could be written; run the command again with --debug" in result.stderr


def test_a_folder_that_takes_nothing_is_no_bug(end_with):
    result = end_with(OSError(errno.EROFS, "Read-only file system", "data/create-Accounts.lock"))
    assert result.exit_code == 2
    assert "data/create-Accounts.lock cannot be used: Read-only file system." in result.stderr


def test_debug_shows_where_it_came_from(end_with):
    result = end_with(ZeroDivisionError("the reason"), "--debug")
    assert result.exit_code == 5
    assert "Traceback" in result.stderr


def test_a_meant_exit_passes(end_with):
    assert end_with(typer.Exit(3)).exit_code == 3
