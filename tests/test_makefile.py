"""Setting up on a Debian whose python3 has no venv module yet: installed as root, named otherwise."""

import os
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[1] / "Makefile"
#: As Debian's: without ensurepip it fails, and leaves what looks like a .venv.
PYTHON = "#!/bin/sh\nmkdir -p .venv/bin; touch .venv/bin/python; test -e installed\n"
APT = '#!/bin/sh\n[ "$1" = update ] || touch installed\n'


@pytest.mark.parametrize("user", [0, 1000])
def test_a_missing_venv_module(tmp_path, user):
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    for name, text in {"python3": PYTHON, "apt-get": APT, "id": f"#!/bin/sh\necho {user}\n"}.items():
        (stubs / name).write_text(text)
        (stubs / name).chmod(0o755)
    env = os.environ | {"PATH": f"{stubs}{os.pathsep}{os.environ['PATH']}"}
    command = ["make", "-f", str(MAKEFILE), ".venv/bin/python"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is (user == 0), done.stderr
    assert (tmp_path / "installed").exists() is (user == 0)
    assert (tmp_path / ".venv").exists() is (user == 0)  # half a .venv would be taken for one the next time
    assert ("apt-get install python3-venv" in done.stderr) is (user != 0)
