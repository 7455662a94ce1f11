import re

import yaml
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from server_app.datastore import ids


def test_the_id_of_a_real_client_follows_from_its_key(recorded):
    writeback = yaml.safe_load((recorded / "client_writeback.yaml").read_text())
    key = load_pem_private_key(writeback["private_key"].encode(), None)
    assert ids.client_id(key.public_key().public_numbers().n) == writeback["client_id"]


def test_ids_have_the_recorded_shape():
    assert re.fullmatch(r"F\.[0-9A-V]{13}", ids.flow())
    assert re.fullmatch(r"H\.[0-9A-V]{13}", ids.hunt())
    assert re.fullmatch(r"NC\.[0-9A-V]{13}", ids.cell())
    assert re.fullmatch(r"O[0-9A-V]{4}", ids.org())
    assert re.fullmatch(r"C\.[0-9a-f]{16}", ids.new_client())


def test_newer_ids_sort_later():
    assert ids.flow()[:6] <= ids.flow()[:6]
