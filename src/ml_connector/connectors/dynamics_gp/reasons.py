"""Why GP refused something: the items of a logged ValidationResult (facts.md 2.11). Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ml_connector.connectors.dynamics_gp.values import Tree, children, find, to_text


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that was broken, in GP's own words."""

    message: str
    members: tuple[str, ...] = ()  #: the properties that it names
    object_type: str = ""  #: of what these are members, such as SalesOrderLine
    number: str = ""  #: eConnect's

    def __str__(self) -> str:
        """The message, with the properties it names and eConnect's number."""
        number = self.number and f"error number {self.number}"
        named = "; ".join(filter(None, (", ".join(self.members), number)))
        return f"{self.message} ({named})" if named else self.message


def read(result: Tree | None) -> list[Reason]:
    """The reasons of a ValidationResult; one without a message says nothing."""
    reasons = []
    for item in children(result, ("Errors", "ValidationError")):
        names = find(item, ("PropertyNames", "string"))
        listed = names if isinstance(names, list) else [names]
        reason = Reason(
            to_text(find(item, ("Message",))) or "",
            tuple(text for text in map(to_text, listed) if text),
            to_text(find(item, ("ObjectType",))) or "",
            to_text(find(item, ("Id",))) or "",
        )
        if reason.message:
            reasons.append(reason)
    return reasons
