"""``ml-connector zoho jobs`` and ``give-up``: bulk jobs of which it is not known what they did, and one without end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.cli.actor import actor, ask_reason
from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.show import say, show_json, shown
from ml_connector.core.errors import ConfigurationError, RetryableError

if TYPE_CHECKING:
    from ml_connector.app import App
    from ml_connector.store.bulk_jobs import BulkJob

Job = Annotated[str, typer.Argument(help="The job, as “zoho jobs” names it.")]
Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept with the job.")]

_NO_ANSWER = "Its answer was lost: after bulk_timeout_seconds it counts as ended."


def jobs(settings: SettingsPath = None, *, as_json: AsJson = False) -> None:
    """The bulk jobs of which it is not known yet what they did; nothing else is written in their modules."""
    from ml_connector.bootstrap import open_app
    from ml_connector.store import bulk_jobs

    with open_app(load(settings)) as opened:
        with opened.database.read() as tx:
            found = bulk_jobs.find_all(tx)
        told = [_told(job, _said(opened, job)) for job in found]
    if as_json:
        show_json({"jobs": told})
        return
    if not told:
        say("No bulk job is open.")
        return
    for job, row in zip(found, told, strict=True):  # no table: a job's name is long, and has to be typed
        say(
            f"{job.name}: {job.rows:,} records of {job.module} to {job.operation}, since {shown(job.started_at)}"
        )
        say(f"    {row['said']}")
    say("\nThe next run of their flow asks again. One that will never end: ml-connector zoho give-up JOB")


def give_up(job: Job, settings: SettingsPath = None, *, reason: Why = "", as_json: AsJson = False) -> None:
    """Wait no longer for a bulk job that has no end: the next run finds out what it did by reading its module again.

    Should Zoho do the job later all the same, its old values come over newer ones. Ask Zoho first.
    """
    from ml_connector.bootstrap import open_app
    from ml_connector.store import bulk_jobs

    with open_app(load(settings)) as opened:
        _find(opened, job)
        why = f"{actor()}: {ask_reason(reason)}"
        with opened.works.alone():  # a run that still looks at it goes on first
            given = replace(_find(opened, job), given_up=why)
            with opened.database.begin() as tx:
                bulk_jobs.put(tx, given)
    if as_json:
        show_json({"job": _told(given, f"Given up by {why}")})
        return
    say(
        f"The job {job} is not waited for any more. The next run that writes {given.module} reads the module again:"
        " what the job created is taken for ours, what it did not write is written."
    )


def _find(opened: App, name: str) -> BulkJob:
    from ml_connector.store import bulk_jobs

    with opened.database.read() as tx:
        found = [job for job in bulk_jobs.find_all(tx) if name in (job.job_id, job.file_id)]
    if not found:
        raise ConfigurationError(
            f"No bulk job {name} is open.", "ml-connector zoho jobs names those that are."
        )
    return found[0]


def _said(opened: App, job: BulkJob) -> str:
    """What there is to say of it now."""
    if job.given_up:
        return f"Given up by {job.given_up}"
    if not job.job_id:
        return _NO_ANSWER
    try:
        return f"Zoho says “{opened.target.job_state(job.job_id).said}”."
    except (ConfigurationError, RetryableError) as error:
        return error.happened


def _told(job: BulkJob, said: str) -> dict[str, object]:
    return {
        "job": job.name,
        "module": job.module,
        "operation": job.operation,
        "records": job.rows,
        "run": job.run,
        "started_at": job.started_at.isoformat(),
        "given_up": job.given_up,
        "said": said,
    }
