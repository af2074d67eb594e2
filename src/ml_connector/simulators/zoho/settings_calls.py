"""/settings: profiles and layouts; and /org and /users."""

from ml_connector.simulators.zoho.call import Call
from ml_connector.simulators.zoho.field_calls import asked_module
from ml_connector.simulators.zoho.org import ZGID
from ml_connector.simulators.zoho.people import TYPES
from ml_connector.simulators.zoho.record_reads import MAX_PER_PAGE, NOTHING
from ml_connector.simulators.zoho.replies import Reply, invalid_parameter, json_reply


def get_org(call: Call) -> Reply:
    """GET /org."""
    options = call.org.options
    org = {
        "id": call.org.id,
        "zgid": ZGID,
        "company_name": "Fabrikam, Inc.",
        "time_zone": "America/Chicago",
        "currency": "US Dollar",
        "currency_symbol": "$",
        "iso_code": "USD",
        "country_code": "US",
        "country": "United States",
        "primary_email": "crm@fabrikam.example",
        "license_details": {
            "paid": options.edition != "free",
            "paid_type": options.edition,
            "users_license_purchased": options.users,
            "trial_type": None,
            "trial_expiry": None,
        },
        "mc_status": False,
        "type": "production",
    }
    return json_reply(200, {"org": [org]})


def get_users(call: Call) -> Reply:
    """GET /users: a page of those of a `type`."""
    chosen = TYPES.get(call.query.get("type", "AllUsers"))
    if chosen is None:
        raise invalid_parameter("type")
    per_page = call.whole("per_page", MAX_PER_PAGE, 1, MAX_PER_PAGE)
    page = call.whole("page", 1, 1, 10_000)
    found = [user for user in call.org.people.values() if chosen(user)]
    start = (page - 1) * per_page
    administrator, standard = call.org.profiles
    users = [
        user.to_json(administrator if user.is_administrator else standard)
        for user in found[start : start + per_page]
    ]
    if not users:
        return NOTHING
    more = start + per_page < len(found)
    info = {"per_page": per_page, "count": len(users), "page": page, "more_records": more}
    return json_reply(200, {"users": users, "info": info})


def list_profiles(call: Call) -> Reply:
    """GET /settings/profiles."""
    profiles = [
        {**profile, "display_label": profile["name"], "custom": False} for profile in call.org.profiles
    ]
    return json_reply(200, {"profiles": profiles})


def list_layouts(call: Call) -> Reply:
    """GET /settings/layouts?module=."""
    module, profiles = asked_module(call), call.org.profiles
    layouts = [layout.to_json(module, profiles) for layout in call.org.layouts_of(module.api_name)]
    return json_reply(200, {"layouts": layouts})
