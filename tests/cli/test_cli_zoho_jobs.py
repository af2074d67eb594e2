"""Bulk jobs that are open: shown with what Zoho says, and one without end given up by a person."""

import pytest

from systems import gp_options, opened, zoho_options

INSERT = (
    "INSERT INTO bulk_jobs (module, file_id, job_id, operation, run, rows, started_at)"
    " VALUES ('Accounts', ?, ?, 'create', 'customers-1', 7000, '2026-11-02 08:30:00.000000')"
)


@pytest.fixture
def world(tmp_path):
    with opened(tmp_path, gp=gp_options(0), zoho=zoho_options()) as world:
        yield world


def test_an_open_job_is_shown_and_given_up_with_a_reason(world):
    assert "No bulk job is open." in world.here("zoho", "jobs").out
    world.rewrite(INSERT, "4711", "")
    world.rewrite(INSERT, "4712", "111111000000100001")
    lost, unknown = world.here("zoho", "jobs", "--json").json["jobs"]
    assert (lost["job"], lost["module"], lost["records"]) == ("4711", "Accounts", 7000)
    assert "answer was lost" in lost["said"]
    assert unknown["job"] == "111111000000100001"
    assert unknown["said"]

    said = world.here("zoho", "jobs")
    assert (
        "111111000000100001: 7,000 records of Accounts to create, since 2026-11-02 08:30:00 UTC" in said.out
    )
    assert "zoho give-up JOB" in said.out

    said = world.run("zoho", "give-up", "4711")
    assert (said.code, "needs a reason" in said.err) == (2, True)
    said = world.run("zoho", "give-up", "nothing", "--reason", "It is dead.")
    assert (said.code, "No bulk job nothing is open" in said.err) == (2, True)
    said = world.here("zoho", "give-up", "111111000000100001", "--reason", "Zoho says that it is dead.")
    assert "reads the module again" in said.out
    assert world.here("zoho", "jobs", "--json").json["jobs"][0]["given_up"] == ""
    (given_up,) = world.rows("SELECT given_up FROM bulk_jobs WHERE file_id = '4712'")[0]
    assert given_up.endswith(": Zoho says that it is dead.")
