"""The rows of Quoted_Items and Ordered_Items: records of a module of their own, kept with their parent."""

from ml_connector.simulators.zoho.checking import Candidate, invalid_id, missing
from ml_connector.simulators.zoho.metadata import Ids
from ml_connector.simulators.zoho.records import Row, Table
from ml_connector.simulators.zoho.replies import JsonObject


def line_errors(table: Table, candidate: Candidate, present: list[str]) -> list[JsonObject]:
    """What is wrong with the lines in view of those that are there."""
    errors = []
    for line in candidate.lines or ():
        if line.id is not None and line.id not in present:
            errors.append(invalid_id(line.path, "id"))
        elif line.id is None:
            errors += [
                missing(line.path, name) for name in sorted(table.module.mandatory - line.values.keys())
            ]
    return errors


def store_lines(table: Table, ids: Ids, lines: list[Candidate], parent: Row, present: list[str]) -> list[str]:
    """The parent's line ids afterwards: lines with an id are changed, others added, those left out stay.

    An empty list takes them all away.

    Source: Zoho's subform page. `parent` has the stamps that new and changed lines take over.
    """
    if not lines:
        remove_lines(table, present)
        return []
    kept = list(present)
    for line in lines:
        if line.is_removed and line.id:
            table.remove(line.id)
            kept.remove(line.id)
        elif line.id:
            changed = {**table.rows[line.id], **line.values}
            table.replace(_finished({n: v for n, v in changed.items() if n not in line.cleared}, parent))
        elif not line.is_removed:
            row = _finished({**line.values, "id": ids.new(), "Sequence_Number": len(kept) + 1}, parent)
            table.insert(row)
            kept.append(row["id"])
    return kept


def remove_lines(table: Table, line_ids: list[str]) -> None:
    """Takes lines away with their parent."""
    for line_id in line_ids:
        table.remove(line_id)


def totals(table: Table, parent: Row, line_ids: list[str]) -> dict[str, float]:
    """The computed fields of a quote or an order (inferred from the standard layout)."""
    sub_total = round(sum(table.rows[line_id]["Net_Total"] for line_id in line_ids), 2)
    grand_total = sub_total - parent.get("Discount", 0) + parent.get("Adjustment", 0)
    return {"Sub_Total": sub_total, "Grand_Total": round(grand_total, 2)}


def _finished(row: Row, parent: Row) -> Row:
    total = round(row.get("Quantity", 0) * row.get("List_Price", 0), 2)
    after_discount = round(total - row.get("Discount", 0), 2)
    row["Total"] = total
    row["Total_After_Discount"] = after_discount
    row["Net_Total"] = round(after_discount + row.get("Tax", 0), 2)
    row["Parent_Id"] = parent["id"]
    for name in ("Owner", "Created_By", "Created_Time"):
        row.setdefault(name, parent[name])
    for name in ("Modified_By", "Modified_Time"):
        row[name] = parent[name]
    return row
