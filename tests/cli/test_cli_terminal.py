"""At a terminal: a secret is not echoed, Ctrl-C is a sentence, and so is an output or a file that takes nothing."""

import os
import pty
import resource
import signal
import subprocess
import sys
import time

import pytest
import stamina

from ml_connector.cli.interrupts import end_in_good_order
from ml_connector.cli.logs import to_standard_error
from ml_connector.store.master_keys import make_key_file

PROGRAM = os.path.join(os.path.dirname(sys.executable), "ml-connector")  # noqa: PTH118, PTH120 -- no resolving of the venv's link
CANARY = b"kanarienvogel-7Q!"
SETTINGS = """
[gp]
endpoint = 'http://gp.example.com/DynamicsGPService.asmx'
company_id = -1
user = 'FABRIKAM\\connector'
[zoho]
data_centre = 'us'
client_id = '1000.ABC'
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "ml-connector.toml").write_text(SETTINGS)
    make_key_file(tmp_path / "data" / "master.key")
    return tmp_path


def as_from_a_shell():
    """The first terminal that a session opens is its own; and Ctrl-C counts, though a background job ignores it."""
    os.open(os.ttyname(0), os.O_RDWR)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def type_at_prompt(folder, keys, command=(PROGRAM, "secrets", "set", "gp.password"), prompt=b"): "):
    """Answers the first prompt on a terminal with ``keys``; what the terminal showed and how the program ended."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command,
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=as_from_a_shell,  # noqa: PLW1509 -- this test has no threads
    ) as process:
        os.close(theirs)
        shown = b""
        while prompt not in shown and (more := read(ours)):
            shown += more
        os.write(ours, keys)
        while more := read(ours):
            shown += more
    os.close(ours)
    return shown, process.returncode


def read(terminal):
    try:
        return os.read(terminal, 1024)
    except OSError:  # the other end was closed
        return b""


def test_a_typed_secret_is_not_shown(folder):
    shown, code = type_at_prompt(folder, CANARY + b"\n")
    assert code == 0, shown
    assert b"gp.password is set." in shown
    assert CANARY not in shown


def test_ctrl_c_at_the_prompt_is_a_sentence(folder):
    shown, code = type_at_prompt(folder, b"\x03")
    assert code == 130, shown
    assert b"Stopped." in shown
    assert b"Traceback" not in shown


ASK = (sys.executable, "-c", "from ml_connector.cli.actor import ask_reason; print(f'<{ask_reason(str())}>')")


def test_a_reason_that_is_not_given_is_asked_for(folder):
    shown, code = type_at_prompt(folder, b" She says so. \n", ASK, b"Reason: ")
    assert code == 0, shown
    assert b"<She says so.>" in shown


def test_where_nobody_can_be_asked_a_reason_has_to_be_given(folder):
    done = subprocess.run(ASK, stdin=subprocess.DEVNULL, capture_output=True, check=False, cwd=folder)
    assert done.returncode == 1
    assert b"Give one with --reason TEXT." in done.stderr


#: A call of a pool is under way, which Python waits for at its end.
INTERRUPTED = """
import threading, time
from ml_connector.cli.interrupts import end_in_good_order
threading.Thread(target=threading.Event().wait).start()
end_in_good_order()
try:
    print("ready", flush=True)
    while True:
        time.sleep(0.05)
except KeyboardInterrupt:
    print("in good order", flush=True)
"""


def test_a_second_ctrl_c_ends_at_once_and_shows_no_insides():
    command = (sys.executable, "-c", INTERRUPTED)
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 -- no threads
    ) as process:
        try:
            for said in ("ready\n", "in good order\n"):
                assert process.stdout.readline() == said
                process.send_signal(signal.SIGINT)
            while process.poll() is None:  # one that comes as Python begins to wait is seen with the next
                process.send_signal(signal.SIGINT)
                time.sleep(0.05)
            out, err = process.communicate()
        finally:
            process.kill()
    assert (process.returncode, out) == (130, "")
    assert err == "Stopped at once. What was done is recorded, and the same command goes on from there.\n"


def test_who_has_ctrl_c_ignored_keeps_it_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        end_in_good_order()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("debug", [False, True])
def test_a_retry_is_no_line_for_a_person(capsys, debug):
    to_standard_error(debug=debug)
    try:
        for attempt in stamina.retry_context(
            on=ValueError, attempts=2, wait_initial=0, wait_max=0, wait_jitter=0
        ):
            with attempt:
                if attempt.num == 1:
                    raise ValueError
    finally:
        to_standard_error(debug=False)
    assert ("retry_scheduled" in capsys.readouterr().err) is debug


def no_file_grows():
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


@pytest.mark.parametrize("words", [("secrets", "list"), ("secrets", "list", "--json"), ("report", "--json")])
def test_an_output_that_takes_nothing_is_no_bug(folder, words):
    with open("/dev/full", "w") as full:  # noqa: PTH123 -- a device
        done = subprocess.run([PROGRAM, *words], stdout=full, stderr=subprocess.PIPE, check=False, cwd=folder)
    assert done.returncode == 2, done.stderr
    assert done.stderr.decode().splitlines() == [
        "The report could not be written: No space left on device.",
        "Send it somewhere else; what was done is recorded, and “ml-connector report” tells it.",
    ]


@pytest.mark.parametrize("words", [("nosuch", "--json"), ("held", "retry", "X", "--json")])
def test_a_failure_whose_document_cannot_be_written_is_told_beside_it(folder, words):
    with open("/dev/full", "w") as full:  # noqa: PTH123 -- a device
        done = subprocess.run([PROGRAM, *words], stdout=full, stderr=subprocess.PIPE, check=False, cwd=folder)
    assert done.returncode == 2, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def run_without_room(code, folder):
    command = [
        sys.executable,
        "-c",
        f"from pathlib import Path; from ml_connector.store.master_keys import *; {code}",
    ]
    return subprocess.run(command, capture_output=True, check=False, cwd=folder, preexec_fn=no_file_grows)


def test_a_master_key_that_finds_no_room_leaves_all_as_it_was(folder):
    key = folder / "data" / "master.key"
    before = key.read_bytes()
    done = run_without_room(f"add_key(Path({str(key)!r}))", folder)
    assert f"The key file {key} cannot be written: File too large." in done.stderr.decode()
    assert b"ConfigurationError" in done.stderr
    assert (key.read_bytes(), [path.name for path in key.parent.iterdir()]) == (before, ["master.key"])


def test_a_first_master_key_that_finds_no_room_leaves_none(tmp_path):
    done = run_without_room("make_key_file(Path('master.key'))", tmp_path)
    assert b"ConfigurationError" in done.stderr, done.stderr
    assert list(tmp_path.iterdir()) == []
