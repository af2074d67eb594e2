"""From settings and mapping files to flows: what a company does not use, and what an edition has no room for."""

from pathlib import Path

import pytest

from ml_connector.core.errors import ConfigurationError
from ml_connector.core.mapping import field_needs, module_needs
from ml_connector.loading import deal_terms, entities_with_labels, load_flows, with_room, without
from ml_connector.settings import Settings
from ml_connector.settings_file import load_settings

SETTINGS = """\
[gp]
endpoint = "https://gp.example/DynamicsGPService.asmx"
company_id = -1
user = 'FABRIKAM\\x'
[zoho]
data_centre = "us"
client_id = "1000.A"
[flows.gl_accounts]
enabled = true
"""
LABELS = {"gl_accounts": {"segment.1": "Division", "segment.2": "Account"}}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "ml-connector.toml").write_text(SETTINGS)
    return load_settings(tmp_path / "ml-connector.toml")


def targets(flow) -> set[str]:
    return {rule.target for mapping in flow.mappings for rule in mapping.rules}


def shown(flows) -> dict[str, str]:
    mappings = [mapping for flow in flows.values() for mapping in flow.mappings]
    return {need.name: need.shown_as for need in field_needs(mappings) if need.shown_as}


def test_segments_are_those_that_the_company_has_under_their_names(settings: Settings) -> None:
    assert entities_with_labels(settings) == {"gl_accounts"}
    flows = load_flows(settings, LABELS)
    assert shown(flows) == {"GP_Segment_1": "Division", "GP_Segment_2": "Account"}
    assert {name for name in targets(flows["gl_accounts"]) if "Segment" in name} == {
        "GP_Segment_1",
        "GP_Segment_2",
    }
    unknown = load_flows(settings)["gl_accounts"]
    assert not [name for name in targets(unknown) if "Segment" in name]
    assert not [name for mapping in unknown.mappings for name in mapping.reads if "segment" in name]


def test_another_name_of_a_segment_is_no_other_mapping_and_another_segment_is(settings: Settings) -> None:
    def mark(**labels: str) -> str:
        named = {f"segment.{number.removeprefix('s')}": label for number, label in labels.items()}
        return load_flows(settings, {"gl_accounts": named})["gl_accounts"].fingerprint

    assert mark(s1="Division") == mark(s1="Branch")
    assert mark(s1="Division") != mark(s1="Division", s2="Account")


def test_a_lookup_to_accounts_is_there_only_with_their_flow(settings: Settings) -> None:
    flows = load_flows(settings, LABELS)
    assert "GP_Sales_GL_Account" in targets(flows["customers"])
    assert "GP_Purchases_GL_Account" in targets(flows["vendors"])
    without_chart = settings.flows.model_copy(
        update={"gl_accounts": settings.flows.gl_accounts.model_copy(update={"enabled": False})}
    )
    fewer = load_flows(settings.model_copy(update={"flows": without_chart}), LABELS)
    assert "gl_accounts" not in fewer
    assert "GP_Sales_GL_Account" not in targets(fewer["customers"])


def test_without_the_module_neither_its_flow_nor_what_points_to_it_is_left(settings: Settings) -> None:
    flows = load_flows(settings, LABELS)
    no_room = {("GL_Accounts", ""), ("Accounts", "GP_Payment_Terms")}
    left = with_room(flows, no_room)
    assert left.keys() == {"customers", "vendors"}
    assert "GP_Sales_GL_Account" not in targets(left["customers"])
    assert "GP_Sales_Account" in targets(left["customers"])
    assert "GP_Payment_Terms" not in targets(left["customers"])
    assert left["customers"].fingerprint != flows["customers"].fingerprint
    assert module_needs(mapping for flow in left.values() for mapping in flow.mappings) == []
    assert without(flows["customers"], ()) == flows["customers"]


def test_without_the_module_the_accounts_of_kept_lines_are_kept_with_their_categories(
    settings: Settings,
) -> None:
    journal = settings.flows.journal_entries.model_copy(update={"enabled": True, "mappings": ()})
    flows = settings.flows.model_copy(update={"journal_entries": journal})
    left = with_room(load_flows(settings.model_copy(update={"flows": flows}), LABELS), {("GL_Accounts", "")})
    assert left["gl_accounts"].mappings == ()
    assert len(left["gl_accounts"].meanings) == 1
    assert left["journal_entries"].entity.postings.accounts == "gl_accounts"


def test_what_a_module_of_ours_needs_says_so(settings: Settings) -> None:
    flows = load_flows(settings, LABELS)
    needs = field_needs(mapping for flow in flows.values() for mapping in flow.mappings)
    assert {need.module for need in needs if need.module_is_ours} == {"GL_Accounts"}
    assert all(need.module_is_ours for need in needs if need.module == "GL_Accounts")
    [lookup] = [need for need in needs if need.name == "GP_Sales_GL_Account"]
    assert (lookup.type, lookup.lookup, lookup.related) == ("lookup", "GL_Accounts", "Customers by Sales GL")


def test_a_rule_of_deals_names_a_company_that_there_is(tmp_path: Path) -> None:
    file = tmp_path / "ml-connector.toml"
    rule = '\n[deals.rules.a]\naccount = "1"\ncompany = "{}"\n[companies.EU]\ncompany_id = 7\nkey_prefix = "EU-"\n'
    known = SETTINGS + '[company]\nname = "Fabrikam"\nkey_prefix = "US-"\n'
    for name, key in (("EU", "7"), ("Fabrikam", "-1"), ("", "")):
        file.write_text(known + rule.format(name))
        [found] = deal_terms(load_settings(file), "").rules
        assert found.company == key
    file.write_text(known + rule.format("Asia"))
    with pytest.raises(ConfigurationError, match=r"\[deals.rules.a\] names the company Asia.*EU, Fabrikam"):
        deal_terms(load_settings(file), "")
