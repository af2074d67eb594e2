"""Zoho's own Python SDK makes modules and fields and writes and reads in bulk; it must not notice the simulator."""

import pytest

from zoho_bulk import archive, table
from zoho_sdk import IS_INSTALLED, run_sdk

pytestmark = pytest.mark.skipif(not IS_INSTALLED, reason="Zoho's SDK is not installed")

METADATA = r"""
from zohocrmsdk.src.com.zoho.crm.api import fields, modules
from zohocrmsdk.src.com.zoho.crm.api.fields import fields as one_field
from zohocrmsdk.src.com.zoho.crm.api.fields.lookup import Lookup
from zohocrmsdk.src.com.zoho.crm.api.fields.pick_list_value import PickListValue
from zohocrmsdk.src.com.zoho.crm.api.modules import MinifiedModule, Modules
from zohocrmsdk.src.com.zoho.crm.api.profiles import MinifiedProfile

def items(response, key):
    found = getattr(response.get_object(), "get_" + key)()
    return [(type(one).__name__, one.get_code().get_value(), one.get_message() if isinstance(one.get_message(), str)
             else one.get_message().get_value()) for one in found], found
profile = MinifiedProfile()
profile.set_id(PROFILE)
module = Modules()
module.set_singular_label("GL Account")
module.set_plural_label("GL Accounts")
module.set_api_name("GL_Accounts")
module.set_profiles([profile])
wrapper = modules.BodyWrapper()
wrapper.set_modules([module])
answer = modules.ModulesOperations().create_custom_modules(wrapper)
seen["module"] = [answer.get_status_code(), items(answer, "modules")[0]]
answer = modules.ModulesOperations().get_modules(ParameterMap(), HeaderMap())
seen["modules"] = [one.get_api_name() for one in answer.get_object().get_modules()
                   if one.get_generated_type().get_value() == "custom"]
answer = modules.ModulesOperations().get_module_by_api_name("GL_Accounts")
seen["one_module"] = answer.get_object().get_modules()[0].get_plural_label()

def create(module_name, **values):
    field = one_field.Fields()
    for key, value in values.items():
        getattr(field, "set_" + key)(value)
    body = fields.BodyWrapper()
    body.set_fields([field])
    parameters = ParameterMap()
    parameters.add(fields.CreateFieldParam.module, module_name)
    return fields.FieldsOperations().create_field(body, parameters)
target = MinifiedModule()
target.set_api_name("GL_Accounts")
lookup = Lookup()
lookup.set_module(target)
lookup.set_display_label("Accounts")
answer = create("Accounts", field_label="GL Account", data_type="lookup", lookup=lookup)
seen["lookup"] = [answer.get_status_code(), items(answer, "fields")[0]]
def pick(display, actual):
    value = PickListValue()
    value.set_display_value(display)
    value.set_actual_value(actual)
    return value
answer = create("Accounts", field_label="State", data_type="picklist", pick_list_values=[pick("Open", "Open"),
                                                                                    pick("Closed", "Closed")])
told, found = items(answer, "fields")
seen["picklist"] = [answer.get_status_code(), told]
state = int(found[0].get_details()["id"])
parameters = ParameterMap()
parameters.add(fields.UpdateFieldParam.module, "Accounts")
changed = one_field.Fields()
changed.set_field_label("GP State")
changed.set_pick_list_values([pick("Held", "Held")])
body = fields.BodyWrapper()
body.set_fields([changed])
answer = fields.FieldsOperations().update_field(state, body, parameters)
seen["update"] = [answer.get_status_code(), items(answer, "fields")[0]]
parameters = ParameterMap()
parameters.add(fields.GetFieldsParam.module, "Accounts")
listed = fields.FieldsOperations().get_fields(parameters).get_object().get_fields()
by_name = {field.get_api_name(): field for field in listed}
seen["fields"] = [
    by_name["GL_Account"].get_data_type(), by_name["GL_Account"].get_lookup().get_module().get_api_name(),
    by_name["State"].get_field_label(),
    [value.get_actual_value() for value in by_name["State"].get_pick_list_values()]]
parameters = ParameterMap()
parameters.add(fields.DeleteFieldParam.module, "Accounts")
answer = fields.FieldsOperations().delete_field(state, parameters)
seen["delete"] = [answer.get_status_code(), items(answer, "fields")[0]]
"""

