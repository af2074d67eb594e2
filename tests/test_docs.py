"""What README and docs claim, held against the code.

A block between ``<!-- table: NAME -->`` and ``<!-- end -->`` is written from the code by the function of that name in
``TABLES``; where it differs, the failure prints the text to paste in.
"""

from __future__ import annotations

import inspect
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

import ml_connector
from ml_connector import settings_file
from ml_connector.cli import app
from ml_connector.cli.codes import catalogue
from ml_connector.cli.exits import MEANINGS
from ml_connector.cli.results import COLUMNS as COUNTS
from ml_connector.cli.secrets import ALERT, ALERTS, NAMES
from ml_connector.connectors.dynamics_gp import sba_sales_config
from ml_connector.connectors.dynamics_gp.sba_names import ADDRESS, LINE, RECORD
from ml_connector.connectors.zoho_crm.codes import SAME
from ml_connector.connectors.zoho_crm.limits import write_prices
from ml_connector.connectors.zoho_crm.schema import CUSTOM_FIELDS, scopes_needed
from ml_connector.core import document_mapping_file, mapping_file, similar
from ml_connector.core.alerts import Kind as AlertKind
from ml_connector.core.audit import AuditAction
from ml_connector.core.catalogue import OWN_CODES, Again, Entry, Kind
from ml_connector.core.company_facts import Verdict
from ml_connector.core.deal_fields import TAG, deal_needs
from ml_connector.core.document_fields import document_needs
from ml_connector.core.document_mapping import HEADER, LINES
from ml_connector.core.mapping import MARKS, Mapping
from ml_connector.core.needs import FieldNeed
from ml_connector.core.transform import ARITY, TRANSFORMS
from ml_connector.flows import limit
from ml_connector.flows.work import Options
from ml_connector.loading import ENTITIES
from ml_connector.settings import Settings
from ml_connector.web.metrics import METRICS

ROOT = Path(__file__).parent.parent
PACKAGE = Path(ml_connector.__file__).parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
REFERENCE = ROOT / "docs" / "reference"

_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
_BLOCK = re.compile(r"<!-- table: ([\w-]+) -->\n(.*?)<!-- end -->", re.DOTALL)

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def prose_of(page: Path) -> str:
    return _FENCE.sub("", text_of(page))


# -- tables that are written from the code


def _table(*rows: tuple[str, ...]) -> str:
    head, *body = rows
    lines = [head, tuple("---" for _ in head), *body]
    cells = ([cell.replace("|", "\\|") for cell in row] for row in lines)
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)


def settings_table() -> str:
    sections = []
    for name, model in settings_file._sections(Settings):
        rows = [
            (f"`{key}`", _default(field), _allowed(field), str(field.description))
            for key, field in settings_file.own_fields(model).items()
        ]
        title = f"## [{name}]\n\n{settings_file._purpose(name, model)}\n\n"
        sections.append(title + _table(("setting", "default", "allowed", "what it means"), *rows))
    return "\n" + "\n".join(sections) + "\n"


def _default(field: Any) -> str:
    line = settings_file._setting_line("", field)
    if "REQUIRED" in line:
        return "**required**"
    return "" if "not set" in line else f"`{line.removeprefix('# = ')}`"


def _allowed(field: Any) -> str:
    if words := [f"`{word}`" for word in _words(field.annotation)]:
        return ", ".join(words)
    signs = {"ge": "from", "gt": "above", "le": "to", "lt": "below", "max_length": "characters:"}
    bounds = [
        f"{sign} {getattr(given, name):,}"
        for given in field.metadata
        for name, sign in signs.items()
        if getattr(given, name, None) is not None
    ]
    return " ".join(bounds)


def _words(annotation: Any) -> list[str]:
    found: list[str] = []
    for part in get_args(annotation):
        found += [part] if isinstance(part, str) else _words(part)
    return found


def exit_table() -> str:
    return _table(("code", "meaning"), *((str(code.value), meaning) for code, meaning in MEANINGS.items()))


def command_table() -> str:
    return "\n" + "\n".join(_about(words, command) for words, command in commands()) + "\n"


