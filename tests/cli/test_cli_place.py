"""Files that commands write for people: all or none, and what is wrong is said before any work is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_connector.cli.place import require_writable, write_all
from ml_connector.core.errors import ConfigurationError


def writes(text: str):
    return lambda path: path.write_text(text)


def breaks(path: Path) -> None:
    path.write_text("half")
    raise OSError(28, "No space left on device")


def test_both_are_written_in_place_of_what_was_there(tmp_path):
    one, other = tmp_path / "a.csv", tmp_path / "b.xlsx"
    one.write_text("old")
    one.chmod(0o640)
    write_all({one: writes("new"), other: writes("second")})
    assert (one.read_text(), other.read_text()) == ("new", "second")
    assert one.stat().st_mode & 0o777 == 0o640
    assert sorted(tmp_path.iterdir()) == [one, other]


def test_where_one_fails_the_other_is_as_it_was(tmp_path):
    one, other = tmp_path / "a.csv", tmp_path / "b.xlsx"
    one.write_text("old")
    with pytest.raises(ConfigurationError, match=r"b\.xlsx cannot be written: No space left on device"):
        write_all({one: writes("new"), other: breaks})
    assert one.read_text() == "old"
    assert list(tmp_path.iterdir()) == [one]


def test_a_name_that_points_to_another_file_stays(tmp_path):
    real, name = tmp_path / "real.csv", tmp_path / "name.csv"
    real.write_text("old")
    name.symlink_to(real)
    require_writable(name)
    write_all({name: writes("new")})
    assert name.is_symlink()
    assert real.read_text() == "new"


@pytest.mark.parametrize(
    ("name", "told"),
    [("folder", "Is a directory"), ("nowhere/a.csv", "No such file"), ("file/a.csv", "Not a directory")],
)
def test_a_place_that_takes_no_file_is_told_before(tmp_path, name, told):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=f"cannot be written: {told}"):
        require_writable(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_what_is_no_file_is_not_replaced():
    with pytest.raises(ConfigurationError, match="/dev/null is no ordinary file"):
        require_writable(Path("/dev/null"))


def test_looking_leaves_what_is_there(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("old")
    require_writable(file)
    require_writable(tmp_path / "b.csv")
    assert list(tmp_path.iterdir()) == [file]
    assert file.read_text() == "old"
