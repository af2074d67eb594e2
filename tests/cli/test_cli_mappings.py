"""Mapping files of one's own: only those that a flow uses have to be right, and what is wrong is a sentence."""

import shutil
from pathlib import Path

import pytest

import ml_connector
from ml_connector.core.errors import ConfigurationError
from ml_connector.loading import _files_by_name, _mappings, load_flows
from ml_connector.settings_file import load_settings

SETTINGS = """
[gp]
endpoint = 'http://127.0.0.1:1/DynamicsGPService.asmx'
company_id = -1
user = 'FABRIKAM\\connector'
[zoho]
data_centre = 'us'
client_id = '1000.ABC'
[mappings]
folder = 'm'
"""


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(Path(ml_connector.__file__).parent / "mappings", tmp_path / "m")
    (tmp_path / "ml-connector.toml").write_text(SETTINGS)
    return tmp_path / "m"


def read(folder):
    return _mappings(load_settings(folder.parent / "ml-connector.toml"))


def fault(folder):
    with pytest.raises(ConfigurationError) as caught:
        read(folder)
    return caught.value


def test_what_no_flow_uses_may_be_broken(folder):
    before = read(folder)
    (folder / "a.toml").write_text("name = 'mine'\nthis is no TOML")
    (folder / "b.toml").write_bytes(b"name = 'caf\xe9'")
    (folder / "c.toml").write_text("")
    (folder / "d.toml").mkdir()
    assert read(folder) == before


def test_a_wanted_file_that_is_not_utf8(folder):
    path = folder / "customer_accounts.toml"
    path.write_bytes(path.read_bytes() + b"# caf\xe9\n")
    error = fault(folder)
    assert "customer_accounts.toml cannot be read" in error.happened
    assert "UTF-8" in error.remedy


def test_a_wanted_file_that_is_broken_is_told(folder):
    path = folder / "customer_accounts.toml"
    path.write_text(path.read_text() + "\nnonsense\n")
    assert "customer_accounts.toml is not valid TOML" in fault(folder).happened


def test_two_files_with_one_name(folder):
    shutil.copy(folder / "vendor_accounts.toml", folder / "copy of vendor_accounts.toml")
    error = fault(folder)
    assert "copy of vendor_accounts.toml and " in error.happened
    assert "in two files" in error.happened


def test_a_mapping_that_is_missing_names_the_others_and_those_without_a_name(folder):
    (folder / "customer_accounts.toml").write_text("[key]\nfield = 'X'\n")
    error = fault(folder)
    assert "no mapping “customer_accounts”" in error.happened
    assert "vendor_accounts" in error.remedy
    assert "no name: customer_accounts.toml" in error.remedy


def test_an_empty_folder(folder):
    for path in folder.glob("*.toml"):
        path.unlink()
    assert fault(folder).remedy == "There is no mapping file (*.toml) in it that has a name."


@pytest.mark.parametrize(
    "line", ["name = 'x1'", 'name="x1"  # mine', "# c\n  'name' = 'x1'", "a = 1\nname = 'x1'"]
)
def test_a_name_is_found_without_reading_the_rest(tmp_path, line):
    (tmp_path / "f.toml").write_text(f"{line}\nnonsense\n[match]\nname = 'name'\n")
    assert _files_by_name(tmp_path) == {"x1": [tmp_path / "f.toml"]}


BOOKS = """
[flows]
customers = { enabled = false }
vendors = { enabled = false }
journal_entries = { enabled = true, mappings = []%s }
account_months = { enabled = true }
"""


def flows(folder, limits=""):
    path = folder.parent / "ml-connector.toml"
    path.write_text(SETTINGS + BOOKS % limits)
    return load_flows(load_settings(path))


def test_a_flow_without_mappings_reads_the_entity_of_its_name(folder):
    entries = flows(folder)["journal_entries"]
    assert (entries.entity.name, entries.mappings, entries.modules) == ("journal_entries", (), ())
    assert entries.first_meaning == "(postings)"
    assert flows(folder)["account_months"].entity.name == "account_months"


@pytest.mark.parametrize(
    ("limits", "entries_too"),
    [
        (", from_date = 2026-01-01", True),
        (", accounts = ['1..2']", False),
        (", closing_documents = []", True),
    ],
)
def test_other_limits_have_everything_looked_at_again(folder, limits, *, entries_too):
    """Entries of which only the postings are kept: where other ones are kept. Months always."""
    before, now = flows(folder), flows(folder, limits)
    assert before["account_months"].fingerprint != now["account_months"].fingerprint
    assert (before["journal_entries"].fingerprint != now["journal_entries"].fingerprint) is entries_too
    assert now["account_months"].limits == now["journal_entries"].limits
