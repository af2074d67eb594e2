"""The rows of Quoted_Items and Ordered_Items: records of a module of their own, kept with their parent.

What Zoho computes of them, and of the quote or order, is inferred from the standard layout (facts 2.9): a line's taxes
are taken from what its discount leaves, the document's own taxes from what its discount leaves of the sum of the lines.
"""

from dataclasses import dataclass

from ml_connector.simulators.zoho.checking import Candidate, invalid_id, missing
from ml_connector.simulators.zoho.metadata import LINE_TAX, Ids
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


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of one module's records."""

    table: Table
    products: Table
    ids: Ids

    def store(self, lines: list[Candidate], parent: Row, present: list[str]) -> list[str]:
        """The parent's line ids afterwards: lines with an id are changed, others added, those left out stay.

        An empty list takes them all away.

        Source: Zoho's subform page. `parent` has the stamps that new and changed lines take over.
        """
        if not lines:
            remove_lines(self.table, present)
            return []
        kept = list(present)
        for line in lines:
            if line.is_removed and line.id:
                self.table.remove(line.id)
                kept.remove(line.id)
            elif line.id:
                changed = {**self.table.rows[line.id], **line.values}
                left = {name: value for name, value in changed.items() if name not in line.cleared}
                self.table.replace(self._finished(left, parent))
            elif not line.is_removed:
                row = {**line.values, "id": self.ids.new(), "Sequence_Number": len(kept) + 1}
                self.table.insert(self._finished(row, parent))
                kept.append(row["id"])
        return kept

    def _finished(self, row: Row, parent: Row) -> Row:
        """The line with what is computed; without a price it has the product's (inferred)."""
        product = self.products.rows.get(row.get("Product_Name", ""), {})
        if "Unit_Price" in product:
            row["Unit_Price"] = product["Unit_Price"]
            row.setdefault("List_Price", product["Unit_Price"])
        row["Total"] = round(row.get("Quantity", 0) * row.get("List_Price", 0), 2)
        row["Total_After_Discount"] = round(row["Total"] - row.get("Discount", 0), 2)
        row["Line_Tax"], row["Tax"] = _taxed(row.get("Line_Tax", []), row["Total_After_Discount"])
        row["Net_Total"] = round(row["Total_After_Discount"] + row["Tax"], 2)
        row["Parent_Id"] = parent["id"]
        for name in ("Owner", "Created_By", "Created_Time"):
            row.setdefault(name, parent[name])
        for name in ("Modified_By", "Modified_Time"):
            row[name] = parent[name]
        return row


def remove_lines(table: Table, line_ids: list[str]) -> None:
    """Takes lines away with their parent."""
    for line_id in line_ids:
        table.remove(line_id)


def totals(table: Table, parent: Row, line_ids: list[str]) -> Row:
    """The computed fields of a quote or an order."""
    sub_total = round(sum(table.rows[line_id]["Net_Total"] for line_id in line_ids), 2)
    left = sub_total - parent.get("Discount", 0)
    taxes, tax = _taxed(parent.get(LINE_TAX, []), left)
    grand_total = round(left + tax + parent.get("Adjustment", 0), 2)
    return {"Sub_Total": sub_total, LINE_TAX: taxes, "Tax": tax, "Grand_Total": grand_total}


def _taxed(taxes: list[JsonObject], amount: float) -> tuple[list[JsonObject], float]:
    """The taxes with what each comes to, and their sum."""
    told = [{**one, "value": round(amount * one["percentage"] / 100, 2)} for one in taxes]
    return told, round(sum(one["value"] for one in told), 2)
