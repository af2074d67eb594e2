"""Customers of the ERP that are made of Accounts of the CRM, for their first order or quote.

Its key is made of the Account's id, so that the ERP itself refuses a second one: a create whose answer was lost is sent
again, and what stands there then is ours. Before the first is sent it is kept that this customer is that Account, so
that a run that meets the customer before we have linked it makes no second Account of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ml_connector.core.audit import AuditAction
from ml_connector.core.catalogue import CUSTOMER_MISSING, OWN_CODES
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.flow import BACK
from ml_connector.core.mapping import FieldRule
from ml_connector.core.match import Verdict, normalise_name
from ml_connector.core.new_customer import CustomerTerms, NewCustomer, new_customer
from ml_connector.core.numbering import number_of
from ml_connector.core.ports import Clock, Refused, Target
from ml_connector.core.record import Fields, Value, fold_key
from ml_connector.core.reverse import REVERSES
from ml_connector.core.sales_ports import MasterEdits, Taken, Unsure
from ml_connector.flows.edits import LOST_ANSWER
from ml_connector.flows.work import CHUNK, chunked
from ml_connector.store import audit, intents, links, staging, verdicts
from ml_connector.store.audit import AuditRow
from ml_connector.store.database import Connection, Database
from ml_connector.store.links import Link, Pair

ACCOUNTS, CUSTOMERS = "Accounts", "customers"
_MADE = "Made for the Account's first order or quote."

#: The customer's key, or why there is none.
Customer = str | RecordRejectedError


@dataclass(frozen=True, slots=True)
class NewCustomers:
    """What finds the customers of Accounts in one company of the ERP, and makes those that are missing."""

    company: str
    flow: str  #: for whose documents; it is told in the audit trail
    run: str
    target: Target  #: the CRM
    masters: MasterEdits
    database: Database
    clock: Clock
    rules: Sequence[FieldRule] = ()  #: of the mappings from customers to Accounts
    key_field: str = ""  #: of an Account: in which a customer's key stands
    terms: CustomerTerms | None = None  #: None: none is made, whoever has none is told so

    def key_of(self, account_id: str) -> str:
        """The key that an Account's customer gets where one is made; empty: none is made, or of no such id."""
        try:
            return number_of(account_id, self.terms.prefix) if self.terms else ""
        except RecordRejectedError:
            return ""

    def customer_of(self, account_ids: Iterable[str]) -> dict[str, Customer]:
        """Account id -> its customer's key, made where there was none and one may be; or why there is none.

        May be called again at any time. RetryableError, ConfigurationError: what was made until then stands.
        """
        ids = list(dict.fromkeys(account_ids))
        found: dict[str, Customer] = dict(self._linked(ids))
        missing = [one for one in ids if one not in found]
        if self.terms is None:
            return found | {one: _missing("It is no customer of the ERP.") for one in missing}
        for some in chunked(missing, CHUNK):
            found |= self._make_all(some, self.terms)
        return found

    def _linked(self, ids: Collection[str]) -> dict[str, str]:
        """Those that have a customer; of one that a run linked before we knew that we had made it, that is told now."""
        with self.database.begin() as tx:
            known = links.on(tx, self._pair, ids)
            lost = {key for key, _ in intents.find(tx, self._intended, known)}
            for account_id, link in known.items():
                if fold_key(account_id) in lost:
                    self._tell(tx, account_id, link.source_key, {}, LOST_ANSWER)
        return {account_id: link.source_key for account_id, link in known.items()}

    def _make_all(self, ids: Sequence[str], terms: CustomerTerms) -> dict[str, Customer]:
        accounts = self.target.read(ACCOUNTS, ids, self._fields())
        found: dict[str, Customer] = {}
        for account_id in ids:
            try:
                found[account_id] = self._make(account_id, accounts.get(account_id), terms)
            except RecordRejectedError as error:
                error.heals = True  # somebody may mend the Account, and nothing tells us of that
                found[account_id] = error
        return found

    def _fields(self) -> list[str]:
        """What is read of an Account, as far as it is there."""
        wanted = {rule.target for rule in self.rules if rule.sources and rule.transform in REVERSES}
        return sorted((wanted | {self.key_field}) & self.target.describe(ACCOUNTS).keys())

    def _make(self, account_id: str, stands: Mapping[str, object] | None, terms: CustomerTerms) -> str:
        """The key of the customer that is made. RecordRejectedError: none is."""
        if stands is None:
            raise _missing("The Account is gone from the CRM, or our user may not see it.")
        account = {name: _value(value) for name, value in stands.items()}
        settable = self.masters.settable(CUSTOMERS)
        customer = new_customer(account_id, account, self.rules, settable, terms)
        self._require_new(account_id, account, customer)
        return self._create(account_id, customer)

    def _require_new(self, account_id: str, account: Fields, customer: NewCustomer) -> None:
        """RecordRejectedError: the ERP may have the customer already, under another key or in another company."""
        if key := account.get(self.key_field):
            raise _missing(f"The Account carries the key {key}, and that customer is not linked to it (yet).")
        name = str(customer.fields["name"])
        with self.database.read() as tx:
            apart = links.elsewhere(tx, self.company, ACCOUNTS, [account_id])
            alike = staging.keys_named(tx, self.company, CUSTOMERS, normalise_name(name))
            linked = {key for key, _ in links.find(tx, self._pair, alike)}
        if apart:
            raise _missing(f"The Account is {apart[account_id]} of another company of the ERP.")
        others = [key for key in alike if fold_key(key) not in linked | {fold_key(customer.key)}]
        if others:
            raise _missing(
                f"The ERP has a customer {others[0]} of the name {name} that is linked to no Account.",
                "If it is this one, have the two linked (“ml-connector plan” and its review file); if not, tell their"
                " names apart.",
            )

    def _create(self, account_id: str, customer: NewCustomer) -> str:
        ident = fold_key(account_id), ""
        with self.database.begin() as tx:
            intents.put(tx, self._intended, [ident], self.clock.now())
            meant = Verdict(chosen=account_id)
            verdicts.put(
                tx, self._pair, customer.key, "", meant, reason=_MADE, actor="ml-connector", at=self.clock.now()
            )  # fmt: skip
        outcome = self.masters.create(CUSTOMERS, customer.key, customer.fields)
        if isinstance(outcome, Unsure):
            raise outcome.error
        if isinstance(outcome, Refused):
            with self.database.begin() as tx:
                intents.remove(tx, self._intended, [ident])
                verdicts.remove(tx, self._pair, [(fold_key(customer.key), "")])
            raise outcome.error
        after, reason = customer.fields, _MADE
        if isinstance(outcome, Taken):
            after, reason = self._stands(customer), LOST_ANSWER
        self._link(account_id, customer.key, after, reason)
        return customer.key

    def _stands(self, customer: NewCustomer) -> Fields:
        """What an earlier attempt made of it."""
        record = self.masters.read(CUSTOMERS, customer.key)
        return {name: record.fields.get(name) for name in customer.fields} if record else {}

    def _link(self, account_id: str, key: str, after: Fields, reason: str) -> None:
        with self.database.begin() as tx:
            known = links.find(tx, self._pair, [key])
            if known:  # a run was quicker
                reason = LOST_ANSWER
            else:
                links.put(tx, self._pair, [Link(key, account_id, "made", self.clock.now(), None)])
            verdicts.remove(tx, self._pair, [(fold_key(key), "")])
            self._tell(tx, account_id, key, after, reason)

    def _tell(self, tx: Connection, account_id: str, key: str, after: Fields, reason: str) -> None:
        """Once, whoever made it: another thread may have, or a run that died."""
        if not intents.find(tx, self._intended, [account_id]):
            return
        intents.remove(tx, self._intended, [(fold_key(account_id), "")])
        audit.lock(tx)
        told = ((row["mapping"], row["action"]) for row in audit.of_key(tx, self.company, key))
        if (BACK, AuditAction.CREATED) in told:
            return
        row = AuditRow(
            company=self.company,
            flow=self.flow,
            run=self.run,
            mapping=BACK,
            source_key=key,
            entity=CUSTOMERS,
            module=ACCOUNTS,
            target_id=account_id,
            action=AuditAction.CREATED,
            at=None,
            happened_at=self.clock.now(),
            after=after,
            reason=reason,
        )
        audit.append(tx, [row])

    @property
    def _pair(self) -> Pair:
        return Pair(self.company, CUSTOMERS, ACCOUNTS)

    @property
    def _intended(self) -> Pair:
        """Under which creates are kept that were sent and never recorded, by the Account's id."""
        return Pair(self.company, ACCOUNTS, CUSTOMERS)


def _missing(happened: str, remedy: str = OWN_CODES[CUSTOMER_MISSING].remedy) -> RecordRejectedError:
    return RecordRejectedError(happened, remedy, code=CUSTOMER_MISSING, field="customer")


def _value(stated: object) -> Value:
    """A value of the CRM as a mapping would write it: the transforms that have a way back write texts."""
    return None if stated in (None, "") else str(stated)
