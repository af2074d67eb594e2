"""Every table. A row has a natural key: writing it again changes nothing.

Keys of source records are stored folded (``fold_key``) where they are compared and as written where they are shown.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from ml_connector.store.column_types import Amount, Instant, Prose

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


#: Characters of a record's key, folded: a GL account has at most 66 and nine separators (ACTNUMBR_1 to 10).
RECORD_KEY = 128


def _key(name: str, length: int = 64) -> Column[str]:
    return Column(name, String(length), primary_key=True)


def _part() -> Column[str]:
    """Which target record of a source record: "" or a person's normalised name, of any length."""
    return Column("part", Text, primary_key=True)


#: Which record is which on the other side.
links = Table(
    "links",
    metadata,
    _key("company"),
    _key("entity"),
    _key("module"),
    _key("key", RECORD_KEY),
    _part(),
    Column("source_key", Text, nullable=False),
    Column("target_id", String(64), nullable=False),
    Column("gone", String(16), nullable=False),  # "" there, deleted, lost
    Column("linked_by", String(16), nullable=False),  # created, key, name
    Column("linked_at", Instant, nullable=False),
    Column("modified_at", Instant),  # the target's stamp of our last write, when all there was ours
    UniqueConstraint("company", "entity", "module", "target_id"),
    Index("ix_links_target", "module", "target_id"),
)

#: What became of a record under a mapping, and what we last left there.
outcomes = Table(
    "outcomes",
    metadata,
    _key("company"),
    _key("mapping"),
    _key("direction", 16),
    _key("key", RECORD_KEY),
    _part(),
    Column("result", String(16), nullable=False),  # written, skipped, held, absent
    Column("at", Instant),
    Column("fetched_at", Instant, nullable=False),
    Column("fingerprint", String(32), nullable=False),
    Column("fields", Text, nullable=False),  # JSON: what we last left
    Column("of_parts", Integer, nullable=False, server_default="1"),  # of this reading
    Column("final", Boolean, nullable=False, server_default=false()),  # it never changes again
)

#: Facets of source records: what they said last, and up to what reading the mappings have followed.
readings = Table(
    "readings",
    metadata,
    _key("company"),
    _key("entity"),
    _key("facet"),
    _key("key", RECORD_KEY),
    Column("source_key", Text, nullable=False),
    Column("fields", Text, nullable=False),
    Column("digest", String(32), nullable=False),
    Column(
        "settled_digest", String(32), nullable=False
    ),  # differs from digest: the mappings have yet to follow
    Column("changed_at", Instant, nullable=False),  # when a reading last changed it
    Column("read_at", Instant, nullable=False),
)

