"""Bulk write: its calls, what it does to the records, and what it says of each row."""

import pytest

HEAD = ["Account_Name", "GP_Customer_ID", "Phone"]
MAPPED = [{"api_name": name, "index": index} for index, name in enumerate(HEAD)]


def upsert(bulk, *rows, **more):
    return bulk.done(HEAD, *rows, field_mappings=MAPPED, **more)


def test_job_goes_through_its_states(start, bulk_of):
    bulk = bulk_of(start(bulk_wait_seconds=60, bulk_seconds=60))
    job_id = bulk.start(HEAD, ["Aaron", "A1", "312"], ["Berta", "B1", "313"], field_mappings=MAPPED)
    added = bulk.job(job_id)
    assert (added["status"], added["operation"], added["id"]) == ("ADDED", "upsert", job_id)
    assert added["resource"][0]["file"]["total_count"] == 2
    assert "result" not in added
    bulk.forward(90)
    assert bulk.job(job_id)["status"] == "INPROGRESS"
    assert bulk.names() == []
    bulk.forward(130)
    done = bulk.job(job_id)
    assert done["status"] == "COMPLETED"
    [resource] = done["resource"]
    assert (resource["status"], resource["code"], resource["module"]["api_name"]) == (
        "COMPLETED",
        "COMPLETED",
        "Accounts",
    )
    assert resource["file"] == {
        "status": "COMPLETED",
        "name": "rows.csv",
        "added_count": 2,
        "skipped_count": 0,
        "updated_count": 0,
        "total_count": 2,
    }
    assert bulk.names() == ["Aaron", "Berta"]


def test_rows_are_there_at_the_second_they_were_due_though_nobody_asked(start, bulk_of, instant):
    bulk = bulk_of(start(bulk_wait_seconds=0, bulk_seconds=100))
    bulk.start(HEAD, ["Aaron", "A1", ""], field_mappings=MAPPED)
    bulk.forward(2_000)
    [row] = bulk.rows()
    now = instant(bulk.wire.get("Accounts", bulk.insert("Late"))["Created_Time"])
    assert 1_880 <= now - instant(row["Modified_Time"]) <= 1_930


def test_jobs_run_one_after_the_other(start, bulk_of):
    bulk = bulk_of(start(bulk_wait_seconds=0, bulk_seconds=100))
    first = bulk.start(HEAD, ["Aaron", "A1", ""], field_mappings=MAPPED)
    second = bulk.start(HEAD, ["Berta", "B1", ""], field_mappings=MAPPED)
    assert [bulk.job(one)["status"] for one in (first, second)] == ["INPROGRESS", "ADDED"]
    bulk.forward(150)
    assert [bulk.job(one)["status"] for one in (first, second)] == ["COMPLETED", "INPROGRESS"]
    assert bulk.names() == ["Aaron"]
    bulk.forward(250)
    assert bulk.names() == ["Aaron", "Berta"]


def test_rows_appear_one_by_one_when_told_so(start, bulk_of):
    bulk = bulk_of(start(bulk_wait_seconds=0, bulk_seconds=1_000, bulk_rows_appear="gradually"))
    rows = [[f"Account {n}", f"A{n}", ""] for n in range(10)]
    job_id = bulk.start(HEAD, *rows, field_mappings=MAPPED)
    bulk.forward(550)
    assert bulk.job(job_id)["resource"][0]["file"]["added_count"] == 5
    assert len(bulk.names()) == 5
    bulk.forward(1_100)
    assert len(bulk.names()) == 10


def test_result_tells_of_every_row(bulk):
    bulk.insert("Berta", GP_Customer_ID="B1", Phone="1")
    told = upsert(bulk, ["Aaron", "A1", "312"], ["Berta New", "b1", "313"], ["", "C1", "314"])
    ids = {row["GP_Customer_ID"]: row["id"] for row in bulk.rows()}
    assert told == [
        row("Aaron", "A1", "312", "ADDED", ids["A1"]),
        row("Berta New", "b1", "313", "UPDATED", ids["b1"]),
        row("", "C1", "314", "SKIPPED", errors="MANDATORY_NOT_FOUND-Account_Name"),
    ]


def test_result_has_the_first_three_mapped_columns_of_the_file(bulk):
    head = ["Fax", "Phone", "GP_Customer_ID", "Account_Name", "Website"]
    mapped = [
        {"api_name": name, "index": head.index(name)} for name in ("Account_Name", *head[1:3], "Website")
    ]
    [told] = bulk.done(head, ["9", "312", "A1", "Aaron", "a.example"], field_mappings=mapped)
    assert list(told) == ["Phone", "GP_Customer_ID", "Account_Name", "STATUS", "RECORD_ID", "ERRORS"]


