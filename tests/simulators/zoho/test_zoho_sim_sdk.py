"""Zoho's own Python SDK as a stranger's client: it must not notice that it talks to a simulator."""

import pytest

from zoho_sdk import IS_INSTALLED, run_sdk

pytestmark = pytest.mark.skipif(not IS_INSTALLED, reason="Zoho's SDK is not installed")

SCRIPT = r"""
from zohocrmsdk.src.com.zoho.crm.api import coql, fields, layouts, modules, org, users
from zohocrmsdk.src.com.zoho.crm.api.record import (
    BodyWrapper, DeletedRecordsWrapper, DeleteRecordsParam, Field, GetDeletedRecordsHeader, GetDeletedRecordsParam,
    GetRecordsParam, Record, RecordOperations, SearchRecordsParam)

def body(*records, check=None):
    wrapper = BodyWrapper()
    wrapper.set_data(list(records))
    wrapper.set_trigger([])
    if check:
        wrapper.set_duplicate_check_fields(check)
    return wrapper
def account(name, **more):
    one = Record()
    one.add_field_value(Field.Accounts.account_name(), name)
    for key, value in more.items():
        one.add_key_value(key, value)
    return one
def items(response):
    found = response.get_object().get_data()
    return [(type(one).__name__, one.get_code().get_value(), one.get_details()) for one in found]

[kept] = store.get_tokens()
seen["token"] = [kept.get_access_token() == token.get_access_token(), kept.get_user_signature().get_name(),
                 kept.get_api_domain() == base, control("counts")["tokens_issued"]]
seen["org"] = org.OrgOperations().get_organization().get_object().get_org()[0].get_company_name()
answer = modules.ModulesOperations().get_modules(ParameterMap(), HeaderMap())
seen["modules"] = [module.get_api_name() for module in answer.get_object().get_modules()]
parameters = ParameterMap()
parameters.add(fields.GetFieldsParam.module, "Accounts")
answer = fields.FieldsOperations().get_fields(parameters)
seen["fields"] = {field.get_api_name(): field.get_data_type() for field in answer.get_object().get_fields()}
parameters = ParameterMap()
parameters.add(layouts.GetLayoutsParam.module, "Accounts")
answer = layouts.LayoutsOperations().get_layouts(parameters)
seen["layouts"] = [layout.get_name() for layout in answer.get_object().get_layouts()]
parameters = ParameterMap()
parameters.add(users.GetUsersParam.type, "ActiveUsers")
answer = users.UsersOperations().get_users(parameters, HeaderMap())
seen["users"] = [user.get_email() for user in answer.get_object().get_users()]

accounts = RecordOperations("Accounts")
two = body(account("One", GP_Customer_ID="K1", Employees=5), account("Two", GP_Customer_ID="K1"))
inserted = accounts.create_records(two, HeaderMap())
seen["insert"] = [inserted.get_status_code(), [one[:2] for one in items(inserted)]]
key = items(inserted)[0][2]["id"]
seen["duplicate"] = str(items(inserted)[1][2]["id"]) == str(key)
changed = Record()
changed.set_id(int(key))
changed.add_key_value("Fax", "312")
updated = accounts.update_records(body(changed), HeaderMap())
seen["update"] = [updated.get_status_code(), [one[:2] for one in items(updated)]]
upserted = accounts.upsert_records(body(account("One", GP_Customer_ID="K1", Phone="5")), HeaderMap())
item = upserted.get_object().get_data()[0]
seen["upsert"] = [upserted.get_status_code(), item.get_action().get_value(), item.get_duplicate_field()]
fresh = accounts.upsert_records(body(account("Onerous", GP_Customer_ID="K3"), check=["GP_Customer_ID"]), HeaderMap())
seen["upsert_new"] = [fresh.get_object().get_data()[0].get_action().get_value()]
parameters = ParameterMap()
parameters.add(GetRecordsParam.fields, "Account_Name,Fax,Phone,Owner,Modified_Time")
listed = accounts.get_records(parameters, HeaderMap()).get_object()
first = next(one for one in listed.get_data() if one.get_id() == int(key))
seen["listed"] = [len(listed.get_data()), listed.get_info().get_count()]
seen["list"] = [
    first.get_key_value("Account_Name"),
    first.get_key_value("Fax"),
    first.get_key_value("Owner").get_name(),
    isinstance(first.get_modified_time(), datetime.datetime),
    listed.get_info().get_more_records(),
]
def search():
    parameters = ParameterMap()
    parameters.add(SearchRecordsParam.criteria, "(Account_Name:equals:one)")
    answer = accounts.search_records(parameters, HeaderMap())
    found = answer.get_object().get_data() if answer.get_object() else []
    return [answer.get_status_code(), sorted(one.get_key_value("Account_Name") for one in found)]
seen["search_at_once"] = search()
query = coql.BodyWrapper()
query.set_select_query("select Account_Name, Employees from Accounts where GP_Customer_ID = 'K1' limit 10")
answer = coql.CoqlOperations().get_records(query)
seen["coql"] = [found.get_key_value("Employees") for found in answer.get_object().get_data()]
control("settings", {"clock_offset_seconds": 700})
seen["search_later"] = search()
parameters = ParameterMap()
parameters.add(DeleteRecordsParam.ids, str(key))
seen["delete"] = [one[1] for one in items(accounts.delete_records(parameters, HeaderMap()))]
parameters = ParameterMap()
parameters.add(GetDeletedRecordsParam.type, "all")
headers = HeaderMap()
headers.add(GetDeletedRecordsHeader.if_modified_since, datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc))
answer = accounts.get_deleted_records(parameters, headers)
seen["deleted"] = [(one.get_display_name(), one.get_id() == int(key), one.get_type(),
                    one.get_deleted_by().get_name()) for one in answer.get_object().get_data()]
"""


def test_zohos_sdk_works_unchanged(start, tmp_path):
    zoho = start(search_lag_seconds=600)
    zoho.add_key()
    seen = run_sdk(zoho, tmp_path, SCRIPT)
    assert seen.pop("org") == "Fabrikam, Inc."
    assert "Sales_Orders" in seen.pop("modules")
    fields = seen.pop("fields")
    assert (fields["GP_Customer_ID"], fields["Layout"]) == ("text", "layout")
    assert "Sandra.Martinez@fabrikam.example" in seen.pop("users")
    assert seen == {
        "insert": [207, [["SuccessResponse", "SUCCESS"], ["APIException", "DUPLICATE_DATA"]]],
        "duplicate": True,
        "token": [True, "integration@fabrikam.example:772033711", True, 2],
        "layouts": ["Standard"],
        "update": [200, [["SuccessResponse", "SUCCESS"]]],
        "upsert": [200, "update", "Account_Name"],
        "upsert_new": ["insert"],
        "listed": [2, 2],
        "list": ["One", "312", "Integration User", True, False],
        "search_at_once": [204, []],
        "search_later": [200, ["One", "Onerous"]],
        "coql": [5],
        "delete": ["SUCCESS"],
        "deleted": [["One", True, "recycle", "Integration User"]],
    }