BULK = r"""
import csv, io, zipfile
from zohocrmsdk.src.com.zoho.crm.api import bulk_read, bulk_write
from zohocrmsdk.src.com.zoho.crm.api.fields import MinifiedField
from zohocrmsdk.src.com.zoho.crm.api.modules import MinifiedModule

def module(name):
    one = MinifiedModule()
    one.set_api_name(name)
    return one
def unpacked(stream):
    with zipfile.ZipFile(io.BytesIO(stream.get_stream().content)) as files:
        [name] = files.namelist()
        return name, list(csv.reader(io.StringIO(files.read(name).decode())))
writes = bulk_write.BulkWriteOperations()
body = bulk_write.FileBodyWrapper()
body.set_file(StreamWrapper(None, None, folder + "/accounts.zip"))
headers = HeaderMap()
headers.add(bulk_write.UploadFileHeader.feature, "bulk-write")
headers.add(bulk_write.UploadFileHeader.x_crm_org, "772033711")
uploaded = writes.upload_file(body, headers)
seen["upload"] = [uploaded.get_status_code(), uploaded.get_object().get_code().get_value()]
file_id = uploaded.get_object().get_details()["file_id"]

def job(operation, file, *mapped):
    request, resource, callback = bulk_write.RequestWrapper(), bulk_write.Resource(), bulk_write.CallBack()
    callback.set_url("https://connector.example/done")
    callback.set_method(Choice("post"))
    request.set_callback(callback)
    request.set_operation(Choice(operation))
    request.set_character_encoding("UTF-8")
    resource.set_type(Choice("data"))
    resource.set_module(module("Accounts"))
    resource.set_file_id(str(file))
    resource.set_file_names(["accounts.csv"])
    resource.set_ignore_empty(True)
    resource.set_find_by("GP_Customer_ID")
    mappings = []
    for index, name in enumerate(mapped):
        mapping = bulk_write.FieldMapping()
        mapping.set_api_name(name)
        mapping.set_index(index)
        mappings.append(mapping)
    resource.set_field_mappings(mappings)
    request.set_resource([resource])
    return writes.create_bulk_write_job(request)
refused = job("upsert", "1", "Account_Name", "GP_Customer_ID")
seen["refused"] = [refused.get_status_code(), refused.get_object().get_code().get_value()]
created = job("upsert", file_id, "Account_Name", "GP_Customer_ID")
seen["created"] = [created.get_status_code(), created.get_object().get_code().get_value()]
job_id = str(created.get_object().get_details()["id"])
def details(job_id):
    return writes.get_bulk_write_job_details(job_id).get_object()
seen["added"] = details(job_id).get_status()
control("bulk/end", {"id": job_id})
done = details(job_id)
resource = done.get_resource()[0]
file = resource.get_file()
seen["done"] = [
    done.get_status(), done.get_operation(), type(done.get_created_time()).__name__, done.get_created_by().get_name(),
    resource.get_status().get_value(), resource.get_module().get_api_name(), file.get_name(), file.get_added_count(),
    file.get_skipped_count(), file.get_updated_count(), file.get_total_count(), done.get_callback().get_url(),
    [(one.get_api_name(), one.get_index()) for one in resource.get_field_mappings()]]
result = writes.download_bulk_write_result(done.get_result().get_download_url())
name, rows = unpacked(result.get_object().get_file())
seen["result"] = [name, [[row[0], row[2], row[4]] for row in rows]]
missing = writes.get_bulk_write_job_details("123")
seen["missing"] = [missing.get_status_code(), missing.get_object().get_code().get_value()]

reads = bulk_read.BulkReadOperations()
request, query, criteria = bulk_read.BodyWrapper(), bulk_read.Query(), bulk_read.Criteria()
field = MinifiedField()
field.set_api_name("GP_Customer_ID")
criteria.set_field(field)
criteria.set_comparator(Choice("in"))
criteria.set_value(["A1", "B1"])
query.set_module(module("Accounts"))
query.set_fields(["Account_Name", "Owner"])
query.set_criteria(criteria)
request.set_query(query)
request.set_file_type("csv")
created = reads.create_bulk_read_job(request)
item = created.get_object().get_data()[0]
seen["read_created"] = [created.get_status_code(), item.get_code().get_value(), item.get_details()["operation"]]
read_id = int(item.get_details()["id"])
def state():
    return reads.get_bulk_read_job_details(read_id).get_object().get_data()[0]
seen["read_added"] = state().get_state().get_value()
control("bulk/end", {"id": str(read_id)})
done = state()
seen["read_done"] = [done.get_state().get_value(), done.get_result().get_count(), done.get_result().get_more_records(),
                     done.get_query().get_module().get_api_name()]
name, rows = unpacked(reads.download_result(read_id).get_object().get_file())
seen["read_result"] = [rows[0], [row[1] for row in rows[1:]]]
"""