def test_several_errors_of_a_row_stand_by_code(bulk):
    head = ["Account_Name", "GP_Customer_ID", "Employees", "Phone", "Email"]
    bulk.wire.add_field(label="Email", kind="email")
    told = bulk.done(head, ["", "A1", "many", "0" * 31, "nobody"])
    assert [one["ERRORS"] for one in told] == [
        "MANDATORY_NOT_FOUND-Account_Name:INVALID_DATA-Employees,Phone,Email"
    ]
    assert bulk.names() == []


def test_duplicate_is_skipped_with_the_column_heading(bulk):
    bulk.insert("Berta", GP_Customer_ID="B1")
    mapped = [{"api_name": "Account_Name", "index": 1}, {"api_name": "GP_Customer_ID", "index": 0}]
    told = bulk.done(
        ["Customer No", "Name"], ["B1", "Other"], operation="insert", find_by=None, field_mappings=mapped
    )
    assert [(one["STATUS"], one["RECORD_ID"], one["ERRORS"]) for one in told] == [
        ("SKIPPED", "", "DUPLICATE_DATA-Customer No")
    ]


def test_insert_with_find_by_skips_what_is_there(bulk):
    bulk.insert("Berta", GP_Customer_ID="B1", Phone="1")
    told = upsert(bulk, ["Berta New", "B1", "2"], ["Carl", "C1", "3"], operation="insert")
    assert [one["STATUS"] for one in told] == ["SKIPPED", "ADDED"]
    assert bulk.names() == ["Berta", "Carl"]


def test_update_makes_nothing(bulk):
    bulk.insert("Berta", GP_Customer_ID="B1")
    told = upsert(bulk, ["Berta New", "B1", ""], ["Carl", "C1", ""], ["Dora", "", ""], operation="update")
    assert [(one["STATUS"], one["ERRORS"]) for one in told] == [
        ("UPDATED", ""),
        ("SKIPPED", "RESOURCE_NOT_FOUND-GP_Customer_ID"),
        ("SKIPPED", "MANDATORY_NOT_FOUND-GP_Customer_ID"),
    ]
    assert bulk.names() == ["Berta New"]


def test_update_by_id(bulk):
    account = bulk.insert("Berta")
    mapped = [{"api_name": "id", "index": 0}, {"api_name": "Phone", "index": 1}]
    told = bulk.done(
        ["id", "Phone"], [account, "99"], ["1", "98"], operation="update", find_by="id", field_mappings=mapped
    )
    assert [(one["STATUS"], one["RECORD_ID"], one["ERRORS"]) for one in told] == [
        ("UPDATED", account, ""),
        ("SKIPPED", "", "RESOURCE_NOT_FOUND-id"),
    ]
    assert bulk.wire.get("Accounts", account)["Phone"] == "99"


def test_key_that_comes_twice_is_added_and_then_updated(bulk):
    told = upsert(bulk, ["Aaron", "A1", "1"], ["Aaron Two", "A1", "2"])
    assert [one["STATUS"] for one in told] == ["ADDED", "UPDATED"]
    assert bulk.names() == ["Aaron Two"]


@pytest.mark.parametrize(("ignore", "phone"), [(True, "312"), (False, None)])
def test_empty_cells_clear_unless_they_are_ignored(bulk, ignore, phone):
    account = bulk.insert("Aaron", GP_Customer_ID="A1", Phone="312")
    upsert(bulk, ["Aaron", "A1", ""], ignore_empty=ignore)
    assert bulk.wire.get("Accounts", account)["Phone"] == phone


def test_default_stands_in_for_empty_cells(bulk):
    mapped = [*MAPPED[:2], {**MAPPED[2], "default_value": {"value": "100"}}]
    mapped.append({"api_name": "Fax", "default_value": {"value": "200"}})
    bulk.done(HEAD, ["Aaron", "A1", ""], ["Berta", "B1", "300"], field_mappings=mapped)
    assert [(row["Phone"], row["Fax"]) for row in bulk.rows()] == [("100", "200"), ("300", "200")]


def test_columns_map_by_their_headings_when_none_are_mapped(bulk):
    parent = bulk.insert("Parent")
    bulk.done(
        [*HEAD, "Parent_Account.id", "Owner.email"], ["Aaron", "A1", "", parent, "sally@fabrikam.example"]
    )
    child = bulk.rows()[1]
    assert child["Parent_Account"] == {"name": "Parent", "id": parent}
    assert child["Owner"]["name"] == "Sally Sales"


def test_lookup_by_a_unique_field_of_the_other_module(bulk):
    account = bulk.insert("Aaron", GP_Customer_ID="A1")
    bulk.wire.add_key("Contacts", "GP Contact ID")
    head = ["Last_Name", "GP_Contact_ID", "Account_Name.GP_Customer_ID"]
    options = {"module": "Contacts", "find_by": "GP_Contact_ID"}
    told = bulk.done(head, ["Miller", "A1|1", "a1"], ["Smith", "X|1", "X"], **options)
    assert [(one["STATUS"], one["ERRORS"]) for one in told] == [
        ("ADDED", ""),
        ("SKIPPED", "INVALID_DATA-Account_Name.GP_Customer_ID"),
    ]
    [contact] = bulk.rows("Contacts")
    assert contact["Account_Name"]["id"] == account