#: The name of every record of the source, so that namesakes are seen over all of them.
source_names = Table(
    "source_names",
    metadata,
    _key("company"),
    _key("entity"),
    _key("key", RECORD_KEY),
    Column("source_key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("listed_at", Instant, nullable=False),  # when a listing last named it
    Index("ix_source_names_name", "company", "entity", "name_key"),
)

#: The money lines of journal entries that were fetched, whatever of them goes to the target.
postings = Table(
    "postings",
    metadata,
    _key("company"),
    _key("entry", RECORD_KEY),
    _key("line"),  # as the source numbers it within its entry
    Column("date", Date, nullable=False),
    Column("month", String(7), nullable=False),  # of the date: 2026-04
    Column("account", Text, nullable=False),
    Column("account_key", String(RECORD_KEY), nullable=False),  # folded
    Column("debit", Amount, nullable=False),
    Column("credit", Amount, nullable=False),
    Column("currency", String(16), nullable=False),
    Column("is_posted", Boolean, nullable=False),
    Column("is_voided", Boolean, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("vendor_id", Text, nullable=False),
    Column("document_id", Text, nullable=False),
    Column("document_control_id", Text, nullable=False),
    Column("source_document", Text, nullable=False),
    Column("series", Text, nullable=False),
    Column("kept_at", Instant, nullable=False),
    Index("ix_postings_account", "company", "account_key", "month"),
)

#: Which accounts ever had something posted in which month, and when that last changed.
posted_months = Table(
    "posted_months",
    metadata,
    _key("company"),
    _key("account_key", RECORD_KEY),
    _key("month", 7),
    Column("account", Text, nullable=False),  # as the source writes it
    Column("changed_at", Instant, nullable=False),
    Index("ix_posted_months_changed", "company", "changed_at"),
)

#: The changes that a run has listed and not yet worked off.
staged = Table(
    "staged",
    metadata,
    _key("run"),
    _key("key", RECORD_KEY),
    Column("source_key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("at", Instant),
    Column(
        "why", String(16), nullable=False
    ),  # listed, asked (whatever is settled), facet (only a facet moved)
)

#: What a run that is under way weighs so far, as the safety limit counts.
weights = Table(
    "weights",
    metadata,
    _key("run"),
    _key("module"),
    _key("key", RECORD_KEY),
    Column("weight", Integer, nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    _key("company"),
    _key("flow"),
    Column("at", Instant),  # empty: the first load is done, and no record had a stamp
    Column("finer_than_day", Boolean, nullable=False),
    Column("fingerprint", String(64), nullable=False),  # of all mappings, when it was set
    Column("modules", Text, nullable=False),  # JSON: those whose first load is done
    Column("limited", Boolean, nullable=False),  # the last whole run stopped at the safety limit
)

#: When each facet was last listed whole.
sweeps = Table(
    "sweeps",
    metadata,
    _key("company"),
    _key("flow"),
    _key("facet"),
    Column("swept_at", Instant, nullable=False),
)

#: Facets that are looked at in other ways than as a whole: what changed since, or every record in its turn.
looks = Table(
    "looks",
    metadata,
    _key("company"),
    _key("flow"),
    _key("facet"),
    Column("looked_at", Instant),  # when the source was last asked what changed
    Column("tracked_at", Instant),  # since when the source is known to keep a track of it
    Column("position", Text, nullable=False),  # the last folded key of the round that is under way
    Column("round_at", Instant),  # when that round began; empty: none is under way
    Column("rolled_at", Instant),  # when a portion of it was last taken
)

#: What was learned of the row limit of each list operation: where to probe first, never a proof.
row_limits = Table(
    "row_limits",
    metadata,
    _key("company"),
    _key("operation", 128),
    Column("longest", Integer, nullable=False),
    Column("limit", Integer),
    Column("hints", Text, nullable=False),  # JSON: keys by which the next reading finds its way
    Column("learned_at", Instant, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    _key("run", 128),
    Column("company", String(64), nullable=False),
    Column("flow", String(64), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("state", String(16), nullable=False),  # see cursors.Run
    Column("note", Prose, nullable=False),
    Column("counts", Text, nullable=False),
    Column("load", Text, nullable=False, server_default="{}"),  # JSON: what it asked of the source
    Index("ix_runs_ended", "company", "flow", "state", "ended_at"),
)

#: How many runs ended how, and what they did to records: sums over all runs there ever were.
tallies = Table(
    "tallies",
    metadata,
    _key("company"),
    _key("flow"),
    _key("kind", 16),  # runs, records
    _key("outcome", 32),
    Column("number", BigInteger, nullable=False),
)

#: What exists in a module of the target.
match_index = Table(
    "match_index",
    metadata,
    _key("module"),
    _key("target_id"),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("modified_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),  # by our clock: when it was last read or written
    Index("ix_match_index_name", "name_key", "module"),
)

#: What these records carry in the fields that recognise them; only what is set.
match_values = Table(
    "match_values",
    metadata,
    _key("module"),
    _key("target_id"),
    _key("field"),
    Column("value", Text, nullable=False),
    Column("value_key", Text, nullable=False),
    # The module last: where nothing is analysed yet, PostgreSQL would read all of it to find one record.
    Index("ix_match_values_value", "value_key", "field", "module"),
)

refreshes = Table(
    "refreshes",
    metadata,
    _key("module"),
    Column("refreshed_at", Instant, nullable=False),  # by the target's clock: the greatest stamp seen
    Column("filled_at", Instant, nullable=False),  # by our clock: when it was last read whole
    Column("fields", Text, nullable=False),  # JSON: those it was filled with
)

#: A create that was about to be sent: found after a crash, it is told as what it was.
intents = Table(
    "intents",
    metadata,
    _key("company"),
    _key("entity"),
    _key("module"),
    _key("key", RECORD_KEY),
    _part(),
    Column("attempt", Integer, nullable=False),
    Column("opened_at", Instant, nullable=False),
)

#: Bulk jobs that may be under way in the target: until they are resolved nothing else is written there.
bulk_jobs = Table(
    "bulk_jobs",
    metadata,
    _key("module"),
    _key("file_id", 128),
    Column("job_id", String(128), nullable=False),  # "": it was about to be started
    Column("operation", String(16), nullable=False),  # create, update
    Column("run", String(128), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("given_up", Text, nullable=False, server_default=""),  # by whom, and why
)

#: What a person decided about one record.
verdicts = Table(
    "verdicts",
    metadata,
    _key("company"),
    _key("entity"),
    _key("module"),
    _key("key", RECORD_KEY),
    _part(),
    Column("source_key", Text, nullable=False),
    Column("chosen", Text, nullable=False),
    Column("replaces", Text, nullable=False),
    Column("rejected", Text, nullable=False),  # JSON: target ids
    Column("released", Text, nullable=False),  # JSON: codes of holds
    Column("declined", Boolean, nullable=False),
    Column("own", Boolean, nullable=False, server_default=false()),  # followed: it has a record of its own
    Column("reason", Prose, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("decided_at", Instant, nullable=False),
)

#: Which records wait for the link of another one.
awaited = Table(
    "awaited",
    metadata,
    _key("company"),
    _key("entity"),
    _key("module"),
    _key("key", RECORD_KEY),
    _key("on_entity"),
    _key("on_module"),
    _key("on_key", RECORD_KEY),
    Column("source_key", Text, nullable=False),
)

#: Records that the next run has to look at, whatever is settled.
asked = Table(
    "asked",
    metadata,
    _key("company"),
    _key("entity"),
    _key("key", RECORD_KEY),
    Column("source_key", Text, nullable=False),
    Column("reason", Prose, nullable=False),
)

#: Records that wait, with their reason.
holds = Table(
    "holds",
    metadata,
    _key("company"),
    _key("flow"),
    _key("mapping"),
    _key("key", RECORD_KEY),
    _part(),
    Column("source_key", Text, nullable=False),
    Column("code", Prose, nullable=False),
    Column("field", Prose, nullable=False),
    Column("happened", Prose, nullable=False),
    Column("remedy", Prose, nullable=False),
    Column("answer", Prose, nullable=False),
    Column("detail", Text, nullable=False),  # JSON: the values, the candidates
    Column("attempts", Integer, nullable=False),
    Column("run", String(128), nullable=False),  # of the last attempt: a repeated step is no new one
    Column("opened_at", Instant, nullable=False),
    Column(
        "since", Instant
    ),  # when it began to wait for its present reason; none: a hold of an earlier version
    Column("last_at", Instant, nullable=False),
    Column("next_at", Instant),  # when it is tried again by itself; none: it is not
    Column("unread", Boolean, nullable=False, server_default=false()),  # the source did not give the record
    Column("closed_at", Instant),
    Index("ix_holds_open", "closed_at", "company", "flow", "code", "opened_at"),
)

#: Fields of ours that say something else in the target than we last left there.
differences = Table(
    "differences",
    metadata,
    _key("company"),
    _key("flow"),
    _key("module"),
    _key("target_id"),
    _key("field", 128),
    Column("mapping", String(64), nullable=False),
    Column("key", Text, nullable=False),
    Column("source_key", Text, nullable=False),
    Column("part", Text, nullable=False),
    Column("said", Text, nullable=False),  # JSON: ours, theirs
    Column("found_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),  # when the comparison began that saw it last
)

#: Up to which stamp of the target all fields were compared.
compared = Table(
    "compared",
    metadata,
    _key("company"),
    _key("flow"),
    _key("module"),
    Column("fingerprint", String(32), nullable=False),  # of the flow's mappings then
    Column("compared_to", Instant, nullable=False),
)

#: What happened to every record: append only, chained by hash.
audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("natural", String(64), nullable=False, unique=True),  # hash of the natural key
    Column("company", String(64), nullable=False),
    Column("flow", String(64), nullable=False),
    Column("run", String(128), nullable=False),
    Column("mapping", String(64), nullable=False),
    Column("key", Text, nullable=False),
    Column("source_key", Text, nullable=False),
    Column("part", Text, nullable=False),
    Column("entity", String(64), nullable=False),
    Column("module", String(64), nullable=False),
    Column("target_id", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", Instant),  # the source's instant
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("reason", Prose, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("happened_at", Instant, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_audit_key", "company", "key"),
    Index("ix_audit_target", "module", "target_id"),
)

#: The last whole plan of each flow, and whether a person ever approved one; an empty plan is one too.
plans = Table(
    "plans",
    metadata,
    _key("company"),
    _key("flow"),
    Column("plan", String(64), nullable=False),
    Column("approved", Boolean, nullable=False),
)

#: Decisions of plans, and which of them a person approved; of older plans only what was approved stays.
decisions = Table(
    "decisions",
    metadata,
    _key("company"),
    _key("flow"),
    _key("module"),
    _key("key", RECORD_KEY),
    _part(),
    Column("plan", String(64), nullable=False),
    Column("source_key", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("target_id", String(64), nullable=False),
    Column("by", String(16), nullable=False),
    Column("score", Float, nullable=False),
    Column("candidates", Text, nullable=False),  # JSON: target ids
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("approved", Boolean, nullable=False),
    Index("ix_decisions_name", "company", "flow", "name_key"),
    Index("ix_decisions_target", "target_id", "module"),
)

#: What must not change once it was used, such as the prefix of keys.
frozen = Table("frozen", metadata, _key("name"), Column("value", Text, nullable=False))

#: What the source's users call fields that it names by number, such as the segments of an account number.
field_labels = Table(
    "field_labels", metadata, _key("entity"), _key("field"), Column("label", Text, nullable=False)
)

#: Fields that the target's edition has no room for, and modules (without a field): the mappings do without.
left_out = Table("left_out", metadata, _key("module"), _key("field"))

#: Sign-ins that were refused, so that no later process tries the same again and locks the account.
refusals = Table(
    "refusals",
    metadata,
    _key("name", 128),
    Column("mark", String(64), nullable=False),  # of the account and its sealed password, never the password
    Column("reason", Prose, nullable=False),
    Column("refused_at", Instant, nullable=False),
)

#: Records that notifications told of and that were not fetched since; however often told of, one row each.
inbox = Table(
    "inbox",
    metadata,
    _key("module"),
    _key("record_id", 32),
    Column("operation", String(16), nullable=False),  # the one last told
    Column("first_received_at", Instant, nullable=False),  # since it was last settled
    Column("last_received_at", Instant, nullable=False),
    Column("times_told", Integer, nullable=False),
    Column("generation", BigInteger, nullable=False),  # of the last telling; none comes twice
    Index("ix_inbox_first", "first_received_at"),
)

#: How the modules of the target are listened to, beside their channels; see core.listening.
listening = Table(
    "listening",
    metadata,
    _key("module"),
    Column("polled_at", Instant),  # when the last poll began of which everything is recorded
    Column("up_since", Instant),  # since when a process takes notifications; of one that died it stays
    Column("missed_at", Instant),  # when one was last refused that may have been the target's
)

#: What each process has spent of a target's allowance, minute by minute; older than two days it counts no more.
credit_minutes = Table(
    "credits",
    metadata,
    Column("account", Text, primary_key=True),
    Column("minute", Instant, primary_key=True),
    _key("writer", 32),
    Column("spent", Integer, nullable=False),
)

#: Secrets, each under a data key of its own, which the master key wraps.
secrets = Table(
    "secrets",
    metadata,
    _key("name", 128),
    Column("key_id", String(64), nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("changed_at", Instant, nullable=False),
)

#: When each flow is to run, and up to which instant it did.
schedules = Table(
    "schedules",
    metadata,
    _key("flow"),
    Column("cron", String(256), nullable=False),  # empty: as the settings say
    Column("zone", String(64), nullable=False),  # likewise
    Column("paused", Boolean, nullable=False),
    Column("changed_by", String(64), nullable=False),  # empty: nobody did
    Column("changed_at", Instant),
    Column(
        "due_at", Instant, nullable=False
    ),  # the last instant that it was run for; until then, when it was set
    Column("owed_at", Instant),  # a system that was away ended its run: it runs again when that is back
    Column(
        "set_back", Integer, nullable=False, server_default="0"
    ),  # so often our clock was set back behind ``due_at``
)

#: What commands ask of the process that serves.
requests = Table(
    "requests",
    metadata,
    _key("request", 32),
    Column("asked", Text, nullable=False),  # JSON: what of each flow, in order
    Column("asked_by", String(64), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("flow", String(64), nullable=False),  # that is at work; empty: none yet
    Column("run", String(128), nullable=False),
    Column("ran", Text, nullable=False),  # JSON: how its runs ended
    Column("ended_at", Instant),
)

#: The systems that are waited for, until then no schedule starts what needs them.
waits = Table(
    "waits",
    metadata,
    _key("system", 16),
    Column("reason", String(16), nullable=False),  # see core.waits.Reason
    Column("happened", Prose, nullable=False),
    Column("remedy", Prose, nullable=False),
    Column("mark", String(64), nullable=False),  # of what it signs in with, as it was then
    Column("since_at", Instant, nullable=False),
    Column("looked_at", Instant, nullable=False),
    Column("looks", Integer, nullable=False),  # in vain
    Column("next_look_at", Instant, nullable=False),
)

#: What a person is or was told of and that holds still: it is told once, whatever restarts.
alerts = Table(
    "alerts",
    metadata,
    _key("kind", 16),  # see core.alerts.Kind
    _key("subject"),  # a flow or a system
    Column("since_at", Instant, nullable=False),
    Column("happened", Prose, nullable=False),
    Column("remedy", Prose, nullable=False),
    Column("raised_at", Instant, nullable=False),
)

#: What is to be sent, or was, about each alert to each address; the row goes when its all-clear is through.
alert_messages = Table(
    "alert_messages",
    metadata,
    _key("kind", 16),
    _key("subject"),
    _key("address"),  # the name of the secret that it is
    Column("passed", Boolean, nullable=False),  # an all-clear
    Column("since_at", Instant, nullable=False),
    Column("happened", Prose, nullable=False),
    Column("remedy", Prose, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_at", Instant, nullable=False),  # when it is tried again
    Column("sent_at", Instant),
)

#: The notification channel of each module of the target, from before it is enabled until it is removed.
channels = Table(
    "channels",
    metadata,
    _key("module"),
    Column("channel_id", String(19), nullable=False),
    Column("path", String(64), nullable=False, unique=True),  # the end of its address; random
    Column("notify_url", Text, nullable=False),  # as it was asked for last
    Column("token_hash", String(64), nullable=False),  # likewise; the token itself is a secret
    Column("is_taken", Boolean, nullable=False),  # the target has that token, for certain
    Column("old_token_hash", String(64), nullable=False),
    Column("old_until", Instant),  # until then that one is taken, too
    Column("expires_at", Instant),  # as it was granted
    Column("enabled_at", Instant),
    Column("renewed_at", Instant),
    Column("verified_at", Instant),
    Column("todo", String(8), nullable=False),  # see core.channels.Step
    Column("tries", Integer, nullable=False),  # in vain
    Column("failing_since", Instant),
    Column("next_try_at", Instant),
    Column("reason", Prose, nullable=False),
)

#: What the CRM had of the fields that it owns when both sides were last known, and edits of the ERP that are open.
master_edits = Table(
    "master_edits",
    metadata,
    _key("company"),
    _key("entity"),
    _key("module"),
    _key("key", RECORD_KEY),
    Column("source_key", Text, nullable=False),
    Column("known", Text, nullable=False),  # JSON: what the CRM had when both sides were last known
    Column(
        "sent", Text
    ),  # JSON: what the CRM had when an edit was sent whose end is not known; none: there is none
    Column("sent_at", Instant),
    Column("fields", Text),  # JSON: what that edit writes, by the ERP's names
    Column("before", Text),  # JSON: what it writes over
    Column("held", Text),  # JSON: what the CRM had when it was last held; none: it is not
)

#: What a record of the CRM became in the ERP, what is still open there, and what the CRM is told of it.
documents = Table(
    "documents",
    metadata,
    _key("module"),
    _key("key", RECORD_KEY),  # the record's id
    Column("company", String(64), nullable=False),  # of the ERP, whose document it is
    Column("kind", String(16), nullable=False),  # of its document in the ERP; "": it has none
    Column("number", String(64), nullable=False),
    Column("how", String(16), nullable=False),  # see core.document_decisions.How
    Column("sent", Text),  # JSON: what the CRM wanted when we last wrote; none: not known
    Column("stood", Text),  # JSON: what stood in the ERP then
    Column("intent_at", Instant),  # a create or an update was sent, and its end is not known
    Column("intent", Text),  # JSON: what the CRM wanted then
    Column("total_open", Boolean, nullable=False),  # its total in the ERP is still to be compared
    Column("wanted", String(32), nullable=False),  # of what the record wanted when it was last settled
    Column("deal", String(64), nullable=False),
    Column("quote", String(64), nullable=False),
    Column("won_at", Instant),  # of a deal: when it was first seen won
    Column("next_at", Instant),  # when it is looked at again; none: not by itself
    Column("master_number", Integer, nullable=False),  # of the chain that its document is in; 0: not known
    Column("is_open", Boolean, nullable=False),  # its document may change still
    Column("own", Text),  # JSON: what its own document tells
    Column("tells", Text),  # JSON: what the CRM is to be told
    Column("as_of", Instant),  # when the reading began that it comes from
    Column("told", Text),  # JSON: what the CRM was told last
    Index("ix_documents_deal", "deal"),
    Index("ix_documents_number", "company", "number"),
    Index("ix_documents_master", "company", "master_number"),
    Index("ix_documents_next", "module", "next_at"),
)

#: Which deal of the CRM a sales document of the ERP belongs to.
document_deals = Table(
    "document_deals",
    metadata,
    _key("company"),
    _key("key", RECORD_KEY),  # its number, folded
    Column("number", Text, nullable=False),
    Column("deal", String(64), nullable=False),
)
