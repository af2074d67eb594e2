"""The search for secrets finds what is there, however it is written."""

import base64
import json

import pytest

import canaries

SECRET = "kanarienvogel-7Q!é"
WRITTEN = {
    "as it is": SECRET.encode(),
    "within a page": b"\x00\x01" + SECRET.encode() + b"\xff",
    "in UTF-16": SECRET.encode("utf-16-le"),
    "in hexadecimal": SECRET.encode().hex().encode(),
    "in base64": base64.b64encode(SECRET.encode()),
    "in base64, one behind": base64.b64encode(b"a" + SECRET.encode()),
    "in base64, with a name before it": base64.b64encode(f"anna:{SECRET}".encode()),
    "in a form": b"password=kanarienvogel-7Q%21%C3%A9",
}


@pytest.mark.parametrize("how", WRITTEN)
def test_a_value_is_found_however_it_is_written(tmp_path, how):
    assert canaries.found_in(WRITTEN[how], [SECRET, "another"]) == [SECRET]


def test_what_is_left_is_searched(tmp_path):
    secret = "kanarienvogel"
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.log").write_text(json.dumps({"said": f"no {secret}"}))
    (tmp_path / "b.db").write_bytes(b"x" * 5000 + f"1000.{'a1' * 16}.{'b2' * 16}".encode())
    (tmp_path / "master.key").write_text(secret)
    (tmp_path / "c").write_text("nothing")
    found = canaries.search(tmp_path)
    assert found.searched == 3
    assert sorted(fault.removeprefix(str(tmp_path)) for fault in found.faults) == [
        "/b.db: a token or a code of Zoho's",
        f"/deep/a.log: {secret}",
    ]
    for path in (tmp_path / "deep" / "a.log", tmp_path / "b.db"):
        path.unlink()  # else the session's own search finds them