def test_code_of_a_missing_reference_is_an_option(start, bulk_of):
    bulk = bulk_of(start(bulk_missing_reference="RESOURCE_NOT_FOUND"))
    [told] = bulk.done([*HEAD, "Parent_Account.id"], ["Aaron", "A1", "", "12345"])
    assert told["ERRORS"] == "RESOURCE_NOT_FOUND-Parent_Account.id"


def test_types_are_read_from_text(bulk):
    for label, kind in (
        ("Opened", "date"),
        ("Called", "datetime"),
        ("Active", "boolean"),
        ("Limit", "currency"),
    ):
        assert bulk.wire.add_field(label=label, kind=kind).status == 201
    head = ["Account_Name", "GP_Customer_ID", "Opened", "Called", "Active", "Limit", "Employees"]
    told = bulk.done(
        head,
        ["Aaron", "A1", "12/31/2026", "12/31/2026 23:59:58", "true", "1234.5", "12"],
        ["Berta", "B1", "2026-12-31", "2026-12-31T23:59:58-05:00", "yes", "1,234", "1.5"],
    )
    assert told[1]["ERRORS"] == "INVALID_DATA-Opened,Called,Active,Limit,Employees"
    [row] = bulk.rows()
    assert [row[name] for name in head[2:]] == ["2026-12-31", "2026-12-31T23:59:58-05:00", True, 1234.5, 12]


def test_dates_in_another_format(bulk):
    bulk.wire.add_field(label="Opened", kind="date")
    bulk.wire.add_field(label="Called", kind="datetime")
    mapped = [
        *MAPPED[:2],
        {"api_name": "Opened", "index": 2, "format": "yyyy-MM-dd"},
        {"api_name": "Called", "index": 3, "format": "yyyy-MM-dd'T'HH:mm:ssXXX"},
    ]
    head = [*HEAD[:2], "Opened", "Called"]
    bulk.done(head, ["Aaron", "A1", "2026-12-31", "2026-12-31T10:00:00Z"], field_mappings=mapped)
    [row] = bulk.rows()
    assert (row["Opened"], row["Called"]) == ("2026-12-31", "2026-12-31T05:00:00-05:00")


@pytest.mark.parametrize("delimiter", [",", ";", ":", "|"])
def test_delimiter_is_found_in_the_first_line(bulk, delimiter):
    file_id = bulk.file(HEAD, ["Aaron, Fitz; and: others | co", "A1", "312"], delimiter=delimiter)
    bulk.end(bulk.create(file_id).body["details"]["id"])
    assert bulk.names() == ["Aaron, Fitz; and: others | co"]


def test_texts_with_lines_quotes_and_letters_survive(bulk):
    name = 'Möller "the" first'
    bulk.done([*HEAD, "Billing_Street"], [name, "A1", "", "1 Main St\nSuite 2"])
    [row] = bulk.rows()
    assert (row["Account_Name"], row["Billing_Street"]) == (name, "1 Main St\nSuite 2")


def test_layouts_demands_are_ignored(bulk):
    layout = bulk.wire.control("POST", "layouts/Accounts", {"name": "Dealers", "required": ["Website"]})["id"]
    bulk.done([*HEAD, "Layout"], ["Aaron", "A1", "", "Dealers"], ["Berta", "B1", "", "Nonsense"])
    assert [row["Layout"]["name"] for row in bulk.rows()] == ["Dealers", "Standard"]
    assert bulk.rows()[0]["Layout"]["id"] == layout


def test_other_unique_field_takes_part_only_when_told_so(start, bulk_of):
    for matching, told in (("find_by", "SKIPPED"), ("all_unique", "UPDATED")):
        bulk = bulk_of(start(bulk_upsert_matching=matching))
        bulk.wire.add_key(label="Second ID")
        bulk.insert("Aaron", GP_Customer_ID="A1", Second_ID="S1")
        head = ["Account_Name", "GP_Customer_ID", "Second_ID"]
        [row] = bulk.done(head, ["Berta", "B1", "S1"])
        assert (row["STATUS"], row["ERRORS"]) == (
            told,
            "DUPLICATE_DATA-Second_ID" if told == "SKIPPED" else "",
        )


def row(name, key, phone, status, record_id="", errors=""):
    return dict(zip(HEAD, (name, key, phone), strict=True)) | {
        "STATUS": status,
        "RECORD_ID": record_id,
        "ERRORS": errors,
    }
