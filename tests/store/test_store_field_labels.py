"""What the source's users call its fields: the newest that was told, whole."""

from ml_connector.store import field_labels


def test_the_newest_labels_take_the_place_of_all_before(tx):
    assert field_labels.find(tx) == {}
    field_labels.put(tx, {"gl_accounts": {"segment.1": "Division", "segment.2": "Account"}})
    field_labels.put(tx, {"gl_accounts": {"segment.1": "Branch"}, "other": {}})
    assert field_labels.find(tx) == {"gl_accounts": {"segment.1": "Branch"}}
