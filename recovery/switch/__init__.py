"""Where clients are sent: a DNS name, a load balancer. One interface, one file a kind."""
