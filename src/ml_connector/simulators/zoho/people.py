"""The organisation's users, and which of them each `type` of GET /users means (Zoho's "Get Users" page)."""

from collections.abc import Callable
from dataclasses import dataclass

from ml_connector.simulators.zoho.replies import JsonObject

API_USER = "5725767000000411001"
SALES_USER = "5725767000000411002"


@dataclass(frozen=True, slots=True)
class User:
    """A person, or the integration's own user."""

    id: str
    first_name: str
    last_name: str
    email: str
    status: str = "active"
    """`active`, `inactive` or `deleted`."""
    confirmed: bool = True
    is_administrator: bool = False

    @property
    def name(self) -> str:
        """As records show their owner."""
        return f"{self.first_name} {self.last_name}"

    @property
    def is_active(self) -> bool:
        """Whether records may be given to the user."""
        return self.status == "active"

    def to_json(self, profile: JsonObject) -> JsonObject:
        """As GET /users shows the user."""
        return {
            "id": self.id,
            "name": self.name,
            "full_name": self.name,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "email": self.email,
            "zuid": self.id[-9:],
            "status": self.status,
            "confirm": self.confirmed,
            "time_zone": "America/Chicago",
            "profile": profile,
            "role": {"name": "CEO", "id": f"{self.id[:-3]}500"},
        }


STAFF = (
    User(API_USER, "Integration", "User", "integration@fabrikam.example", is_administrator=True),
    User(SALES_USER, "Sally", "Sales", "sally@fabrikam.example"),
    User("5725767000000411003", "Paul", "West", "paul.west@fabrikam.example"),
    User("5725767000000411004", "Sandra", "Martinez", "Sandra.Martinez@fabrikam.example"),
    User("5725767000000411005", "Ian", "Marsh", "ian.marsh@fabrikam.example", confirmed=False),
    User("5725767000000411006", "Greg", "Erickson", "greg.erickson@fabrikam.example", "inactive"),
    User("5725767000000411007", "Nancy", "Buchanan", "nancy.buchanan@fabrikam.example", "deleted"),
)
"""Who works at Fabrikam; the salespeople have the names of its salesperson ids in the ERP."""

Chosen = Callable[[User], bool]

TYPES: dict[str, Chosen] = {
    "AllUsers": lambda _: True,
    "ActiveUsers": lambda user: user.is_active,
    "AllActiveUsers": lambda user: user.is_active,  # with the lite ones, of which there are none
    "ActiveLiteUser": lambda _: False,
    "DeactiveUsers": lambda user: user.status == "inactive",
    "DeletedUsers": lambda user: user.status == "deleted",
    "ConfirmedUsers": lambda user: user.confirmed,
    "NotConfirmedUsers": lambda user: not user.confirmed,
    "ActiveConfirmedUsers": lambda user: user.is_active and user.confirmed,
    "AdminUsers": lambda user: user.is_administrator,
    "ActiveConfirmedAdmins": lambda user: user.is_administrator and user.is_active and user.confirmed,
    "DeveloperUsers": lambda _: False,
    "CurrentUser": lambda user: user.id == API_USER,
}
