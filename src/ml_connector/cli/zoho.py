"""``ml-connector zoho authorize``: from a grant code to tokens that stay."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from ml_connector.cli.checks import show_tried, try_systems, zoho_system
from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.secrets import ask_secret
from ml_connector.cli.show import note
from ml_connector.cli.zoho_jobs import give_up, jobs

app = typer.Typer(help="Zoho's side.", no_args_is_help=True)
app.command("jobs")(jobs)
app.command("give-up")(give_up)


@app.callback()
def _zoho() -> None:
    """Zoho's side."""


@app.command()
def authorize(settings: SettingsPath = None, *, as_json: AsJson = False) -> None:
    """Let ml-connector into Zoho: shows what to do there, takes the grant code, keeps the tokens, tries them."""
    from ml_connector.bootstrap import open_app
    from ml_connector.connectors.zoho_crm.schema import (
        CHANNELS_SCOPE,
        accounts_url,
        edit_scopes,
        module_scope,
        scopes_needed,
    )

    tree = load(settings)
    with open_app(tree) as opened:
        opened.secrets.get("zoho.client_secret")  # asked first: a grant code lives for minutes only
        modules = sorted({mapping.target for mapping in opened.roster.mappings})
        users, layouts = bool(tree.owners.default), bool(opened.roster.layouts)
        scopes = scopes_needed(
            modules,
            create_fields=True,
            users=users,
            layouts=layouts,
            create_modules=bool(opened.roster.module_needs()),
            relabel=bool(opened.roster.flows_to_label()),
        )
        scopes += edit_scopes(opened.roster.edited_modules)
        scopes += (
            [module_scope("Sales_Orders", "READ")] if "won_deals" in opened.roster.document_flows else []
        )
        has_products = bool(tree.deals.product_field or opened.roster.document_flows)
        scopes += [module_scope("Products", "READ")] if has_products else []
        scopes += [CHANNELS_SCOPE] if tree.webhooks.url else []
        scopes = list(dict.fromkeys(scopes))
        note(steps(tree.zoho.data_centre, accounts_url(tree.zoho), scopes))
        grant = opened.zoho_auth.exchange_grant(ask_secret("the grant code").reveal())
        opened.secrets.put("zoho.refresh_token", grant.refresh_token)
        note("Authorised: the refresh token is kept, sealed, as zoho.refresh_token.")
        tried = try_systems([zoho_system(opened)])
    raise typer.Exit(show_tried(tried, as_json=as_json))


def steps(data_centre: str, accounts: str, scopes: Sequence[str]) -> str:
    """What a person does in Zoho's API console to get a grant code (self client, no redirect)."""
    console = accounts.replace("//accounts.", "//api-console.")
    return f"""\
Data centre: {data_centre} ({accounts}). If the organisation lives elsewhere, change data_centre in the settings first.
  1. Open {console} as an administrator of the CRM organisation.
  2. Open the Self Client whose client id is in the settings (make one if there is none).
  3. Under “Generate Code” give exactly these scopes:
     {",".join(scopes)}
     a duration of 10 minutes, any description, and choose the CRM organisation (production).
  4. Give the code here before it expires; it can be used once."""
