"""How late a server's finished writes reach its disk."""

import pytest

from recovery.velociraptor.config import ServerConfig

MEMCACHE = {"implementation": "MemcacheFileDataStore"}
AGES = {"memcache_write_mutation_max_age": 5000, "memcache_write_mutation_min_age": 500}


@pytest.mark.parametrize(
    ("datastore", "seconds"),
    [
        ({}, 0),
        ({"implementation": "FileBaseDataStore"}, 0),
        (MEMCACHE, 3),
        (MEMCACHE | AGES, 10.5),
        ({"implementation": "FileBaseDataStore"} | AGES, 0),
        (MEMCACHE | {"memcache_write_mutation_max_age": 10**7}, 600),  # no recovery waits for hours
    ],
)
def test_only_a_memcache_datastore_writes_late(datastore, seconds):
    assert ServerConfig(b"", {"Datastore": datastore}).write_delay == seconds