def test_modules_and_fields(zoho, tmp_path):
    profile = zoho.call("GET", "settings/profiles").body["profiles"][0]["id"]
    seen = run_sdk(zoho, tmp_path, METADATA.replace("PROFILE", profile))
    assert seen == {
        "module": [201, [["SuccessResponse", "SUCCESS", "module created successfully"]]],
        "modules": ["GL_Accounts"],
        "one_module": "GL Accounts",
        "lookup": [201, [["SuccessResponse", "SUCCESS", "field created"]]],
        "picklist": [201, [["SuccessResponse", "SUCCESS", "field created"]]],
        "update": [200, [["SuccessResponse", "SUCCESS", "field updated"]]],
        "fields": ["lookup", "GL_Accounts", "GP State", ["Open", "Closed", "Held"]],
        "delete": [200, [["SuccessResponse", "SUCCESS", "field deleted"]]],
    }


def test_bulk_write_and_bulk_read(start, tmp_path):
    zoho = start(bulk_wait_seconds=3_600)
    zoho.add_key()
    rows = [["Account_Name", "GP_Customer_ID"], ["Aaron", "A1"], ["", "X1"], ["Berta", "B1"]]
    (tmp_path / "accounts.zip").write_bytes(archive(table(*rows), name="accounts.csv"))
    seen = run_sdk(zoho, tmp_path, BULK)
    assert seen == {
        "upload": [200, "FILE_UPLOAD_SUCCESS"],
        "refused": [400, "INVALID_FILE_ID"],
        "created": [201, "SUCCESS"],
        "added": "ADDED",
        "done": [
            "COMPLETED",
            "upsert",
            "datetime",
            "Integration User",
            "COMPLETED",
            "Accounts",
            "accounts.csv",
            2,
            1,
            0,
            3,
            "https://connector.example/done",
            [["Account_Name", 0], ["GP_Customer_ID", 1]],
        ],
        "result": [
            "Accounts-accounts.csv",
            [
                ["Account_Name", "STATUS", "ERRORS"],
                ["Aaron", "ADDED", ""],
                ["", "SKIPPED", "MANDATORY_NOT_FOUND-Account_Name"],
                ["Berta", "ADDED", ""],
            ],
        ],
        "missing": [400, "RESOURCE_NOT_FOUND"],
        "read_created": [201, "ADDED_SUCCESSFULLY", "read"],
        "read_added": "ADDED",
        "read_done": ["COMPLETED", 2, False, "Accounts"],
        "read_result": [["id", "Account_Name", "Owner"], ["Aaron", "Berta"]],
    }
