"""The fields that settings want of deals and Accounts."""

from ml_connector.core.deal_fields import MAX_CHOICES, deal_needs, first_choices


def test_nothing_is_wanted_that_no_setting_asks_for():
    assert deal_needs(tagging=False, profitability=False, module="GL_Accounts") == []


def test_the_tag_points_to_the_accounts_where_they_are_records_and_names_them_where_they_are_not():
    (lookup,) = deal_needs(tagging=True, profitability=False, module="GL_Accounts")
    (picklist,) = deal_needs(tagging=True, profitability=False)
    assert (lookup.type, lookup.lookup, picklist.type, picklist.lookup) == (
        "lookup",
        "GL_Accounts",
        "picklist",
        "",
    )
    assert (lookup.module, lookup.name, lookup.label) == (picklist.module, picklist.name, picklist.label)


def test_every_label_makes_its_api_name_and_fits():
    for need in deal_needs(tagging=True, profitability=True):
        assert need.label.replace(" ", "_") == need.name
        assert len(need.label) <= 25


def test_a_picklist_begins_with_each_account_once_and_no_more_than_it_takes():
    assert first_choices(["200 ", "100", "", "200", "x" * 121]) == ("100", "200")
    assert first_choices(["abc", "ABC"]) == ("ABC",)
    many = first_choices([f"{number:06}" for number in range(MAX_CHOICES + 5)])
    assert len(many) == MAX_CHOICES
    assert many[0] == "000000"