def _about(words: tuple[str, ...], command: Any) -> str:
    about = f"### ml-connector {' '.join(words)}\n\n{_unwrapped(inspect.cleandoc(command.help or ''))}\n"
    shown = [param for param in command.params if not getattr(param, "hidden", False)]
    rows = [
        (f"`{_usage(param)}`", f"`{param.default}`" if param.default else "", param.help or "")
        for param in shown
        if param.name != "settings"
    ]
    return about + (f"\n{_table(('given', 'default', 'meaning'), *rows)}" if rows else "")


def _unwrapped(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _usage(param: Any) -> str:
    if not param.opts[0].startswith("-"):
        return param.metavar or param.name.upper()
    names = "/".join([*param.opts, *param.secondary_opts])
    return names if param.is_flag else f"{names} {param.metavar or 'VALUE'}"


def secret_table() -> str:
    return _table(
        ("secret", "what it is"), *((f"`{name}`", what) for name, what in {**NAMES, ALERTS: ALERT}.items())
    )


def metric_table() -> str:
    rows = [
        (
            f"`{told.name}`",
            "counter" if told.counts else "gauge",
            ", ".join(f"`{label}`" for label in told.labels),
            "each process" if told.own else "serve",
            told.meaning,
        )
        for told in METRICS
    ]
    return _table(("metric", "type", "labels", "told by", "what it says"), *rows)


def transform_table() -> str:
    rows = [(f"`{name}`", _count(name), _promise(TRANSFORMS[name])) for name in TRANSFORMS]
    return _table(("transform", "fields", "gives"), *rows)


def _count(name: str) -> str:
    arity = ARITY.get(name)
    if arity is None:
        return "any number"
    return str(arity.start) if len(arity) == 1 else f"{arity.start} to {arity.stop - 1}"


def _promise(given: Callable[..., object]) -> str:
    return " ".join((given.__doc__ or "").split())


def source_table() -> str:
    sections = []
    for entity in ENTITIES.values():
        rows = [(f"`{f.name}`", f.type, f.facet or f.each or "record") for f in entity.fields.values()]
        sections.append(f"### {entity.name}\n\n" + _table(("field", "type", "comes with"), *rows))
    return "\n" + "\n".join(sections) + "\n"


@cache
def shipped() -> tuple[Mapping, ...]:
    paths = sorted((PACKAGE / "mappings").glob("*.toml"))
    return tuple(mapping_file.read_mapping(p.name, p.read_text("utf-8"), ENTITIES) for p in paths)


def made_table() -> str:
    rows: dict[tuple[str, str], tuple[str, ...]] = {}
    for mapping in shipped():
        origins = _origins(mapping)
        for made in mapping.custom:
            size = f"({made.length})" if made.length else ""
            marks = f"{', unique, external' if made.unique else ''}{', *first*' if made.essential else ''}"
            key = (mapping.target, made.name)
            origin, name = origins[made.name], f"`{mapping.name}`"
            if key in rows:
                origin, name = _both(rows[key][4], origin), f"{rows[key][5]}, {name}"
            kind = f"{made.type}{size}{marks}"
            label = f"{made.label}, then GP's own name for it" if made.label_of else made.label
            rows[key] = (mapping.target, f"`{made.name}`", label, kind, origin, name)
    return _table(
        ("module", "field", "label", "type", "from GP", "mapping"), *sorted(rows.values(), key=_module)
    )


def _module(row: tuple[str, ...]) -> str:
    return row[0]


def _both(one: str, other: str) -> str:
    return one if one == other else f"{one}; {other}"


_MARKED = {
    "former": "ticked when GP names another person",
    "filtered": "ticked when it left the flow's filter",
    "vanished": "ticked when GP has it no more",
}
#: Where an entity has its own words for it.
_MARKED_OF = {
    ("journal_entries", "former"): "ticked when the entry no longer has the line",
    ("account_months", "vanished"): "ticked when it is outside the limits now",
}


def _origins(mapping: Mapping) -> dict[str, str]:
    key = f"`{mapping.key_source}`" + (f" and `{mapping.key_person}`" if mapping.key_person else "")
    told = {mapping.key_field: f"{key} with the key prefix"}
    told |= {
        name: _MARKED_OF.get((mapping.source, mark), _MARKED[mark]) for mark, name in mapping.marks.items()
    }
    if mapping.as_of:
        told[mapping.as_of] = "when a reading last changed this group"
    return told | {rule.target: _origin(rule) for rule in mapping.rules}


def _origin(rule: Any) -> str:
    if not rule.sources:
        return f'always "{rule.constant}"'
    fields = ", ".join(f"`{name}`" for name in rule.sources)
    if rule.lookup:
        return f"the record in {rule.lookup} of {fields}"
    told = fields if rule.transform == "copy" else f"{rule.transform} of {fields}"
    return f"{told}, once" if rule.owner == "once" else told


def standard_table() -> str:
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for mapping in shipped():
        made = {custom.name for custom in mapping.custom}
        for rule in mapping.rules:
            if rule.target not in made:
                rows.setdefault((mapping.target, rule.target), {})[mapping.source] = _origin(rule)
    masters = ("customers", "vendors")
    cells = [
        (module, f"`{n}`", *(got.get(one, "") for one in masters), "".join(_of_ledger(got, masters)))
        for (module, n), got in rows.items()
        if got.keys() & {"customers", "vendors"}
    ]
    head = ("module", "field", "of a customer", "of a vendor", "of the ledger")
    return _table(head, *sorted(cells, key=_module))


def _of_ledger(origins: dict[str, str], masters: tuple[str, ...]) -> Iterator[str]:
    return (origin for source, origin in origins.items() if source not in masters)


def setting_field_table() -> str:
    """The fields that settings want and no mapping fills; the tag in both of its kinds."""
    lookup = deal_needs(tagging=True, profitability=True, module="GL_Accounts")
    picklist = deal_needs(tagging=True, profitability=False)
    rows = [
        (need, "`[flows.deal_tagging]`, `[sales.deals]`" if need.name == TAG else "`[flows.profitability]`")
        for need in lookup
    ]
    for module, by in (
        ("Sales_Orders", "`[sales.orders]`"),
        ("Quotes", "`[sales.quotes]`"),
        ("Deals", _ANY_SALES),
    ):
        rows += [(need, by) for need in document_needs([module])]
    return _table(
        ("module", "field", "label", "type", "with `enabled` in"),
        *((n.module, f"`{n.name}`", n.label, _kind(n, picklist), by) for n, by in rows),
    )


_ANY_SALES = "`[sales.orders]`, `[sales.quotes]`, `[sales.deals]`"


def _kind(need: FieldNeed, instead: list[FieldNeed]) -> str:
    size = f"({need.length})" if need.length else ""
    other = next((f", or {one.type}" for one in instead if one.name == need.name), "")
    return f"{need.type}{size}{f' to {need.lookup}' if need.lookup else ''}{other}"


_AGAIN = {Again.NEVER: "", Again.LATER: ", tried again by itself", Again.WATCHED: ", looked at by every run"}


def code_table(system: str) -> str:
    """The codes of one system; those that say the same share a row, under the one that the others are the same as."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for entry in catalogue():
        if entry.system == system:
            kind = f"{entry.kind.value}{_AGAIN[entry.again]}{', can be released' if _can_be_released(entry) else ''}"
            rows.setdefault((kind, entry.meaning, entry.remedy), []).append(entry.code)
    cells = [(sorted(same, key=lambda code: (code in SAME, code)), told) for told, same in rows.items()]
    if SAME.keys() & {code for same, _ in cells for code in same}:
        cells.sort()
    shown = [(", ".join(f"`{code}`" for code in same), *told) for same, told in cells]
    return _table(("code", "kind", "what it means", "what to do"), *shown)


def _can_be_released(entry: Entry) -> bool:
    return entry.system == "ml-connector" and OWN_CODES[entry.code].releasable


def scope_table() -> str:
    return "".join(f"- `{scope}`\n" for scope in scopes_needed(["Accounts", "Contacts"], create_fields=True))


def chart_scope_table() -> str:
    """What the chart of accounts needs beside the others."""
    whole = scopes_needed(["GL_Accounts"], create_fields=True, create_modules=True, relabel=True)
    known = scopes_needed([], create_fields=True)
    return "".join(f"- `{scope}`\n" for scope in whole if scope not in known)


def sba_table(columns: dict[str, dict[str, str]]) -> str:
    names = dict.fromkeys(name for paths in columns.values() for name in paths)
    rows = [
        (f"`{name}`", *(f"`{paths[name]}`" if paths.get(name) else "" for paths in columns.values()))
        for name in names
    ]
    return _table(("field", *(f"of {kind}" for kind in columns)), *rows)


MASTERS = {"vendors": RECORD["vendors"], "customers": RECORD["customers"], "an address": ADDRESS}
LEDGER = {"GL accounts": RECORD["gl_accounts"], "journal entries": RECORD["journal_entries"], "a line": LINE}

SALES = {
    "a document": sba_sales_config.DOCUMENT,
    "a line": sba_sales_config.LINE,
    "an address": sba_sales_config.SHIP_TO,
}

TABLES: dict[str, Callable[[], str]] = {
    "settings": settings_table,
    "exit-codes": exit_table,
    "commands": command_table,
    "secrets": secret_table,
    "metrics": metric_table,
    "transforms": transform_table,
    "source-fields": source_table,
    "fields-made": made_table,
    "fields-used": standard_table,
    "own-codes": partial(code_table, "ml-connector"),
    "gp-codes": partial(code_table, "Dynamics GP"),
    "zoho-codes": partial(code_table, "Zoho CRM"),
    "scopes": scope_table,
    "chart-scopes": chart_scope_table,
    "setting-fields": setting_field_table,
    "sba-fields": partial(sba_table, MASTERS),
    "sba-ledger-fields": partial(sba_table, LEDGER),
    "sba-sales-fields": partial(sba_table, SALES),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_says_what_the_code_says(name):
    found = [block for page in PAGES for block in _BLOCK.findall(text_of(page)) if block[0] == name]
    assert found, f"no page has <!-- table: {name} -->"
    right = TABLES[name]()
    for _, there in found:
        assert there == right, f"between <!-- table: {name} --> and <!-- end --> this is right:\n{right}"


def test_every_table_is_one_that_is_known():
    assert {name for page in PAGES for name, _ in _BLOCK.findall(text_of(page))} == set(TABLES)


def test_the_table_of_settings_has_what_init_writes():
    written = set(re.findall(r"(?m)^#? ?(\w+) =", settings_file.commented_settings()))
    assert set(re.findall(r"(?m)^\| `(\w+)` \|", text_of(REFERENCE / "settings.md"))) == written


# -- lists whose meaning people wrote, and whose members the code has


def _first_cells(page: str, heading: str) -> list[str]:
    """The names in the first column of the table under this heading."""
    section = text_of(REFERENCE / page).split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"(?m)^\| `([^`]+)` \|", section)


@pytest.mark.parametrize(
    ("page", "heading", "known"),
    [
        ("mapping-files.md", "The file", mapping_file._TOP),
        ("mapping-files.md", "[key]", mapping_file._KEY),
        ("mapping-files.md", "[match]", mapping_file._MATCH),
        ("mapping-files.md", "[marks]", MARKS),
        ("mapping-files.md", "[fields]", mapping_file._RULE),
        ("mapping-files.md", "[custom]", mapping_file._CUSTOM),
        ("mapping-files.md", "[module]", mapping_file._MODULE),
        ("document-mappings.md", "The file", document_mapping_file.TOP),
        ("document-mappings.md", "How a value is said", document_mapping_file.RULE),
        ("document-mappings.md", "[header]", tuple(HEADER)),
        ("document-mappings.md", "[lines]", tuple(LINES)),
        ("audit-actions.md", "The actions", tuple(AuditAction)),
        ("error-catalogue.md", "The kinds", tuple(kind.value for kind in Kind)),
        ("commands.md", "What sync counts", COUNTS),
        ("../how-to/watch-it.md", "Alerts", tuple(kind.value for kind in AlertKind)),
    ],
)
def test_a_list_is_complete(page, heading, known):
    assert sorted(_first_cells(page, heading)) == sorted(map(str, known))


@cache
def sources() -> str:
    """The program's own text, without the simulators."""
    return "\n".join(
        p.read_text("utf-8")
        for p in PACKAGE.rglob("*.py")
        if "simulators" not in p.parts and "demo" not in p.parts
    )


def test_every_code_of_the_program_is_in_the_catalogue():
    given = set(re.findall(r'code(?:: str)? ?= ?"([A-Z][A-Z_]+)"', sources()))
    given |= set(re.findall(r'code or "([A-Z]+)"', sources()))
    without_one = set(re.findall(r"`([A-Z]+)` ", text_of(REFERENCE / "error-catalogue.md").split("\n## ")[0]))
    assert given - {entry.code for entry in catalogue()} == without_one


def test_the_operations_asked_of_gp_are_complete():
    asked = set(re.findall(r'"((?:Get|Create|Update|Void)[A-Z]\w+)"', sources()))
    assert set(_first_cells("rights.md", "Dynamics GP")) == asked


def test_the_calls_to_zoho_are_complete():
    listed = "\n".join(_first_cells("rights.md", "Zoho CRM"))
    for path in set(re.findall(r'"(/(?:org|users|coql|settings/\w+))"', sources())) | {"/deleted"}:
        assert path in listed


def test_the_libraries_are_those_of_the_project():
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    names = {re.split(r"[<>=\[]", line)[0] for line in wanted}
    page = text_of(ROOT / "docs" / "decisions" / "0001-libraries.md")
    assert set(re.findall(r"(?m)^\| `([\w-]+)` \|", page)) == names


# -- commands


@cache
def commands() -> tuple[tuple[tuple[str, ...], Any], ...]:
    def walk(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
        below = getattr(command, "commands", None)
        if below is None or command.invoke_without_command:
            yield words, command
        for name, one in (below or {}).items():
            yield from walk(one, (*words, name))

    return tuple(walk(typer.main.get_command(app), ()))


def _options(command: Any) -> set[str]:
    return {name for param in command.params for name in (*param.opts, *param.secondary_opts)} | {"--help"}


def lines_of_code(page: Path) -> list[str]:
    """What a page shows as typed: lines of code blocks (those with a prompt, or all of them) and inline code."""
    typed: list[str] = []
    for language, block in _FENCE.findall(text_of(page)):
        lines = [line.strip() for line in block.replace("\\\n", " ").splitlines()]
        if language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        typed += lines
    return typed + _INLINE.findall(prose_of(page))


def _calls(page: Path) -> Iterator[list[str]]:
    """The words behind every ``ml-connector`` that is typed."""
    for line in lines_of_code(page):
        words = shlex.split(line, comments=True) if _is_call(line) else []
        starts = [at for at, word in enumerate(words) if word.split("/")[-1] == "ml-connector"]
        for at in starts:
            rest = words[at + 1 :]
            end = next(
                (n for n, word in enumerate(rest) if word in ("|", "&&", ";", ">", ">>", "&")), len(rest)
            )
            yield rest[:end]


def _is_call(line: str) -> bool:
    return re.search(r"(^|[\s/=])ml-connector\s+[a-z-]", line) is not None and "…" not in line


@every_page
def test_every_command_and_option_exists(page):
    known, common = dict(commands()), _options(typer.main.get_command(app))
    groups = {words[:-1] for words in known}
    for words in _calls(page):
        plain = [word for word in words if not word.startswith("-")]
        name = next((tuple(plain[:n]) for n in (2, 1) if tuple(plain[:n]) in known), None)
        if name is None and (tuple(plain) in groups or words[0] in common):
            continue
        assert name is not None, f"there is no command: ml-connector {' '.join(words)}"
        given = {word.split("=")[0] for word in words if word.startswith("--")}
        assert given <= _options(known[name]) | common, f"ml-connector {' '.join(words)}"


@every_page
def test_every_make_target_exists(page):
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text("utf-8")))
    for line in lines_of_code(page):
        if called := re.match(r"make ([a-z]+)", line):
            assert called[1] in targets, line


