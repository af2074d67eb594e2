"""One call of the API: what it is called in the counts, what it needs, what it costs."""

from collections.abc import Callable
from dataclasses import dataclass

from ml_connector.simulators.zoho.call import Call
from ml_connector.simulators.zoho.replies import Reply
from ml_connector.simulators.zoho.scopes import Operation

Needs = Callable[[Call], int]


def one_credit(_call: Call) -> int:
    """What most calls cost."""
    return 1


@dataclass(frozen=True, slots=True)
class Route:
    """A call: its name in the counts, the scope it needs, what it costs, and whether the sub-concurrency counts it."""

    kind: str
    handle: Callable[[Call], Reply]
    area: str
    """Scope of ZohoCRM without the operation; `modules` stands for the module's own, `files` for ZohoFiles."""
    operation: Operation
    cost: Needs = one_credit
    has_body: bool = False
    """Whether the body is to be read as JSON."""
    is_heavy: Callable[[Call], bool] = lambda _call: False
    also: str | None = None
    """A second scope area that is needed."""
    customises: bool = False
    """Whether the user's profile must permit to change modules and fields."""
