"""The values that the rules of a mapping say of a record or of one of its rows, each as the ERP takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from ml_connector.core.catalogue import CUSTOMER_MISSING, VALUE_MISSING, VALUE_UNFIT
from ml_connector.core.document_amounts import ZERO
from ml_connector.core.document_mapping import Around, DocumentRule, Pointed, Shape, Terms, Type
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.record import Fields, Value
from ml_connector.core.transform import TRANSFORMS, MapContext

_DECIMALS = 9  # Zoho CRM API v8, "Create Custom Fields"
_TOO_MUCH = Decimal(10) ** 15  # of GP's columns, which are numeric(19,5)


@dataclass(frozen=True, slots=True)
class Said:
    """What the rules say of a record, or of one of its rows; by the names of ``HEADER`` or ``LINES``."""

    values: Mapping[str, Value]  #: None: nothing stands there
    at: str = ""  #: begins what is said of a fault: "Line 2: "; empty: of the record itself

    def text(self, name: str) -> str:
        """The text; empty where there is none."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def day(self, name: str) -> date | None:
        """The day, if there is one."""
        value = self.values.get(name)
        return value if isinstance(value, date) else None

    def set_amount(self, name: str) -> Decimal | None:
        """The amount, if one stands there."""
        value = self.values.get(name)
        return value if isinstance(value, Decimal) else None

    def amount(self, name: str) -> Decimal | None:
        """The amount; nought where a rule says it and nothing stands there, None where no rule does."""
        return ZERO if name in self.values and self.values[name] is None else self.set_amount(name)

    def fault(self, name: str, happened: str, remedy: str, code: str = VALUE_UNFIT) -> RecordRejectedError:
        """A fault at one of the values."""
        field = f"lines.{name}" if self.at else name
        return RecordRejectedError(f"{self.at}{happened}", remedy, code=code, field=field)

    def missing(self, name: str, code: str = VALUE_MISSING) -> RecordRejectedError:
        """That a value is not there."""
        return self.fault(name, f"It has no {name}.", "Fill it in in the CRM.", code)


@dataclass(frozen=True, slots=True)
class Reader:
    """Applies rules to fields."""

    mapping: str  #: its name, for messages
    terms: Terms
    around: Around

    def said(
        self, rules: Sequence[DocumentRule], fields: Fields, shapes: Mapping[str, Shape], at: str = ""
    ) -> Said:
        """Every value that the rules say. RecordRejectedError: one is none that the ERP takes."""
        return Said({rule.target: self._checked(rule, fields, shapes, at) for rule in rules}, at)

    def _checked(self, rule: DocumentRule, fields: Fields, shapes: Mapping[str, Shape], at: str) -> Value:
        try:
            value = self._value(rule, fields)
        except RecordRejectedError as error:
            raise Said({}, at).fault(rule.target, error.happened, error.remedy, error.code) from error
        made, why = _fitting(value, shapes[rule.target])
        if why:
            named = f"{rule.target} ({', '.join(rule.sources) or 'a constant'})"
            remedy = f"Correct it in the CRM, or change the mapping {self.mapping}."
            raise Said({}, at).fault(rule.target, f"{named} {why}.", remedy)
        return made

    def _value(self, rule: DocumentRule, fields: Fields) -> Value:
        if not rule.sources:
            return rule.constant
        if rule.lookup:
            return self._looked_up(rule, fields)
        values = tuple(fields.get(name) for name in rule.sources)
        value = TRANSFORMS[rule.transform](values, MapContext(self.terms.currency))
        if rule.table and isinstance(value, str):
            return self.terms.tables.get(rule.table, {}).get(value.strip().casefold(), value)
        return value

    def _looked_up(self, rule: DocumentRule, fields: Fields) -> Value:
        pointed = pointed_at(rule, fields)
        if pointed is None:
            return None
        if name := self.around.names.get(pointed):
            return name
        raise RecordRejectedError(
            f"The record of {rule.lookup} that {rule.sources[0]} points to is none of the ERP's.",
            "Choose another there, or wait until that one is linked to the ERP.",
            code=CUSTOMER_MISSING if rule.target == "customer" else VALUE_MISSING,
        )


def pointed_at(rule: DocumentRule, fields: Fields) -> Pointed | None:
    """The record that a lookup points to, by the first of its fields that is set."""
    ids = (value for name in rule.sources if (value := fields.get(name)) not in (None, ""))
    first = next(ids, None)
    return None if first is None else Pointed(rule.lookup, str(first))


def _fitting(value: Value, shape: Shape) -> tuple[Value, str]:
    """(The value as the ERP takes it, why it does not); empty: None."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None, ""
    if shape.type is Type.TEXT:
        return _text(str(value).strip(), shape)
    made = _MADE[shape.type](value)
    if made is None:
        return None, f"is “{value}”, which is not {shape.type.value}"
    if isinstance(made, Decimal) and made < 0 and not shape.may_be_negative:
        return None, f"is {made}, which is below nought"
    return made, ""


def _text(text: str, shape: Shape) -> tuple[Value, str]:
    if not shape.longest or len(text) <= shape.longest:
        return text, ""
    if shape.is_cut:
        return text[: shape.longest].rstrip(), ""
    return None, f"is “{text}”, which is longer than {shape.longest} characters"


def _amount(value: Value) -> Decimal | None:
    """The number, to the decimals that a field of Zoho has at the most: what is behind came from its arithmetic."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    if not amount.is_finite() or abs(amount) >= _TOO_MUCH:
        return None
    return amount if round(amount, _DECIMALS) == amount else round(amount, _DECIMALS)


def _day(value: Value) -> date | None:
    """The day; of an instant, the day that it is written on."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None


def _yes_no(value: Value) -> bool | None:
    return value if isinstance(value, bool) else None


_MADE: Mapping[Type, Callable[[Value], Value]] = {
    Type.AMOUNT: _amount,
    Type.DAY: _day,
    Type.YES_NO: _yes_no,
}