# -- links, paths, settings and figures


def _anchors(page: Path) -> set[str]:
    heads = re.findall(r"(?m)^#+ (.+)$", prose_of(page))
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@every_page
def test_every_link_leads_somewhere(page):
    for link in _LINK.findall(prose_of(page)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{link}: there is no such file"
        assert not anchor or anchor in _anchors(there), f"{link}: there is no such heading"


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = (link.partition("#")[0] for link in _LINK.findall(prose_of(page)) if "://" not in link)
        waiting += [(page.parent / link).resolve() for link in links if link]
    assert [str(page.relative_to(ROOT)) for page in PAGES if page.resolve() not in reached] == []


_PATH = re.compile(
    r"(?:src|docs|tests|benchmarks|core|connectors|flows|store|cli|demo|simulators|mappings)/[\w./-]*"
)


@every_page
def test_every_file_that_is_named_exists(page):
    for given in filter(_PATH.fullmatch, _INLINE.findall(prose_of(page))):
        assert (ROOT / given).exists() or (PACKAGE / given).exists(), given


def test_the_map_of_folders_has_every_folder():
    page = text_of(ROOT / "docs" / "explanation" / "architecture.md")
    folders = {p.parent.relative_to(PACKAGE) for p in PACKAGE.rglob("*.py")} - {Path()}
    told = [f"`{folder}/`" for folder in folders if "migrations" not in folder.parts]
    assert [name for name in told if name not in page] == []


@every_page
def test_every_setting_that_is_named_in_a_sentence_exists(page):
    known = {
        f"{name}.{key}" for name, model in settings_file._sections(Settings) for key in model.model_fields
    }
    sections = {name.rpartition(".")[0] for name in known}
    for section, key in re.findall(r"`\[([\w.]+)\] (\w+)`", prose_of(page)):
        assert section in sections, section
        assert f"{section}.{key}" in known, f"[{section}] {key}"


_FIGURE = re.compile(
    r"\d[\d.,]* ?(?:records|Accounts|customers) ?(?:/s|a second|per second)|\d[\d.,]* ?MB\b|\bratio\b.*\d"
)


@every_page
def test_a_measured_figure_stands_with_the_command_that_makes_it(page):
    written = _BLOCK.sub("", prose_of(page))  # tables from the code have limits, not measurements
    for part in re.split(r"\n(?=## )", written):
        if _FIGURE.search(part):
            assert re.search(r"python benchmarks/\w+\.py", part), part[:200]
    for name in re.findall(r"benchmarks/\w+\.py", text_of(page)):
        assert (ROOT / name).exists(), name


PRICES = write_prices(bulk=True)
JOB = PRICES.job
assert JOB is not None


def _points(fact: str) -> str:
    points = similar._POINTS[fact]
    return f"+{points[Verdict.AGREE]:g} | −{-points[Verdict.DIFFER]:g}"


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("explanation/matching-and-approval.md", f"| {similar.AUTOMATIC:g} and more, one Account alone from"),
        ("explanation/matching-and-approval.md", f"| {similar.REVIEW:g} and more | held as `SIMILAR_RECORD`"),
        ("explanation/matching-and-approval.md", f"| telephone | {_points('phone')} |"),
        ("explanation/matching-and-approval.md", f"| postal code | {_points('postal_code')} |"),
        ("explanation/matching-and-approval.md", f"| city | {_points('city')} |"),
        ("explanation/nothing-is-doubled.md", f"younger than {Options().operation_timeout.seconds} seconds"),
        ("explanation/the-life-of-a-change.md", f"about {JOB.credits} credits"),
        ("explanation/the-life-of-a-change.md", f"From {PRICES.break_even:,} changes on"),
        ("decisions/0028-bulk-writes.md", f"From about {PRICES.break_even:,} records on"),
        ("how-to/when-a-run-stops.md", {20: "twenty are always allowed"}[limit.ALWAYS_ALLOWED]),
        ("how-to/when-a-run-stops.md", {0.1: "more than a tenth"}[Options().max_change_ratio]),
        *(
            ("how-to/provision-any-organisation.md", f"{name.title()} {CUSTOM_FIELDS[name]}")
            for name in ("standard", "professional", "enterprise")
        ),
    ],
)
def test_a_figure_in_a_sentence_is_that_of_the_code(page, said):
    assert said in text_of(ROOT / "docs" / page)


def test_the_demo_that_the_readme_shows_is_the_demo():
    demo = (PACKAGE / "demo" / "__init__.py").read_text("utf-8")
    titles = re.findall(r"(?m)^== (.+)$", text_of(ROOT / "README.md"))
    assert len(titles) > 3
    assert set(titles) <= set(re.findall(r'_title\("(.+)"\)', demo))
