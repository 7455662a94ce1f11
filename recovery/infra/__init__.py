"""The one room that speaks Pulumi: machine, DNS record and step groups as resources.

Providers of dynamic resources are tiny classes without state: Pulumi pickles them by name
into the stack, so that nothing of an object's content (a key, a path) can get there with them.
Their work is in plain modules beside them (``docker_engine``, ``dns_update``), free of Pulumi.
"""
